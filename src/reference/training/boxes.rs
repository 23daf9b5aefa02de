//! Gradients of the losses of boxes.

use super::approx::Approx;
use super::loss::softmax;
use crate::graph::{BoxCode, BoxLoss};

/// Keeps quotients of boxes without area from being 0 / 0.
const TINY: Approx = Approx { value: 1e-7, error: 1e-14 };

/// Exponents of sizes end here.
const LARGEST_EXPONENT: f64 = 16.0;

/// The derivative by every number of the box of cell `pixel`. `labels` are the sides that it should have and its weight.
pub(super) fn gradient(loss: BoxLoss, x: &[f64], labels: &[f64], pixel: usize) -> Vec<Approx> {
    let exact = Approx::exact;
    let width = loss.width.max(1);
    let corner = [(pixel % width) as f64, (pixel / width) as f64].map(exact);
    let cell = exact(f64::from(loss.cell));
    let goal = [0, 1, 2, 3].map(|side| exact(labels[side]));
    let weight = exact(labels[4]);
    let half = exact(0.5);
    if let BoxCode::Distribution { bins } = loss.code {
        return distribution(loss, (x, bins), (corner, goal), weight);
    }
    let raw = [0, 1, 2, 3].map(|at| exact(x[at]));
    // Centre and size, and their derivatives.
    let (now, by_raw) = match loss.code {
        BoxCode::Anchors { anchor } => {
            let twice = [0, 1, 2, 3].map(|at| exact(2.0) * Approx::sigmoid(x[at]));
            let slope = twice.map(|twice| twice * (exact(1.0) - half * twice));
            let centre = |axis: usize| (twice[axis] - half + corner[axis]) * cell;
            let anchor = anchor.map(|side| exact(f64::from(side)));
            let size = |axis: usize| twice[axis + 2] * twice[axis + 2] * anchor[axis];
            let by_size = |axis: usize| slope[axis + 2] * exact(2.0) * twice[axis + 2] * anchor[axis];
            let by_raw = [slope[0] * cell, slope[1] * cell, by_size(0), by_size(1)];
            ([centre(0), centre(1), size(0), size(1)], by_raw)
        }
        BoxCode::Exponential => {
            let size = |axis: usize| exact(x[axis + 2].min(LARGEST_EXPONENT)).exp() * cell;
            let by_size = |axis: usize| if x[axis + 2] > LARGEST_EXPONENT { exact(0.0) } else { size(axis) };
            let centre = |axis: usize| (raw[axis] + corner[axis]) * cell;
            ([centre(0), centre(1), size(0), size(1)], [cell, cell, by_size(0), by_size(1)])
        }
        BoxCode::Pixels | BoxCode::Distribution { .. } => (raw, [exact(1.0); 4]),
    };
    let sides =
        [now[0] - half * now[2], now[1] - half * now[3], now[0] + half * now[2], now[1] + half * now[3]];
    let by = by_sides(sides, goal, loss.complete);
    let by_now = [by[0] + by[2], by[1] + by[3], half * (by[2] - by[0]), half * (by[3] - by[1])];
    [0, 1, 2, 3].map(|at| weight * by_raw[at] * by_now[at]).to_vec()
}

fn distribution(
    loss: BoxLoss,
    (x, bins): (&[f64], usize),
    (corner, goal): ([Approx; 2], [Approx; 4]),
    weight: Approx,
) -> Vec<Approx> {
    let exact = Approx::exact;
    let cell = exact(f64::from(loss.cell));
    let shares: Vec<Vec<Approx>> = x.chunks(bins).map(softmax).collect();
    let mean = |side: usize| {
        let terms = (0..).zip(&shares[side]).map(|(bin, share)| exact(f64::from(bin)) * *share);
        terms.fold(exact(0.0), |sum, term| sum + term)
    };
    let means = [mean(0), mean(1), mean(2), mean(3)];
    let sign = [-1.0, -1.0, 1.0, 1.0].map(exact);
    let found = [0, 1, 2, 3].map(|side| (corner[side % 2] + exact(0.5) + sign[side] * means[side]) * cell);
    let by = by_sides(found, goal, loss.complete);
    let mut gradient = Vec::with_capacity(x.len());
    for (side, shares) in shares.iter().enumerate() {
        let factor = weight * cell * sign[side] * by[side];
        let of_bin = |(bin, share): (i32, &Approx)| factor * *share * (exact(f64::from(bin)) - means[side]);
        gradient.extend((0..).zip(shares).map(of_bin));
    }
    gradient
}

/// The derivative of `1 - CIoU`, or of `1 - IoU²`, by the left, upper, right and lower side of `a`.
fn by_sides(a: [Approx; 4], b: [Approx; 4], complete: bool) -> [Approx; 4] {
    let exact = Approx::exact;
    let (one, zero) = (exact(1.0), exact(0.0));
    let inner = [0, 1].map(|axis| a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis]));
    let common = inner.map(|side| side.max(zero));
    let size = [a[2] - a[0], a[3] - a[1]];
    let other = [b[2] - b[0], b[3] - b[1]];
    let both = common[0] * common[1];
    let either = size[0] * size[1] + other[0] * other[1] - both + TINY;
    let iou = both / either;
    let signed = |side: usize, of: Approx| if side < 2 { -of } else { of };
    let of_iou = [0, 1, 2, 3].map(|side| {
        let (axis, across) = (side % 2, 1 - side % 2);
        let moves = if side < 2 { (b[side], a[side]) } else { (a[side], b[side]) };
        let of_both = common[across].where_less(moves.0, moves.1).where_less(zero, inner[axis]);
        (signed(side, of_both) * (one + iou) - iou * signed(side, size[across])) / either
    });
    if !complete {
        return of_iou.map(|of| exact(-2.0) * iou * of);
    }
    let hull = [0, 1].map(|axis| a[axis + 2].max(b[axis + 2]) - a[axis].min(b[axis]));
    let diagonal = hull[0] * hull[0] + hull[1] * hull[1] + TINY;
    let off = [0, 1].map(|axis| (a[axis] + a[axis + 2] - b[axis] - b[axis + 2]) * exact(0.5));
    let distance = (off[0] * off[0] + off[1] * off[1]) / diagonal;
    let rate = size[1] * other[1] + size[0] * other[0] + TINY;
    let tangent = (other[0] * size[1] - size[0] * other[1]) / rate;
    let turn = tangent.atan();
    let shape = Approx::four_by_pi_squared() * turn * turn;
    let slope = Approx::four_by_pi_squared() * exact(2.0) * turn / (rate * (one + tangent * tangent));
    let of_shape = [slope * (-other[1] - tangent * other[0]), slope * (other[0] - tangent * other[1])];
    let share = shape / (one - iou + shape + TINY);
    [0, 1, 2, 3].map(|side| {
        let axis = side % 2;
        let moves = if side < 2 { (a[side], b[side]) } else { (b[side], a[side]) };
        let grows = signed(side, (exact(2.0) * distance * hull[axis]).where_less(moves.0, moves.1));
        let of_distance = (off[axis] - grows) / diagonal;
        let of_penalty = share * (exact(2.0) - share) * signed(side, of_shape[axis]);
        of_distance + of_penalty - (one - share * share) * of_iou[side]
    })
}
