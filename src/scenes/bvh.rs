//! A bounding volume hierarchy over the objects of a room.

use super::shape::{Aabb, Ray};
use super::vector::Vec3;

const LEAF: usize = 2;
const DEPTH: usize = 32;

struct Node {
    bounds: Aabb,
    /// The part of `order` below this node.
    range: (usize, usize),
    /// The second child; leaves have none.
    second: Option<usize>,
}

/// Bounding boxes in a binary tree; the first child of a node follows it.
#[derive(Default)]
pub struct Bvh {
    nodes: Vec<Node>,
    order: Vec<usize>,
}

impl Bvh {
    /// The hierarchy over `bounds`.
    pub fn new(bounds: &[Aabb]) -> Self {
        let mut tree = Self { nodes: Vec::new(), order: (0..bounds.len()).collect() };
        if !bounds.is_empty() {
            tree.split(bounds, (0, bounds.len()));
        }
        tree
    }

    fn split(&mut self, bounds: &[Aabb], range: (usize, usize)) {
        let members = &mut self.order[range.0..range.1];
        let all = members.iter().fold(Aabb::EMPTY, |all, &index| all.union(bounds[index]));
        let node = self.nodes.len();
        self.nodes.push(Node { bounds: all, range, second: None });
        if members.len() <= LEAF {
            return;
        }
        let extent = all.high - all.low;
        let along = |v: Vec3| {
            if extent.x >= extent.y && extent.x >= extent.z {
                v.x
            } else if extent.y >= extent.z {
                v.y
            } else {
                v.z
            }
        };
        let middle = |index: &usize| along(bounds[*index].low + bounds[*index].high);
        members.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
        let half = range.0 + members.len() / 2;
        self.split(bounds, (range.0, half));
        self.nodes[node].second = Some(self.nodes.len());
        self.split(bounds, (half, range.1));
    }

    /// Calls `visit(object, reach)` for the objects whose node the ray meets before `reach`;
    /// the answer is the new reach, negative infinity to stop.
    pub fn walk(&self, ray: &Ray, reach: f32, mut visit: impl FnMut(usize, f32) -> f32) {
        let mut reach = reach;
        let mut stack = [0; DEPTH];
        let mut depth = usize::from(!self.nodes.is_empty());
        while depth > 0 {
            depth -= 1;
            let index = stack[depth];
            let node = &self.nodes[index];
            if !node.bounds.is_hit(ray, reach) {
                continue;
            }
            if let Some(second) = node.second {
                stack[depth] = second;
                stack[depth + 1] = index + 1;
                depth += 2;
                continue;
            }
            for &object in &self.order[node.range.0..node.range.1] {
                reach = visit(object, reach);
            }
        }
    }
}
