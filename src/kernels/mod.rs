//! The compute kernels: WGSL templates with the parameters, bindings and variants that the host needs to know.
//!
//! Every kernel binds, in group 0: binding 0 `live: array<u32>` (storage, read, dynamic offset: the live channel
//! table of one candidate, see [`live`]), binding 1 `p: Params` (uniform), and from binding 2 on its tensors in the
//! order of [`Kernel::bindings`]. The entry point is `main`.

mod access;
pub mod activation_gradient;
pub mod affine;
pub mod batch_merge;
pub mod batch_moments;
pub mod batch_norm;
pub mod batch_norm_input;
pub mod batch_norm_sums;
pub mod blocks;
pub mod chain;
pub mod channel_sum;
pub mod concat;
pub mod conv;
pub mod conv_broadcast;
pub mod conv_depthwise;
pub mod conv_grouped;
pub mod conv_pair;
pub mod conv_tiled;
pub mod conv_transpose;
pub mod conv_transpose_broadcast;
pub mod conv_transpose_grouped;
pub mod conv_uniform;
pub mod conv_vector;
pub mod conv_weight;
pub mod conv_weight_depthwise;
pub mod conv_weight_grouped;
pub mod eltwise_binary;
pub mod eltwise_unary;
pub mod eltwise_where;
pub mod gather;
pub mod gather_sum;
pub mod gemv;
pub mod global_pool;
pub mod gradient_clip;
pub mod gradient_norm;
pub mod gram;
pub mod half;
pub mod live;
pub mod loss;
pub mod loss_agreement;
pub mod loss_bce;
pub mod loss_cosine;
pub mod loss_detection;
pub mod loss_gradient_boxes;
pub mod loss_gradient_elements;
pub mod loss_gradient_pixels;
pub mod loss_l1;
pub mod loss_segmentation;
pub mod mat_mul;
pub mod norm_apply;
pub mod norm_pixels;
pub mod norm_statistics;
pub mod optimise;
pub mod optimise_adamw;
pub mod optimise_sgd;
pub mod pack;
pub mod pack_picture;
pub mod pad;
mod params;
pub mod partial_sums;
pub mod peak_copy;
pub mod peak_multiply_add;
pub mod pool;
pub mod pool_gradient;
pub mod pool_gradient_block;
pub mod pool_winner;
pub mod reduce;
pub mod reduce_channels;
pub mod repack;
pub mod resample;
pub mod resample_axis;
pub mod reshape;
pub mod resize;
pub mod resize_arg_max;
pub mod resize_unpack;
pub mod rounds;
pub mod softmax;
pub mod softmax_line;
mod template;
pub mod unpack;
pub mod winograd;
pub mod winograd_input;
pub mod winograd_output;
mod words;

pub use template::{TemplateError, wgsl, wgsl_in_words};

/// How a kernel uses one of its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`.
    Write,
    /// A constant as `texture_storage_2d<rgba32float, read>`: texel `i` of 4 floats at `(i % TEXEL_ROW, i / TEXEL_ROW)`.
    Texels,
    /// A picture of the caller, as `texture_2d<f32>`, read by `textureLoad`.
    Picture,
}

/// Texels in one row of a constant that is bound as [`Access::Texels`].
pub const TEXEL_ROW: u32 = 2048;

/// One kernel: a WGSL template and its contract.
#[derive(Debug)]
pub struct Kernel {
    /// The stem of its files: `shaders/NAME.wgsl`, `src/kernels/NAME.rs`.
    pub name: &'static str,
    /// The template, in minijinja syntax (`#for`-style line statements, `${…}` for values).
    pub source: &'static str,
    /// The tensors from binding 2 on.
    pub bindings: &'static [Access],
    /// The name and order of the 32-bit words of its `Params` struct; the contract test compares them with WGSL.
    pub params: &'static [&'static str],
    /// Every specialisation that the planner may ask for.
    pub variants: fn() -> Vec<Spec>,
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The structural constants of a pipeline: template variables, never sizes that a model decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spec(pub Vec<(&'static str, u32)>);

impl Spec {
    /// The number of threads of a workgroup (always `[n, 1, 1]`): the constant `workgroup`, or 64 where there is none.
    pub fn workgroup(&self) -> u32 {
        self.0.iter().find(|(name, _)| *name == "workgroup").map_or(64, |&(_, size)| size)
    }
}

/// All kernels, for tests and lookups.
pub static ALL: &[&Kernel] = &[
    &activation_gradient::ACTIVATION_GRADIENT,
    &affine::AFFINE,
    &batch_merge::BATCH_MERGE,
    &batch_moments::BATCH_MOMENTS,
    &batch_norm::BATCH_NORM,
    &batch_norm_input::BATCH_NORM_INPUT,
    &batch_norm_sums::BATCH_NORM_SUMS,
    &channel_sum::CHANNEL_SUM,
    &concat::CONCAT,
    &conv::CONV,
    &conv_broadcast::CONV_BROADCAST,
    &conv_depthwise::CONV_DEPTHWISE,
    &conv_grouped::CONV_GROUPED,
    &conv_pair::CONV_PAIR,
    &conv_tiled::CONV_TILED,
    &conv_transpose::CONV_TRANSPOSE,
    &conv_transpose_broadcast::CONV_TRANSPOSE_BROADCAST,
    &conv_transpose_grouped::CONV_TRANSPOSE_GROUPED,
    &conv_uniform::CONV_UNIFORM,
    &conv_vector::CONV_VECTOR,
    &conv_weight::CONV_WEIGHT,
    &conv_weight_depthwise::CONV_WEIGHT_DEPTHWISE,
    &conv_weight_grouped::CONV_WEIGHT_GROUPED,
    &eltwise_binary::ELTWISE_BINARY,
    &eltwise_unary::ELTWISE_UNARY,
    &eltwise_where::ELTWISE_WHERE,
    &gather::GATHER,
    &gather_sum::GATHER_SUM,
    &gradient_clip::GRADIENT_CLIP,
    &gradient_norm::GRADIENT_NORM,
    &gram::GRAM,
    &gemv::GEMV,
    &global_pool::GLOBAL_POOL,
    &loss_agreement::LOSS_AGREEMENT,
    &loss_bce::LOSS_BCE,
    &loss_cosine::LOSS_COSINE,
    &loss_detection::LOSS_DETECTION,
    &loss_gradient_boxes::LOSS_GRADIENT_BOXES,
    &loss_gradient_elements::LOSS_GRADIENT_ELEMENTS,
    &loss_gradient_pixels::LOSS_GRADIENT_PIXELS,
    &loss_l1::LOSS_L1,
    &loss_segmentation::LOSS_SEGMENTATION,
    &mat_mul::MAT_MUL,
    &norm_apply::NORM_APPLY,
    &norm_pixels::NORM_PIXELS,
    &norm_statistics::NORM_STATISTICS,
    &optimise_adamw::OPTIMISE_ADAMW,
    &optimise_sgd::OPTIMISE_SGD,
    &pack::PACK,
    &pack_picture::PACK_PICTURE,
    &pad::PAD,
    &partial_sums::PARTIAL_SUMS,
    &peak_copy::PEAK_COPY,
    &peak_multiply_add::PEAK_MULTIPLY_ADD,
    &pool::POOL,
    &pool_gradient::POOL_GRADIENT,
    &pool_gradient_block::POOL_GRADIENT_BLOCK,
    &pool_winner::POOL_WINNER,
    &repack::REPACK,
    &resample::RESAMPLE,
    &resample_axis::RESAMPLE_AXIS,
    &reduce::REDUCE,
    &reduce_channels::REDUCE_CHANNELS,
    &reshape::RESHAPE,
    &resize::RESIZE,
    &resize_arg_max::RESIZE_ARG_MAX,
    &resize_unpack::RESIZE_UNPACK,
    &softmax::SOFTMAX,
    &softmax_line::SOFTMAX_LINE,
    &unpack::UNPACK,
    &winograd_input::WINOGRAD_INPUT,
    &winograd_output::WINOGRAD_OUTPUT,
];
