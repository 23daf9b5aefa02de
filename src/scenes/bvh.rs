//! A bounding volume hierarchy over the objects of a room.

use super::shape::{Aabb, Ray, T_MIN};
use super::vector::{Vec3, greater, lesser};

/// Children of a node, whose boxes are tested at once.
const WIDTH: usize = 4;

/// More than the walk ever has in wait: three more with each level, of which ten would hold a million objects.
const STACK: usize = 32;

/// The bit of a child's number that tells a node from an object.
const NODE: u32 = 1 << 31;

/// The boxes of up to four children, by axis, and what is in them.
struct Node {
    low: [[f32; WIDTH]; 3],
    high: [[f32; WIDTH]; 3],
    /// Numbers of objects, and of nodes with [`NODE`].
    children: [u32; WIDTH],
    count: usize,
}

/// Bounding boxes in a tree.
#[derive(Default)]
pub struct Bvh {
    nodes: Vec<Node>,
}

impl Bvh {
    /// The hierarchy over `bounds`.
    pub fn new(bounds: &[Aabb]) -> Self {
        let mut tree = Self::default();
        if !bounds.is_empty() {
            tree.add(bounds, &mut (0..bounds.len()).collect::<Vec<_>>());
        }
        tree
    }

    /// Adds the node of `members`, the numbers of some of `bounds`, and those below it; returns where it is.
    fn add(&mut self, bounds: &[Aabb], members: &mut [usize]) -> usize {
        let (first, second) = halves(bounds, members);
        let parts = [first, second].map(|half| halves(bounds, half)).map(|(a, b)| [a, b]);
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        let at = self.nodes.len();
        let empty = [[0.0; WIDTH]; 3];
        self.nodes.push(Node { low: empty, high: empty, children: [0; WIDTH], count: 0 });
        for (slot, part) in parts.enumerate() {
            let all = part.iter().fold(Aabb::EMPTY, |all, &index| all.union(bounds[index]));
            let child = match *part {
                [object] => object as u32,
                _ => self.add(bounds, part) as u32 | NODE,
            };
            let node = &mut self.nodes[at];
            let axes = |v: Vec3| [v.x, v.y, v.z];
            for (axis, (low, high)) in axes(all.low).into_iter().zip(axes(all.high)).enumerate() {
                node.low[axis][slot] = low;
                node.high[axis][slot] = high;
            }
            node.children[slot] = child;
            node.count = slot + 1;
        }
        at
    }

    /// Calls `visit(object, reach)` for the objects whose box the ray meets before `reach`;
    /// the answer is the new reach, negative infinity to stop.
    pub fn walk(&self, ray: &Ray, reach: f32, mut visit: impl FnMut(usize, f32) -> f32) {
        let mut reach = reach;
        let mut stack = [(NODE, f32::NEG_INFINITY); STACK];
        let mut depth = usize::from(!self.nodes.is_empty());
        while depth > 0 {
            depth -= 1;
            let (child, near) = stack[depth];
            if near >= reach {
                continue;
            }
            if child & NODE == 0 {
                reach = visit(child as usize, reach);
                continue;
            }
            let node = &self.nodes[(child & !NODE) as usize];
            let (nears, fars) = node.slabs(ray);
            for slot in (0..node.count).rev() {
                let (near, far) = (nears[slot], fars[slot]);
                stack[depth] = (node.children[slot], near);
                depth += usize::from(near <= far && far > T_MIN && near < reach);
            }
        }
    }
}

impl Node {
    /// [`Aabb::slabs`] of all children.
    #[inline]
    fn slabs(&self, ray: &Ray) -> ([f32; WIDTH], [f32; WIDTH]) {
        let origin = [ray.origin.x, ray.origin.y, ray.origin.z];
        let reciprocal = [ray.reciprocal.x, ray.reciprocal.y, ray.reciprocal.z];
        let (mut near, mut far) = ([[0.0; WIDTH]; 3], [[0.0; WIDTH]; 3]);
        for axis in 0..3 {
            for slot in 0..WIDTH {
                let a = (self.low[axis][slot] - origin[axis]) * reciprocal[axis];
                let b = (self.high[axis][slot] - origin[axis]) * reciprocal[axis];
                near[axis][slot] = lesser(a, b);
                far[axis][slot] = greater(a, b);
            }
        }
        let all = |of: [[f32; WIDTH]; 3], pick: fn(f32, f32) -> f32| {
            std::array::from_fn(|slot| pick(pick(of[0][slot], of[1][slot]), of[2][slot]))
        };
        (all(near, greater), all(far, lesser))
    }
}

/// The two halves of `members` along the longest side of their box; two stay in the order that they have.
fn halves<'a>(bounds: &[Aabb], members: &'a mut [usize]) -> (&'a mut [usize], &'a mut [usize]) {
    if members.len() < 2 {
        return (members, &mut []);
    }
    let all = members.iter().fold(Aabb::EMPTY, |all, &index| all.union(bounds[index]));
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
    if members.len() > 2 {
        let middle = |index: &usize| along(bounds[*index].low + bounds[*index].high);
        members.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    }
    members.split_at_mut(members.len() / 2)
}
