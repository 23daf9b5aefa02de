//! `Resize` and `Upsample`: how coordinates are found and read, and from where the output size comes.

use super::{Call, Meaning, size};
use crate::graph::{Coordinates, Extent, Filter, Interpolation, Op, Resize, Rounding, Target};

pub(super) fn resize(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(4)?;
    let coordinates = coordinates(call)?;
    let interpolation = interpolation(call)?;
    let policy = match call.opset {
        18.. => call.attributes.string("keep_aspect_ratio_policy")?,
        _ => None,
    };
    let cover = match policy {
        None | Some("stretch") => None,
        Some("not_larger") => Some(false),
        Some("not_smaller") => Some(true),
        Some(other) => return Err(unsupported("keep_aspect_ratio_policy", other, call.opset)),
    };
    let axes = axes(call)?;
    let coordinates = match coordinates {
        Coordinates::Crop { outside, .. } => crop(call, &axes, outside)?,
        other => other,
    };
    let target = target(call, &axes, cover)?;
    in_two_axes(call, Resize { target, coordinates, interpolation })
}

/// A resize as it is, or of one axis as one of a single row.
fn in_two_axes(call: &mut Call, resize: Resize) -> Result<Meaning, String> {
    if call.rank()? == 3 {
        let (raise, lower) = (Op::Unsqueeze { axes: vec![2] }, Op::Squeeze { axes: vec![2] });
        return Ok(Meaning::Chain(vec![raise, Op::Resize(resize), lower]));
    }
    call.unary(Op::Resize(resize))
}

/// Replaced by `Resize` at opset 10; some exporters keep it.
pub(super) fn upsample(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let interpolation = match call.attributes.string("mode")? {
        None | Some("nearest") => Interpolation::Nearest(Rounding::Floor),
        Some("linear" | "bilinear") => Interpolation::Linear,
        Some(other) => return Err(unsupported("mode", other, call.opset)),
    };
    let attribute = call.attributes.floats("scales")?.map(<[f32]>::to_vec);
    let scales = match (attribute, call.floats(1)?) {
        (Some(scales), None) | (None, Some(scales)) => scales,
        (Some(_), Some(_)) => return Err("scales: expected an attribute or an input, found both".to_owned()),
        (None, None) => return Err("scales: expected a constant input, found none".to_owned()),
    };
    let target = scaled(&axes(call)?, &scales)?;
    in_two_axes(call, Resize { target, coordinates: Coordinates::Asymmetric, interpolation })
}

fn coordinates(call: &mut Call) -> Result<Coordinates, String> {
    let outside = call.attributes.float("extrapolation_value")?.unwrap_or(0.0);
    Ok(match call.attributes.string("coordinate_transformation_mode")? {
        None | Some("half_pixel") => Coordinates::HalfPixel,
        Some("half_pixel_symmetric") if call.opset >= 19 => Coordinates::HalfPixelSymmetric,
        Some("pytorch_half_pixel") => Coordinates::PytorchHalfPixel,
        Some("align_corners") => Coordinates::AlignCorners,
        Some("asymmetric") => Coordinates::Asymmetric,
        Some("tf_crop_and_resize") => Coordinates::Crop { start: [0.0; 2], end: [1.0; 2], outside },
        Some(other) => return Err(unsupported("coordinate_transformation_mode", other, call.opset)),
    })
}

fn interpolation(call: &mut Call) -> Result<Interpolation, String> {
    let rounding = match call.attributes.string("nearest_mode")? {
        None | Some("round_prefer_floor") => Rounding::PreferFloor,
        Some("round_prefer_ceil") => Rounding::PreferCeil,
        Some("floor") => Rounding::Floor,
        Some("ceil") => Rounding::Ceil,
        Some(other) => return Err(unsupported("nearest_mode", other, call.opset)),
    };
    let antialias = call.opset >= 18 && call.attributes.flag("antialias")?;
    let exclude_outside = call.attributes.flag("exclude_outside")?;
    let a = call.attributes.float("cubic_coeff_a")?.unwrap_or(-0.75);
    match call.attributes.string("mode")? {
        None | Some("nearest") if antialias => {
            Err("antialias: expected mode linear or cubic, found nearest".to_owned())
        }
        None | Some("nearest") => Ok(Interpolation::Nearest(rounding)),
        Some("linear") if antialias => {
            Ok(Interpolation::Filter(Filter { cubic: None, antialias, exclude_outside }))
        }
        Some("linear") => Ok(Interpolation::Linear),
        Some("cubic") if !a.is_finite() => Err(format!("cubic_coeff_a: expected a number, found {a}")),
        Some("cubic") => Ok(Interpolation::Filter(Filter { cubic: Some(a), antialias, exclude_outside })),
        Some(other) => Err(unsupported("mode", other, call.opset)),
    }
}

fn unsupported(attribute: &str, found: &str, opset: i64) -> String {
    format!("{attribute}: {found} is not supported at opset {opset}")
}

/// The axes that scales, sizes and regions are of, in an image `[N, C, H, W]`; the axis of a line is its width.
fn axes(call: &mut Call) -> Result<Vec<usize>, String> {
    let rank = call.rank()?;
    if rank != 3 && rank != 4 {
        return Err(format!("input: expected rank 3 or 4 [N, C, H, W], found rank {rank}"));
    }
    let axes: Vec<usize> = match if call.opset >= 18 { call.attributes.ints("axes")? } else { None } {
        None => (0..rank).collect(),
        Some(given) => given.iter().map(|&axis| call.axis(axis, rank - 1)).collect::<Result<_, _>>()?,
    };
    Ok(axes.into_iter().map(|axis| if rank == 3 && axis == 2 { 3 } else { axis }).collect())
}

/// The region of the input, its beginnings and then its ends; of batch and channels it must be all.
fn crop(call: &mut Call, axes: &[usize], outside: f32) -> Result<Coordinates, String> {
    let region = call.floats(1)?.ok_or("roi: expected a constant input, found none")?;
    if region.len() != 2 * axes.len() || region.iter().any(|at| !at.is_finite()) {
        return Err(format!("roi: expected {} numbers, found {region:?}", 2 * axes.len()));
    }
    let (starts, ends) = region.split_at(axes.len());
    let start = by_axis("roi", axes, starts)?.map(|start| start.unwrap_or(0.0));
    let end = by_axis("roi", axes, ends)?.map(|end| end.unwrap_or(1.0));
    if start[..2] != [0.0; 2] || end[..2] != [1.0; 2] {
        return Err(format!("roi: expected all of batch and channels, found {region:?}"));
    }
    Ok(Coordinates::Crop { start: [start[2], start[3]], end: [end[2], end[3]], outside })
}

fn scaled(axes: &[usize], scales: &[f32]) -> Result<Target, String> {
    let [n, c, h, w] = by_axis("scales", axes, scales)?.map(|scale| scale.unwrap_or(1.0));
    if n != 1.0 || c != 1.0 {
        return Err(format!("scales: expected 1 for batch and channels, found {n} and {c}"));
    }
    if [h, w].iter().any(|&scale| !scale.is_finite() || scale <= 0.0) {
        return Err(format!("scales: expected numbers above 0, found {:?}", [h, w]));
    }
    Ok(Target::Scales([h, w]))
}

fn target(call: &mut Call, axes: &[usize], cover: Option<bool>) -> Result<Target, String> {
    let scales = call.floats(2)?.filter(|scales| !scales.is_empty());
    let sizes = call.extents(3)?.filter(|sizes| !sizes.is_empty());
    if let (None, Some(sizes), None) = (&scales, &sizes, cover)
        && sizes.iter().any(|size| size.fixed().is_none())
    {
        return computed(axes, sizes);
    }
    let numbers = |sizes: Vec<Extent>| sizes.iter().map(Extent::fixed).collect::<Option<Vec<i64>>>();
    let sizes = match sizes.map(numbers) {
        Some(None) => {
            return Err("sizes: expected numbers, found ones that depend on the input's size".to_owned());
        }
        Some(sizes) => sizes,
        None => None,
    };
    match (scales, sizes) {
        (Some(_), None) if cover.is_some() => {
            Err("keep_aspect_ratio_policy: expected sizes, found scales".to_owned())
        }
        (Some(scales), None) => scaled(axes, &scales),
        (None, Some(sizes)) => sized(call, axes, &sizes, cover),
        (Some(_), Some(_)) => Err("expected scales or sizes, found both".to_owned()),
        (None, None) => Err("expected scales or sizes, found neither".to_owned()),
    }
}

/// Sizes that depend on those of a run; batch and channels must be dimensions 0 and 1 of something.
fn computed(axes: &[usize], sizes: &[Extent]) -> Result<Target, String> {
    let positions: Vec<usize> = (0..sizes.len()).collect();
    let places = by_axis("sizes", axes, &positions)?;
    for (axis, place) in places[..2].iter().enumerate() {
        let kept = |at: usize| matches!(&sizes[at], Extent::Dim { axis: of, .. } if *of == axis);
        if place.is_some_and(|at| !kept(at) && sizes[at].fixed().is_none()) {
            return Err(format!(
                "sizes: expected batch and channels as they are, found {}",
                sizes[place.unwrap_or(0)]
            ));
        }
    }
    match (places[2], places[3]) {
        (Some(height), Some(width)) => {
            Ok(Target::Computed(Box::new([sizes[height].clone(), sizes[width].clone()])))
        }
        _ => Err("sizes: expected height and width, found only one of them".to_owned()),
    }
}

fn sized(call: &mut Call, axes: &[usize], sizes: &[i64], cover: Option<bool>) -> Result<Target, String> {
    let wanted = by_axis("sizes", axes, sizes)?;
    let mut shape = call.shape()?;
    let line = call.rank()? == 3;
    if let Some(shape) = shape.as_mut().filter(|_| line) {
        shape.insert(2, 1);
    }
    let mut given = [None; 4];
    for (given, wanted) in given.iter_mut().zip(wanted) {
        *given = wanted.map(|wanted| size("sizes", wanted, 1)).transpose()?;
    }
    let present = |axis: usize| match &shape {
        Some(shape) => Some(shape[axis]),
        None => (line && axis == 2).then_some(1),
    };
    if (0..2).any(|axis| given[axis].is_some() && present(axis).is_some() && given[axis] != present(axis)) {
        let shape = shape.unwrap_or_default();
        return Err(format!("sizes: expected batch and channels of {shape:?}, found {sizes:?}"));
    }
    if let Some(cover) = cover {
        let all = axes.contains(&0) || axes.contains(&1);
        let sizes = [2, 3].map(|axis| given[axis]);
        // Sizes of batch and channels are those of the input, and their factor 1 takes part in the choice.
        return match all {
            false => Ok(Target::Fit { sizes, cover }),
            true => Err("keep_aspect_ratio_policy: expected axes of height and width, found all".to_owned()),
        };
    }
    let pixels = |axis: usize| {
        let missing = || format!("sizes: expected one for axis {axis}, which is symbolic, found none");
        given[axis].or(present(axis)).ok_or_else(missing)
    };
    Ok(Target::Sizes([pixels(2)?, pixels(3)?]))
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
