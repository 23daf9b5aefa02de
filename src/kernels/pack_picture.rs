//! Packing of a texture of the host application: resizing, normalisation and layout in one pass.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`PACK_PICTURE`].
    PackPictureParams {
        /// The live record of the input.
        record: u32,
        /// Which image of the batch it becomes.
        image: u32,
        /// Rows of the input.
        height: u32,
        /// Columns of the input.
        width: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// 1 to swap red and blue.
        bgr: u32,
        /// Factor of every texel.
        scale: f32,
        /// Subtracted from the first channel.
        mean_x: f32,
        /// Subtracted from the second channel.
        mean_y: f32,
        /// Subtracted from the third channel.
        mean_z: f32,
        /// Subtracted from the fourth channel.
        mean_w: f32,
        /// Divides the first channel.
        std_x: f32,
        /// Divides the second channel.
        std_y: f32,
        /// Divides the third channel.
        std_z: f32,
        /// Divides the fourth channel.
        std_w: f32,
    }
}

/// Tensors `picture` and `y` (stored, at most 4 channels); `linear` is 1 to interpolate, 0 to take the nearest texel.
pub static PACK_PICTURE: Kernel = Kernel {
    name: "pack_picture",
    source: include_str!("../../shaders/pack_picture.wgsl"),
    bindings: &[Access::Picture, Access::Write],
    params: PackPictureParams::NAMES,
    variants: || (0..2).map(|linear| Spec(vec![("linear", linear)])).collect(),
};
