//! The geometry of convolution and pooling windows: margins and output sizes.

use super::{Conv2d, ConvTranspose, Margins, Padding, Pool};

/// A sliding window over the two spatial axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// `[height, width]`.
    pub kernel: [usize; 2],
    /// Steps `[vertical, horizontal]`.
    pub strides: [usize; 2],
    /// Spacing of the taps.
    pub dilations: [usize; 2],
    /// Padding.
    pub pads: Padding,
    /// Rounds the output size up instead of down; without effect where `pads` fixes the output size.
    pub ceil_mode: bool,
}

impl Window {
    /// The pixels that the dilated window spans along `axis` (0 vertical, 1 horizontal); saturates.
    pub fn extent(&self, axis: usize) -> usize {
        self.kernel[axis].saturating_sub(1).saturating_mul(self.dilations[axis]).saturating_add(1)
    }

    /// Of the taps along `axis`, every how many-th reaches the same pixel from another window:
    /// `stride / gcd(stride, dilation)`.
    pub fn tap_step(&self, axis: usize) -> usize {
        let (mut a, mut b) = (self.strides[axis], self.dilations[axis]);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        self.strides[axis] / a
    }

    /// The margins of an input of `[height, width]`: those given, or those that make the output
    /// `ceil(input / stride)`. Strides must not be 0.
    pub fn margins(&self, input: [usize; 2]) -> Margins {
        let upper = match self.pads {
            Padding::Explicit(margins) => return margins,
            Padding::SameUpper => true,
            Padding::SameLower => false,
        };
        let mut margins = [0; 4];
        for axis in 0..2 {
            let steps = input[axis].div_ceil(self.strides[axis]).saturating_sub(1);
            let covered = steps.saturating_mul(self.strides[axis]).saturating_add(self.extent(axis));
            let total = covered.saturating_sub(input[axis]);
            let (small, large) = (total / 2, total.div_ceil(2));
            (margins[axis], margins[axis + 2]) = if upper { (small, large) } else { (large, small) };
        }
        margins
    }

    /// The output `[height, width]` for an input of `[height, width]`, or `None` where the window does not fit once.
    /// With `ceil_mode` and margins smaller than the window, the last window starts inside the input or its leading
    /// margin, as ONNX and PyTorch have it.
    pub fn output(&self, input: [usize; 2]) -> Option<[usize; 2]> {
        let margins = self.margins(input);
        let same = !matches!(self.pads, Padding::Explicit(_));
        let mut output = [0; 2];
        for axis in 0..2 {
            let stride = self.strides[axis];
            if same {
                output[axis] = input[axis].div_ceil(stride);
                continue;
            }
            let started = input[axis].checked_add(margins[axis])?;
            let room = started.checked_add(margins[axis + 2])?.checked_sub(self.extent(axis))?;
            let steps = if self.ceil_mode { room.div_ceil(stride) } else { room / stride };
            let beyond = steps.checked_mul(stride)? >= started;
            output[axis] = if self.ceil_mode && beyond { steps } else { steps + 1 };
        }
        output.iter().all(|&size| size > 0).then_some(output)
    }
}

impl Conv2d {
    /// Its window.
    pub fn window(&self) -> Window {
        let Self { kernel, strides, pads, dilations, .. } = *self;
        Window { kernel, strides, dilations, pads, ceil_mode: false }
    }

    /// The outputs along an axis of the windows in which Winograd's algorithm may compute an output of
    /// `[height, width]` from and to `channels`; `None` where it must be summed directly. A convolution that was pruned in
    /// memory is computed as it was before, a smaller one from a file as is best for it.
    pub fn winograd(&self, channels: [usize; 2], output: [usize; 2]) -> Option<usize> {
        /// Windows of an image below which threads are idle.
        const WINDOWS: usize = 16;
        /// Rows and columns up to which direct sums leave threads idle as well, and small windows pay.
        const SMALL: usize = 8;
        /// What a channel's transforms take, in channels whose products save as much: in windows of 2 by 2, and of 4 by 4.
        const TRANSFORMS: [usize; 2] = [96, 32];
        let fits = self.kernel == [3, 3] && self.strides == [1, 1] && self.dilations == [1, 1];
        let windows = |tile: usize| output[0].div_ceil(tile) * output[1].div_ceil(tile);
        let small = output.iter().all(|&extent| extent <= SMALL);
        let (tile, cost) =
            if small && windows(2) >= WINDOWS { (2, TRANSFORMS[0]) } else { (4, TRANSFORMS[1]) };
        let [inputs, outputs] = self.whole.unwrap_or(channels);
        let pays = inputs.saturating_mul(outputs) >= cost.saturating_mul(inputs.saturating_add(outputs));
        (fits && pays && windows(tile) >= WINDOWS && self.groups == 1 && !self.direct).then_some(tile)
    }
}

impl ConvTranspose {
    /// The pixels along `axis` (0 vertical, 1 horizontal) that `input` pixels reach, before margins are cut off;
    /// saturates. `input` must not be 0.
    pub fn reach(&self, axis: usize, input: usize) -> usize {
        let window = self.kernel[axis].saturating_sub(1).saturating_mul(self.dilations[axis]);
        let first = (input - 1).saturating_mul(self.strides[axis]).saturating_add(window);
        first.saturating_add(1).saturating_add(self.output_padding[axis])
    }

    /// What is cut off the output of an input of `[height, width]`: the margins given, or those that leave
    /// `input stride` pixels, none where there are not as many.
    pub fn margins(&self, input: [usize; 2]) -> Margins {
        let upper = match self.pads {
            Padding::Explicit(margins) => return margins,
            Padding::SameUpper => true,
            Padding::SameLower => false,
        };
        let mut margins = [0; 4];
        for axis in 0..2 {
            let wanted = input[axis].saturating_mul(self.strides[axis]);
            let total = self.reach(axis, input[axis]).saturating_sub(wanted);
            let (small, large) = (total / 2, total.div_ceil(2));
            (margins[axis], margins[axis + 2]) = if upper { (small, large) } else { (large, small) };
        }
        margins
    }

    /// The output `[height, width]` for an input of `[height, width]`, or `None` where nothing is left of it.
    pub fn output(&self, input: [usize; 2]) -> Option<[usize; 2]> {
        let margins = self.margins(input);
        let mut output = [0; 2];
        for axis in 0..2 {
            let cut = margins[axis].checked_add(margins[axis + 2])?;
            output[axis] = self.reach(axis, input[axis]).checked_sub(cut)?;
        }
        output.iter().all(|&size| size > 0).then_some(output)
    }

    /// As [`Window::tap_step`], of taps that reach the same output.
    pub fn tap_step(&self, axis: usize) -> usize {
        let Self { kernel, strides, dilations, pads, .. } = *self;
        Window { kernel, strides, dilations, pads, ceil_mode: false }.tap_step(axis)
    }
}

impl Pool {
    /// Its window.
    pub fn window(&self) -> Window {
        let Self { kernel, strides, pads, dilations, ceil_mode, .. } = *self;
        Window { kernel, strides, dilations, pads, ceil_mode }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: usize, stride: usize, dilation: usize, pads: Padding) -> Window {
        Window { kernel: [kernel; 2], strides: [stride; 2], dilations: [dilation; 2], pads, ceil_mode: false }
    }

    #[test]
    fn same_padding_puts_the_odd_pixel_where_its_name_says() {
        let upper = window(3, 2, 1, Padding::SameUpper);
        assert_eq!(upper.margins([8, 7]), [0, 1, 1, 1]);
        assert_eq!(upper.output([8, 7]), Some([4, 4]));
        let lower = window(3, 2, 1, Padding::SameLower);
        assert_eq!(lower.margins([8, 7]), [1, 1, 0, 1]);
        assert_eq!(lower.output([8, 7]), Some([4, 4]));
        assert_eq!(window(3, 1, 2, Padding::SameUpper).margins([9, 9]), [2, 2, 2, 2]);
        assert_eq!(window(1, 2, 1, Padding::SameUpper).margins([9, 9]), [0, 0, 0, 0]);
    }

    #[test]
    fn output_counts_whole_windows() {
        let explicit = window(3, 2, 1, Padding::Explicit([1, 0, 1, 2]));
        assert_eq!(explicit.output([8, 8]), Some([4, 4]));
        assert_eq!(window(3, 1, 2, Padding::Explicit([0; 4])).output([5, 6]), Some([1, 2]));
        assert_eq!(window(3, 1, 2, Padding::Explicit([0; 4])).output([4, 6]), None);
        assert_eq!(window(usize::MAX, 1, 9, Padding::Explicit([9; 4])).output([4, 6]), None);
    }

    #[test]
    fn transposed_output_is_what_the_input_reaches() {
        let plain = ConvTranspose { strides: [2, 3], ..ConvTranspose::new([3, 2]) };
        assert_eq!(plain.output([3, 3]), Some([7, 8]));
        let cut =
            ConvTranspose { pads: Padding::Explicit([1, 0, 1, 1]), output_padding: [1, 0], ..plain.clone() };
        assert_eq!(cut.output([3, 3]), Some([6, 7]));
        let same = ConvTranspose { pads: Padding::SameUpper, ..plain.clone() };
        assert_eq!((same.margins([3, 3]), same.output([3, 3])), ([0, 0, 1, 0], Some([6, 8])));
        let lower = ConvTranspose { pads: Padding::SameLower, ..plain.clone() };
        assert_eq!(lower.margins([3, 3]), [1, 0, 0, 0]);
        assert_eq!(ConvTranspose { pads: Padding::Explicit([9; 4]), ..plain.clone() }.output([3, 3]), None);
        let dilated = ConvTranspose { strides: [4, 6], dilations: [6, 5], ..plain };
        assert_eq!([dilated.tap_step(0), dilated.tap_step(1)], [2, 6]);
    }

    #[test]
    fn ceil_mode_never_starts_a_window_in_the_trailing_margin() {
        let mut pool = window(2, 2, 1, Padding::Explicit([0; 4]));
        pool.ceil_mode = true;
        assert_eq!(pool.output([5, 4]), Some([3, 2]));
        // 3 windows of 2 over 1 + 3 + 1: the third would start at 4, past the input's end at 1 + 3.
        let mut padded = window(2, 2, 1, Padding::Explicit([1; 4]));
        padded.ceil_mode = true;
        assert_eq!(padded.output([3, 4]), Some([2, 3]));
        let mut wide = window(3, 3, 1, Padding::Explicit([0, 0, 2, 2]));
        wide.ceil_mode = true;
        assert_eq!(wide.output([3, 4]), Some([1, 2]));
    }

    #[test]
    fn transforms_pay_for_many_channels_and_stay_when_some_go() {
        let conv = Conv2d::new([3, 3]);
        assert_eq!(conv.winograd([64, 64], [56, 56]), Some(4));
        assert_eq!(conv.winograd([512, 512], [7, 7]), Some(2));
        assert_eq!(conv.winograd([128, 128], [7, 7]), None);
        assert_eq!(conv.winograd([63, 64], [56, 56]), None);
        assert_eq!(conv.winograd([512, 512], [9, 9]), None);
        let pruned = Conv2d { whole: Some([64, 64]), ..conv.clone() };
        assert_eq!(pruned.winograd([1, 3], [56, 56]), Some(4));
        let before = Conv2d { whole: Some([8, 64]), ..conv.clone() };
        assert_eq!(before.winograd([512, 512], [56, 56]), None);
        for other in [Conv2d { direct: true, ..conv.clone() }, Conv2d { groups: 2, ..conv.clone() }] {
            assert_eq!(other.winograd([64, 64], [56, 56]), None);
        }
        assert_eq!(Conv2d { strides: [1, 2], ..conv }.winograd([64, 64], [56, 56]), None);
    }
}
