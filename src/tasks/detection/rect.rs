//! Boxes and how far they overlap.

use std::f64::consts::PI;

/// Keeps quotients of boxes without area from being 0 / 0.
pub(super) const TINY: f64 = 1e-7;

/// A box by its sides, in pixels of the network's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// The left side.
    pub left: f64,
    /// The upper side.
    pub top: f64,
    /// The right side.
    pub right: f64,
    /// The lower side.
    pub bottom: f64,
}

impl Rect {
    /// The box of this size around a centre.
    pub fn around([x, y]: [f64; 2], [width, height]: [f64; 2]) -> Self {
        Self {
            left: x - width / 2.0,
            top: y - height / 2.0,
            right: x + width / 2.0,
            bottom: y + height / 2.0,
        }
    }

    /// Its centre.
    pub fn centre(&self) -> [f64; 2] {
        [(self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0]
    }

    /// Width and height.
    pub fn size(&self) -> [f64; 2] {
        [self.right - self.left, self.bottom - self.top]
    }

    /// Width times height.
    pub fn area(&self) -> f64 {
        let [width, height] = self.size();
        width * height
    }

    /// Whether a point is inside, by more than `margin` from every side.
    pub fn holds(&self, [x, y]: [f64; 2], margin: f64) -> bool {
        let nearest = (x - self.left).min(y - self.top).min(self.right - x).min(self.bottom - y);
        nearest > margin
    }

    /// Intersection over union; 0 where neither box has an area.
    pub fn overlap(&self, other: &Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let both = width.max(0.0) * height.max(0.0);
        let either = self.area() + other.area() - both;
        if either.abs() > 0.0 { both / either } else { 0.0 }
    }

    /// CIoU (arXiv 1911.08287): the overlap less the distance of the centres and the difference of the proportions.
    /// `self` is the found box, `other` the labelled one.
    pub fn complete_overlap(&self, other: &Self) -> f64 {
        let overlap = self.smooth_overlap(other);
        let hull_width = self.right.max(other.right) - self.left.min(other.left);
        let hull_height = self.bottom.max(other.bottom) - self.top.min(other.top);
        let diagonal = hull_width * hull_width + hull_height * hull_height + TINY;
        let ([ax, ay], [bx, by]) = (self.centre(), other.centre());
        let distance = ((ax - bx).powi(2) + (ay - by).powi(2)) / diagonal;
        let ([aw, ah], [bw, bh]) = (self.size(), other.size());
        let turn = ((bw * ah - aw * bh) / (ah * bh + aw * bw + TINY)).atan();
        let shape = 4.0 / (PI * PI) * turn * turn;
        overlap - distance - shape * shape / (1.0 - overlap + shape + TINY)
    }

    /// The overlap as losses have it: never 0 / 0.
    pub fn smooth_overlap(&self, other: &Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let both = width.max(0.0) * height.max(0.0);
        both / (self.area() + other.area() - both + TINY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_of_known_boxes() {
        let a = Rect { left: 0.0, top: 0.0, right: 4.0, bottom: 2.0 };
        let b = Rect { left: 2.0, top: 0.0, right: 6.0, bottom: 2.0 };
        assert_eq!(a.overlap(&b), 4.0 / 12.0);
        assert_eq!(a.overlap(&a), 1.0);
        let point = Rect::around([1.0, 1.0], [0.0, 0.0]);
        assert_eq!(point.overlap(&point), 0.0);
        let expected = 1.0 / 3.0 - 4.0 / 40.0;
        assert!((a.complete_overlap(&b) - expected).abs() < 1e-7);
    }

    #[test]
    fn other_proportions_cost_and_boxes_without_area_are_finite() {
        let wide = Rect::around([0.0, 0.0], [4.0, 1.0]);
        let tall = Rect::around([0.0, 0.0], [1.0, 4.0]);
        let (overlap, turn) = (1.0 / 7.0, 4.0_f64.atan() - 0.25_f64.atan());
        let shape = 4.0 / (PI * PI) * turn * turn;
        let expected = overlap - shape * shape / (1.0 - overlap + shape);
        assert!((wide.complete_overlap(&tall) - expected).abs() < 1e-6);
        let point = Rect::around([1.0, 1.0], [0.0, 0.0]);
        assert!(point.complete_overlap(&wide).is_finite());
        assert!(point.complete_overlap(&point).is_finite());
    }
}
