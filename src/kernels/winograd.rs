//! Winograd's minimal filtering F(m, 3) in both directions (Lavin and Gray, arXiv 1509.09308): a 3x3 convolution with
//! stride 1 as (m + 2)² products of matrices, one for each point of a window, between two transforms. What the two
//! transforms share, and the transformed weights.

use super::conv::{Weights, places, stored_groups};
use super::params::params;

params! {
    /// Parameters of both transforms.
    WinogradParams {
        /// The live record of the convolution's input.
        in_record: u32,
        /// Its stored channel groups.
        in_groups: u32,
        /// Its rows.
        in_height: u32,
        /// Its columns.
        in_width: u32,
        /// The live record of the convolution's output.
        out_record: u32,
        /// Its stored channel groups.
        out_groups: u32,
        /// Its rows.
        out_height: u32,
        /// Its columns.
        out_width: u32,
        /// Windows from top to bottom.
        tiles_y: u32,
        /// Windows from left to right.
        tiles_x: u32,
        /// The first row of windows that is computed, of those of all images in one sequence.
        first_row: u32,
        /// How many of them are computed.
        rows: u32,
        /// Rows of padding above.
        pad_top: u32,
        /// Columns of padding to the left.
        pad_left: u32,
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

/// Threads of a workgroup of the transforms.
pub const WORKGROUP: u32 = 8;

/// The outputs of a window along an axis for which there are kernels.
pub const TILES: [u32; 2] = [2, 4];

const G2: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

const G4: [[f64; 3]; 6] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// The transform of a filter, one row for each point along an axis.
///
/// # Panics
/// If `tile` is not one of [`TILES`].
pub fn filter_transform(tile: u32) -> &'static [[f64; 3]] {
    match tile {
        2 => &G2,
        4 => &G4,
        _ => panic!("no kernel makes {tile} outputs of a window"),
    }
}

/// The weights of the products: `[point][output group][input group][4 inputs][4 outputs]`, computed in f64, 0 where
/// there is no channel.
///
/// # Panics
/// If `tile` is not one of [`TILES`] or the kernel has not 9 taps.
pub fn pack(weights: &Weights, tile: u32) -> Vec<f32> {
    assert_eq!(weights.taps, 9, "Winograd's kernel is 3 by 3");
    let g = filter_transform(tile);
    let (inputs, outputs) = (places(weights.input), places(weights.output));
    let in_groups = stored_groups(weights.input);
    let point = stored_groups(weights.output) * in_groups * 16;
    let mut packed = vec![0.0; point * g.len() * g.len()];
    let mut filters = weights.values.chunks_exact(9);
    for &o in &outputs {
        for (&c, filter) in inputs.iter().zip(&mut filters) {
            let at = ((o / 4 * in_groups + c / 4) * 4 + c % 4) * 4 + o % 4;
            for (i, rows) in g.iter().enumerate() {
                let row =
                    [0, 1, 2].map(|x| (0..3).map(|y| rows[y] * f64::from(filter[3 * y + x])).sum::<f64>());
                for (j, columns) in g.iter().enumerate() {
                    let value: f64 = (0..3).map(|x| row[x] * columns[x]).sum();
                    packed[(i * g.len() + j) * point + at] = value as f32;
                }
            }
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::live::StoredSegment;

    #[test]
    fn a_filter_of_ones_is_the_product_of_row_sums() {
        let values = [1.0; 2 * 9];
        let (input, output) = ([StoredSegment::run(0, 0, 2, None)], [StoredSegment::run(0, 0, 1, None)]);
        let weights = Weights {
            values: &values,
            group_inputs: 2,
            group_outputs: 1,
            taps: 9,
            input: &input,
            output: &output,
        };
        for tile in TILES {
            let sums: Vec<f64> = filter_transform(tile).iter().map(|row| row.iter().sum()).collect();
            let packed = pack(&weights, tile);
            assert_eq!(packed.len(), sums.len() * sums.len() * 16);
            for (point, texels) in packed.chunks(16).enumerate() {
                let expected = (sums[point / sums.len()] * sums[point % sums.len()]) as f32;
                assert!((texels[0] - expected).abs() < 1e-6 && texels[4] == texels[0], "{texels:?}");
                assert!(texels[8..].iter().all(|&w| w == 0.0) && texels[1..4] == [0.0; 3]);
            }
        }
    }
}
