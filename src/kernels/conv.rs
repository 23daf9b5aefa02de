//! Dense convolution without any feature, and what all convolutions share: parameters, epilogue variants and where weights are stored.

use super::blocks::{Blocks, Way};
use super::live::StoredSegment;
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of all convolutions.
    ConvParams {
        /// Images.
        images: u32,
        /// The live record of the input.
        in_record: u32,
        /// Stored channel groups of one image of the input.
        in_groups: u32,
        /// Rows of the input.
        in_height: u32,
        /// Columns of the input.
        in_width: u32,
        /// The live record of the output.
        out_record: u32,
        /// Stored channel groups of one image of the output.
        out_groups: u32,
        /// Rows of the output.
        out_height: u32,
        /// Columns of the output.
        out_width: u32,
        /// Rows of the kernel.
        kernel_height: u32,
        /// Columns of the kernel.
        kernel_width: u32,
        /// Rows from one window to the next.
        stride_y: u32,
        /// Columns from one window to the next.
        stride_x: u32,
        /// Rows from one tap to the next.
        dilation_y: u32,
        /// Columns from one tap to the next.
        dilation_x: u32,
        /// Rows of padding above.
        pad_top: u32,
        /// Columns of padding to the left.
        pad_left: u32,
        /// Threads along the pixel axis.
        tiles: u32,
        /// How many of them share an output row, where threads own adjacent pixels.
        row_tiles: u32,
        /// Input channels of one convolution group.
        group_inputs: u32,
        /// First parameter of the activation.
        a: f32,
        /// Second parameter of the activation.
        b: f32,
        /// The logarithm to base 2 of the output's rows for each row of an enlarged residual.
        enlarged_y: u32,
        /// The same of columns.
        enlarged_x: u32,
    }
}

/// Tensors `x, weight, bias, residual, scales, y`; where nothing is added, `residual` is any readable buffer, and so is `scales`
/// where inputs are not scaled.
pub static CONV: Kernel = Kernel {
    name: "conv",
    source: include_str!("../../shaders/conv.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: ConvParams::NAMES,
    variants,
};

/// The shape of the window, as the kernels distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A 1x1 kernel without padding.
    Point,
    /// Anything.
    Any,
    /// A kernel that is not dilated horizontally.
    Window {
        /// Its columns: one of [`WINDOW_COLUMNS`].
        columns: u32,
        /// Columns from one window to the next: 1 or 2.
        stride: u32,
    },
}

/// What happens to a sum before it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finish {
    /// The code of the activation in `shaders/shared/activation.wgsl`.
    pub activation: u32,
    /// 0 adds nothing, 1 adds the residual before the activation, 2 after it; 3 and 4 do as 1 and 2 with a residual that
    /// has one pixel for a block of the output's, each side a power of two ([`Finish::enlarged`]).
    pub add: u32,
}

/// What a dense convolution reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Whether every image has weights of its own.
    pub planes: bool,
    /// Lanes of an input channel group that are read: 4, or fewer where there is but one group and nothing cuts it.
    pub depth: u32,
    /// Whether every input channel is multiplied by a number of its own first: by 1x1 kernels of one image alone.
    pub scaled: bool,
    /// Whether sums run over the lanes of an input group before kernel columns: by windows alone.
    pub lanewise: bool,
}

impl Default for Reads {
    fn default() -> Self {
        Self { planes: false, depth: 4, scaled: false, lanewise: false }
    }
}

/// How a dense convolution is cut into threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Output pixels of a thread.
    pub pixels: u32,
    /// Output channel groups of a thread.
    pub blocks: Blocks,
    /// Threads of a workgroup.
    pub workgroup: u32,
    /// The subgroup size over which weights are broadcast: 4, 8 or 16; 0 where every thread reads its own.
    pub subgroup: u32,
}

/// The activation codes with every way to add, as far as the planner combines them.
pub(super) fn finishes() -> Vec<Finish> {
    (0..=11).flat_map(|activation| (0..=2).map(move |add| Finish { activation, add })).collect()
}

/// The widths of kernels for which there are windows.
pub const WINDOW_COLUMNS: [u32; 3] = [3, 5, 7];

/// Every way to add an enlarged residual.
pub(super) fn enlarging() -> [Finish; 2] {
    [1, 2].map(|add| Finish { activation: 1, add }.enlarged())
}

/// All forms.
pub(super) fn forms() -> Vec<Form> {
    let windows =
        WINDOW_COLUMNS.into_iter().flat_map(|columns| [1, 2].map(|stride| Form::Window { columns, stride }));
    [Form::Point, Form::Any].into_iter().chain(windows).collect()
}

impl Finish {
    /// The same with a residual that is enlarged.
    pub fn enlarged(self) -> Self {
        Self { add: self.add + 2, ..self }
    }
}

impl Form {
    /// The template's `form`, `columns` and `stride`.
    pub(super) fn codes(self) -> [u32; 3] {
        match self {
            Self::Point => [0, 1, 1],
            Self::Any => [1, 1, 1],
            Self::Window { columns, stride } => [2, columns, stride],
        }
    }
}

impl Cut {
    /// Threads of a workgroup that read their own weights.
    pub const PORTABLE_WORKGROUP: u32 = 32;

    /// How threads are cut for `form` where each reads its own weights.
    pub fn portable(form: Form) -> Self {
        let groups = if matches!(form, Form::Window { .. }) { 2 } else { 4 };
        Self { pixels: 4, blocks: Blocks::only(groups), workgroup: Self::PORTABLE_WORKGROUP, subgroup: 0 }
    }
}

/// The specialisation of [`CONV`].
pub fn spec(form: Form, reads: Reads, finish: Finish) -> Spec {
    dense_spec(form, Cut::portable(form), reads, finish)
}

/// What `shaders/shared/conv_dense.wgsl` needs.
pub(super) fn dense_spec(form: Form, cut: Cut, reads: Reads, finish: Finish) -> Spec {
    let [form, columns, stride] = form.codes();
    let blocks = cut.blocks;
    Spec(vec![
        ("form", form),
        ("columns", columns),
        ("stride", stride),
        ("np", cut.pixels),
        ("kg", blocks.size),
        ("alike", u32::from(matches!(blocks.way, Way::Alike { .. }))),
        ("largest", blocks.largest),
        ("least", blocks.least()),
        ("rest", blocks.rest()),
        ("planes", u32::from(reads.planes)),
        ("depth", reads.depth),
        ("lanewise", u32::from(reads.lanewise)),
        ("scaled", u32::from(reads.scaled)),
        ("workgroup", cut.workgroup),
        ("subgroup", cut.subgroup),
        ("activation", finish.activation),
        ("add", finish.add),
    ])
}

fn variants() -> Vec<Spec> {
    let finishes = finishes().into_iter().chain(enlarging());
    let mut all: Vec<Spec> = finishes.map(|finish| spec(Form::Point, Reads::default(), finish)).collect();
    let others = forms().into_iter().filter(|form| *form != Form::Point);
    all.extend(others.map(|form| spec(form, Reads::default(), Finish::default())));
    let scaled = Reads { scaled: true, ..Reads::default() };
    all.push(spec(Form::Point, scaled, Finish::default()));
    all
}

/// The weights `[outputs][group inputs][taps]` of a convolution and the channel layouts they are packed for.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The elements.
    pub values: &'a [f32],
    /// Input channels of one convolution group.
    pub group_inputs: usize,
    /// Output channels of one convolution group.
    pub group_outputs: usize,
    /// Kernel rows times columns.
    pub taps: usize,
    /// The stored channel axis of the input.
    pub input: &'a [StoredSegment],
    /// The stored channel axis of the output.
    pub output: &'a [StoredSegment],
}

/// The stored lane (`4 group + lane`) of every logical channel.
pub fn places(segments: &[StoredSegment]) -> Vec<usize> {
    let mut places = vec![0; segments.iter().map(|s| s.channels as usize).sum()];
    for (lane, channel) in segments.iter().flat_map(StoredSegment::lanes) {
        places[channel as usize] = lane as usize;
    }
    places
}

/// The number of stored channel groups.
pub fn stored_groups(segments: &[StoredSegment]) -> usize {
    segments.iter().map(|s| s.channels.div_ceil(4) as usize).sum()
}

impl Weights<'_> {
    /// The floats that [`pack`] makes of them.
    pub fn stored(&self) -> usize {
        stored_groups(self.output) * stored_groups(self.input) * self.taps * 16
    }
}

/// Weights of [`CONV`]: `[output group][input group][tap][4 inputs][4 outputs]`, 0 where there is no channel.
pub fn pack(weights: &Weights) -> Vec<f32> {
    let (inputs, outputs) = (places(weights.input), places(weights.output));
    let in_groups = stored_groups(weights.input);
    let mut packed = vec![0.0; weights.stored()];
    let mut values = weights.values.iter();
    for &o in &outputs {
        for &c in &inputs {
            let first = (o / 4 * in_groups + c / 4) * weights.taps;
            for (tap, &value) in (0..weights.taps).zip(&mut values) {
                packed[((first + tap) * 4 + c % 4) * 4 + o % 4] = value;
            }
        }
    }
    packed
}

/// Per-channel values in stored order, 0 where there is no channel or no value.
pub fn pack_channels(values: &[f32], segments: &[StoredSegment]) -> Vec<f32> {
    let mut packed = vec![0.0; stored_groups(segments) * 4];
    for (&at, &value) in places(segments).iter().zip(values) {
        packed[at] = value;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(channels: &[u32]) -> Vec<StoredSegment> {
        let (mut group, mut start) = (0, 0);
        let mut segments = Vec::new();
        for &channels in channels {
            segments.push(StoredSegment::run(group, start, channels, None));
            group += channels.div_ceil(4);
            start += channels;
        }
        segments
    }

    #[test]
    fn segments_may_interleave() {
        let even = StoredSegment { first_group: 0, channels: 3, logical: vec![0, 2, 4], unit: None };
        let odd = StoredSegment { first_group: 1, channels: 2, logical: vec![3, 1], unit: None };
        assert_eq!(places(&[even, odd]), [0, 5, 1, 4, 2]);
    }

    #[test]
    fn every_segment_starts_on_a_group() {
        assert_eq!(places(&axis(&[5, 2])), [0, 1, 2, 3, 4, 8, 9]);
        assert_eq!(stored_groups(&axis(&[5, 2])), 3);
        assert_eq!(pack_channels(&[1.0, 2.0, 3.0], &axis(&[1, 2])), [1.0, 0.0, 0.0, 0.0, 2.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn a_weight_texel_holds_four_outputs_of_one_input() {
        let values: Vec<f32> = (1..=2 * 3 * 2).map(|v| v as f32).collect();
        let (input, output) = (axis(&[1, 2]), axis(&[2]));
        let weights = Weights {
            values: &values,
            group_inputs: 3,
            group_outputs: 2,
            taps: 2,
            input: &input,
            output: &output,
        };
        let packed = pack(&weights);
        assert_eq!(packed.len(), 2 * 2 * 16);
        let texel =
            |group: usize, tap: usize, lane: usize| &packed[((group * 2 + tap) * 4 + lane) * 4..][..4];
        assert_eq!(texel(0, 0, 0), [1.0, 7.0, 0.0, 0.0]);
        assert_eq!(texel(0, 1, 0), [2.0, 8.0, 0.0, 0.0]);
        assert_eq!(texel(0, 0, 1), [0.0; 4]);
        assert_eq!(texel(1, 0, 0), [3.0, 9.0, 0.0, 0.0]);
        assert_eq!(texel(1, 1, 1), [6.0, 12.0, 0.0, 0.0]);
    }
}
