//! `Resize`: which of its many rules are supported, and from where its output size comes.

use super::{Call, Meaning, size};
use crate::graph::{Coordinates, Interpolation, Op, Resize, Rounding, Target};

pub(super) fn resize(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(4)?;
    let coordinates = match call.attributes.string("coordinate_transformation_mode")? {
        None | Some("half_pixel") => Coordinates::HalfPixel,
        Some("half_pixel_symmetric") if call.opset >= 19 => Coordinates::HalfPixelSymmetric,
        Some("pytorch_half_pixel") => Coordinates::PytorchHalfPixel,
        Some("align_corners") => Coordinates::AlignCorners,
        Some("asymmetric") => Coordinates::Asymmetric,
        Some(other) => return Err(unsupported("coordinate_transformation_mode", other, call.opset)),
    };
    let rounding = match call.attributes.string("nearest_mode")? {
        None | Some("round_prefer_floor") => Rounding::PreferFloor,
        Some("round_prefer_ceil") => Rounding::PreferCeil,
        Some("floor") => Rounding::Floor,
        Some("ceil") => Rounding::Ceil,
        Some(other) => return Err(unsupported("nearest_mode", other, call.opset)),
    };
    let interpolation = match call.attributes.string("mode")? {
        None | Some("nearest") => Interpolation::Nearest(rounding),
        Some("linear") => Interpolation::Linear,
        Some(other) => return Err(unsupported("mode", other, call.opset)),
    };
    call.attributes.only_zero("exclude_outside")?;
    call.attributes.ignore("cubic_coeff_a");
    call.attributes.ignore("extrapolation_value");
    if call.opset >= 18 {
        call.attributes.only_zero("antialias")?;
        match call.attributes.string("keep_aspect_ratio_policy")? {
            None | Some("stretch") => {}
            Some(other) => return Err(unsupported("keep_aspect_ratio_policy", other, call.opset)),
        }
    }
    let target = target(call)?;
    call.unary(Op::Resize(Resize { target, coordinates, interpolation }))
}

fn unsupported(attribute: &str, found: &str, opset: i64) -> String {
    format!("{attribute}: {found} is not supported at opset {opset}")
}

fn target(call: &mut Call) -> Result<Target, String> {
    let rank = call.rank()?;
    if rank != 4 {
        return Err(format!("input: expected rank 4 [N, C, H, W], found rank {rank}"));
    }
    let axes = match if call.opset >= 18 { call.attributes.ints("axes")? } else { None } {
        None => vec![0, 1, 2, 3],
        Some(given) => given.iter().map(|&axis| call.axis(axis, 3)).collect::<Result<_, _>>()?,
    };
    let scales = call.floats(2)?.filter(|scales| !scales.is_empty());
    let sizes = call.ints(3)?.filter(|sizes| !sizes.is_empty());
    match (scales, sizes) {
        (Some(scales), None) => {
            let [n, c, h, w] = by_axis("scales", &axes, &scales)?.map(|scale| scale.unwrap_or(1.0));
            if n != 1.0 || c != 1.0 {
                return Err(format!("scales: expected 1 for batch and channels, found {n} and {c}"));
            }
            if [h, w].iter().any(|&scale| !scale.is_finite() || scale <= 0.0) {
                return Err(format!("scales: expected numbers above 0, found {:?}", [h, w]));
            }
            Ok(Target::Scales([h, w]))
        }
        (None, Some(sizes)) => {
            let [n, c, h, w] = by_axis("sizes", &axes, &sizes)?;
            let shape = call.shape()?;
            let mut spatial = [0; 2];
            for (axis, wanted) in [n, c, h, w].into_iter().enumerate() {
                let given = wanted.map(|wanted| size("sizes", wanted, 1)).transpose()?;
                let present = shape.as_ref().map(|shape| shape[axis]);
                match (axis, given.or(present)) {
                    (2 | 3, Some(pixels)) => spatial[axis - 2] = pixels,
                    (2 | 3, None) => {
                        return Err(format!(
                            "sizes: expected one for axis {axis}, which is symbolic, found none"
                        ));
                    }
                    _ if given.is_some() && present.is_some() && given != present => {
                        return Err(format!(
                            "sizes: expected batch and channels of {:?}, found {sizes:?}",
                            shape.unwrap_or_default()
                        ));
                    }
                    _ => {}
                }
            }
            Ok(Target::Sizes(spatial))
        }
        (Some(_), Some(_)) => Err("expected scales or sizes, found both".to_owned()),
        (None, None) => Err("expected scales or sizes, found neither".to_owned()),
    }
}

fn by_axis<T: Copy>(what: &str, axes: &[usize], values: &[T]) -> Result<[Option<T>; 4], String> {
    if axes.len() != values.len() {
        return Err(format!("{what}: expected {} numbers, found {}", axes.len(), values.len()));
    }
    let mut found = [None; 4];
    for (&axis, &value) in axes.iter().zip(values) {
        if found[axis].replace(value).is_some() {
            return Err(format!("axes: expected axis {axis} once, found it twice"));
        }
    }
    Ok(found)
}
