//! Transposed convolutions against the f64 reference, and masked against compacted, bit for bit.

use crate::conv::{BATCH, Case, Random, Run, channels, epilogues, grouped, judge, units_of, ways};
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::graph::{Activation, ConvTranspose, Epilogue, Op, Padding};
use wgpu_pagcp::reference::{Array, execute};

/// Kernels and strides that divide each other and not, dilations that share a factor with the stride, every way to pad.
fn shapes() -> Vec<ConvTranspose> {
    let square = |kernel: usize, stride: usize, pads: [usize; 4]| ConvTranspose {
        strides: [stride; 2],
        pads: Padding::Explicit(pads),
        ..ConvTranspose::new([kernel; 2])
    };
    vec![
        square(1, 1, [0; 4]),
        square(2, 2, [0; 4]),
        square(3, 1, [1; 4]),
        square(4, 2, [1; 4]),
        ConvTranspose { output_padding: [1, 1], ..square(3, 2, [1; 4]) },
        ConvTranspose { output_padding: [2, 0], ..square(3, 3, [0, 2, 1, 0]) },
        ConvTranspose { output_padding: [1, 1], ..square(1, 2, [0; 4]) },
        square(2, 3, [0; 4]),
        square(1, 4, [0; 4]),
        square(5, 3, [2, 0, 1, 3]),
        ConvTranspose { dilations: [2, 3], ..square(3, 2, [1, 0, 0, 2]) },
        ConvTranspose { dilations: [6, 4], strides: [4, 6], ..square(3, 1, [0; 4]) },
        ConvTranspose { pads: Padding::SameUpper, ..square(3, 2, [0; 4]) },
        ConvTranspose { pads: Padding::SameLower, output_padding: [0, 1], ..square(4, 3, [0; 4]) },
        ConvTranspose { strides: [1, 9], ..ConvTranspose::new([3, 2]) },
        ConvTranspose { strides: [3, 1], ..ConvTranspose::new([1, 5]) },
    ]
}

/// A node of this shape over channels cut as `input` and `output`; weights count in no axis as in another.
fn case(conv: ConvTranspose, size: [usize; 2], [input, output]: [Vec<Run>; 2]) -> Case {
    let (inputs, outputs) = (channels(&input), channels(&output));
    let out = conv.output(size).expect("something is left of the output");
    let mut random = Random((inputs * 64 + outputs) as u32);
    let residual = conv.epilogue.has_residual().then(|| random.tensor(&[BATCH, outputs, out[0], out[1]]));
    Case {
        residual,
        x: random.tensor(&[BATCH, inputs, size[0], size[1]]),
        weight: random.tensor(&[inputs, outputs / conv.groups, conv.kernel[0], conv.kernel[1]]),
        axes: [(conv.groups == 1).then_some(1), Some(0)],
        bias: (outputs != 5).then(|| random.tensor(&[outputs])),
        op: Op::ConvTranspose(conv),
        input,
        output,
    }
}

#[test]
fn of_one_group_in_every_shape() {
    let ways = ways();
    let counts = [1, 2, 3, 5, 7, 33];
    for (at, conv) in shapes().into_iter().enumerate() {
        for (i, &inputs) in counts.iter().enumerate().skip(at % 2).step_by(2) {
            let outputs = counts[(at + 2 * i + 1) % counts.len()];
            let size = [[4, 5], [1, 1], [3, 9]][(at + i) % 3];
            judge(&ways, &case(conv.clone(), size, [units_of(&[inputs], 0), units_of(&[outputs], 1)]));
        }
    }
}

#[test]
fn of_segments() {
    let ways = ways();
    for conv in shapes().into_iter().step_by(3) {
        let epilogue = Epilogue::AddThenActivation(Activation::Relu);
        let cut = [units_of(&[5, 1, 8], 0), units_of(&[6, 9], 3)];
        judge(&ways, &case(ConvTranspose { epilogue, ..conv }, [3, 4], cut));
    }
}

#[test]
fn of_several_groups() {
    let ways = ways();
    let blocks = [[1, 2], [2, 1], [3, 5], [1, 1], [6, 3]];
    for (at, conv) in shapes().into_iter().enumerate() {
        let blocks = blocks[at % blocks.len()];
        judge(&ways, &case(ConvTranspose { groups: 4, ..conv.clone() }, [3, 4], grouped(&[4], blocks)));
        judge(&ways, &case(ConvTranspose { groups: 5, ..conv }, [4, 2], grouped(&[2, 3], blocks)));
    }
}

#[test]
fn with_every_epilogue() {
    let ways = ways();
    for (at, epilogue) in epilogues().into_iter().enumerate() {
        let half: Vec<Gpu> = ways.iter().skip(at % 2).step_by(2).cloned().collect();
        let conv = ConvTranspose { epilogue, strides: [2, 2], ..ConvTranspose::new([2, 2]) };
        judge(&half, &case(conv.clone(), [3, 4], [units_of(&[6], 0), units_of(&[7], 1)]));
        judge(&half, &case(ConvTranspose { groups: 3, ..conv }, [3, 4], grouped(&[3], [2, 3])));
    }
}

/// Trap 17: dimensions swapped, wrong group, a multiplier forgotten: weights of distinct values in a shape that no two
/// axes share, by the definition written out once more.
#[test]
fn dimensions_groups_and_multipliers_are_not_mixed_up() {
    let (images, groups, inputs, outputs, kernel) = (2, 3, 2, 5, [2, 3]);
    for (groups, inputs, outputs) in [(1, inputs, outputs), (groups, inputs, outputs), (6, 1, 2)] {
        let conv = ConvTranspose { groups, strides: [2, 1], ..ConvTranspose::new(kernel) };
        let filled = |shape: &[usize], step: f64| {
            let count = shape.iter().product::<usize>();
            Array::new(shape.to_vec(), (0..count).map(|i| 1.0 + step * i as f64).collect()).expect("it fits")
        };
        let (x, weight) = (
            filled(&[images, groups * inputs, 2, 2], 1.0),
            filled(&[groups * inputs, outputs, kernel[0], kernel[1]], 0.5),
        );
        let y = execute(&Op::ConvTranspose(conv), &[&x, &weight]).expect("they fit");
        assert_eq!(y.shape, [images, groups * outputs, 4, 4]);
        for (at, found) in y.data.iter().enumerate() {
            let (n, o, row, column) =
                (at / 16 / (groups * outputs), at / 16 % (groups * outputs), at / 4 % 4, at % 4);
            let mut sum = 0.0;
            for c in 0..inputs {
                let c = o / outputs * inputs + c;
                for (iy, ix) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let (Some(ky), Some(kx)) =
                        (usize::checked_sub(row, 2 * iy), usize::checked_sub(column, ix))
                    else {
                        continue;
                    };
                    if ky < kernel[0] && kx < kernel[1] {
                        let w = ((c * outputs + o % outputs) * kernel[0] + ky) * kernel[1] + kx;
                        sum += x.data[((n * groups * inputs + c) * 2 + iy) * 2 + ix] * weight.data[w];
                    }
                }
            }
            assert_eq!(*found, sum, "{groups} groups, element {at}");
        }
    }
}
