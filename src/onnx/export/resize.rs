//! The exported form of a resize.

use super::attributes::{flag, float, ints, string};
use super::nodes::{Form, reason};
use crate::graph::{Coordinates, Interpolation, Resize, Rounding, Target};
use crate::tensor::Tensor;

pub(super) fn form(resize: &Resize) -> Result<Form, String> {
    let mut form = Form::new("Resize", Vec::new());
    let floats = |values: &[f32]| Tensor::from_f32(vec![values.len()], values.to_vec()).map_err(reason);
    let mut region = None;
    let coordinates = match resize.coordinates {
        Coordinates::HalfPixel => "half_pixel",
        Coordinates::HalfPixelSymmetric => "half_pixel_symmetric",
        Coordinates::PytorchHalfPixel => "pytorch_half_pixel",
        Coordinates::AlignCorners => "align_corners",
        Coordinates::Asymmetric => "asymmetric",
        Coordinates::Phase(_) => return Err("only training graphs have it, ONNX does not".to_owned()),
        Coordinates::Crop { start, end, outside } => {
            form.attributes.push(float("extrapolation_value", outside));
            region = Some((start, end));
            "tf_crop_and_resize"
        }
    };
    form.attributes.push(string("coordinate_transformation_mode", coordinates));
    match resize.interpolation {
        Interpolation::Linear => form.attributes.push(string("mode", "linear")),
        Interpolation::Nearest(rounding) => {
            form.attributes
                .extend([string("mode", "nearest"), string("nearest_mode", rounding_name(rounding))]);
        }
        Interpolation::Filter(filter) => {
            form.attributes.push(string("mode", if filter.cubic.is_some() { "cubic" } else { "linear" }));
            form.attributes.extend(filter.cubic.map(|a| float("cubic_coeff_a", a)));
            form.attributes.extend(filter.antialias.then(|| flag("antialias", true)));
            form.attributes.extend(filter.exclude_outside.then(|| flag("exclude_outside", true)));
        }
    }
    // Sizes of all four axes would fix the batch.
    let mut axes: &[usize] = &[2, 3];
    let sizes = |sizes: &[usize]| {
        let sizes = sizes.iter().map(|&size| size as i64).collect::<Vec<_>>();
        Tensor::from_i64(vec![sizes.len()], sizes).map_err(reason)
    };
    let mut computed = None;
    let target = match resize.target {
        Target::Scales(scales) if region.is_some() => vec![Some(("scales", floats(&scales)?))],
        Target::Scales([vertical, horizontal]) => {
            axes = &[];
            vec![Some(("scales", floats(&[1.0, 1.0, vertical, horizontal])?))]
        }
        Target::Computed(ref both) => {
            computed = Some(("sizes", both.to_vec()));
            vec![None, None]
        }
        Target::Sizes(both) => vec![None, Some(("sizes", sizes(&both)?))],
        Target::Fit { sizes: given, cover } => {
            let policy = if cover { "not_smaller" } else { "not_larger" };
            form.attributes.push(string("keep_aspect_ratio_policy", policy));
            axes = match given {
                [Some(_), None] => &[2],
                [None, Some(_)] => &[3],
                [Some(_), Some(_)] | [None, None] => &[2, 3],
            };
            let given: Vec<usize> = given.into_iter().flatten().collect();
            vec![None, Some(("sizes", sizes(&given)?))]
        }
    };
    if !axes.is_empty() {
        form.attributes.push(ints("axes", axes));
    }
    let region = region.map(|(start, end)| {
        let of = |part: [f32; 2]| axes.iter().map(move |&axis| part[axis - 2]).collect::<Vec<_>>();
        floats(&[of(start), of(end)].concat()).map(|region| ("roi", region))
    });
    form.constants.push(region.transpose()?);
    form.constants.extend(target);
    // Sizes are the last of the inputs.
    form.computed.extend(computed.map(|sizes| (form.constants.len() - 1, sizes)));
    Ok(form)
}

/// Whether a resize needs attributes or axes that opset 17 does not have.
pub(super) fn is_new(resize: &Resize) -> bool {
    let scaled = matches!(resize.target, Target::Scales(_));
    let since_19 = matches!(resize.coordinates, Coordinates::HalfPixelSymmetric | Coordinates::Crop { .. });
    let smooth = matches!(resize.interpolation, Interpolation::Filter(filter) if filter.antialias);
    !scaled || since_19 || smooth
}

fn rounding_name(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::PreferFloor => "round_prefer_floor",
        Rounding::PreferCeil => "round_prefer_ceil",
        Rounding::Floor => "floor",
        Rounding::Ceil => "ceil",
    }
}
