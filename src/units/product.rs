//! Matrix products: where they hold channels, which of them live or die together, and which constants follow them.

use super::axes::{Axis, Parameters};
use super::coupling::Blocks;
use super::map::Mapper;
use crate::graph::{Node, ProductAxis, Side, ValueId};

const SIDES: [(Side, usize); 2] = [(Side::Left, 0), (Side::Right, 1)];

impl Parameters<'_> {
    fn is_constant(&self, value: ValueId) -> bool {
        self.graph.constant(value).is_some()
    }

    fn ranks(&self, node: &Node) -> [usize; 2] {
        [0, 1].map(|input| self.shapes[node.inputs[input].0].len())
    }

    /// What the axes of an operand of a matrix product are to it.
    fn product_axes(&self, node: &Node, side: Side) -> Vec<ProductAxis> {
        let ranks = self.ranks(node);
        let rank = if side == Side::Left { ranks[0] } else { ranks[1] };
        (0..rank).map(|axis| side.axis(ranks, axis)).collect()
    }

    /// What the channels of an operand of a matrix product are to it; `None` for a constant.
    fn product_channels(&self, node: &Node, side: Side) -> Option<ProductAxis> {
        let value = node.inputs[usize::from(side == Side::Right)];
        let axes = self.product_axes(node, side);
        let axis = self.axis(value).min(axes.len().saturating_sub(1));
        axes.get(axis).copied().filter(|_| !self.is_constant(value))
    }

    /// Whether a matrix product sums over the channels of an operand.
    pub(super) fn product_sums_over(&self, node: &Node, input: usize) -> bool {
        let side = if input == 0 { Side::Left } else { Side::Right };
        self.product_channels(node, side) == Some(ProductAxis::Inner)
    }

    /// The axis in which the result of a matrix product has its channels: where the right operand has them, else where
    /// the left one has them; of a constant, where it makes them from what it sums over. Where it is not `known` that
    /// the left operand's channels are any, a constant on the right makes them.
    pub(super) fn product_output(&self, node: &Node, known: bool) -> Option<usize> {
        let [left, right] = [Side::Left, Side::Right].map(|side| self.product_channels(node, side));
        match (left, right) {
            (Some(ProductAxis::Output(_)), None) if !known => self.made_by(node, Side::Right),
            (_, Some(ProductAxis::Output(axis))) | (Some(ProductAxis::Output(axis)), _) => Some(axis),
            (Some(ProductAxis::Inner), None) => self.made_by(node, Side::Right),
            (None, Some(ProductAxis::Inner)) => self.made_by(node, Side::Left),
            _ => None,
        }
    }

    /// The output axis of the columns of the right operand, or of the rows of the left one.
    fn made_by(&self, node: &Node, side: Side) -> Option<usize> {
        let axes = self.product_axes(node, side);
        let place = axes.len().checked_sub(if side == Side::Left { 2 } else { 1 })?;
        match axes[place] {
            ProductAxis::Output(axis) => Some(axis),
            ProductAxis::Inner => None,
        }
    }

    /// The axes of a constant operand that follow channels: those of the result, and those that it sums over.
    pub(super) fn product_parameters(&self, node: &Node, input: usize) -> Option<Vec<Axis>> {
        let value = node.inputs[input];
        let (side, other) = if input == 0 { (Side::Left, Side::Right) } else { (Side::Right, Side::Left) };
        if !self.is_constant(value) {
            return None;
        }
        let output = node.outputs[0];
        let channels = self.shapes[output.0].get(self.axis(output)).copied().unwrap_or(1);
        let summed = self.product_channels(node, other) == Some(ProductAxis::Inner);
        let follows = |(axis, role): (usize, ProductAxis)| match role {
            ProductAxis::Inner => summed.then_some(Axis { axis, value: node.inputs[1 - input] }),
            ProductAxis::Output(to) => {
                let whole = to == self.axis(output) && self.shapes[value.0][axis] == channels;
                whole.then_some(Axis { axis, value: output })
            }
        };
        Some(self.product_axes(node, side).into_iter().enumerate().filter_map(follows).collect())
    }

    /// The constant operand of a matrix product that makes its channels, with the axis of them.
    pub(super) fn product_filters(&self, node: &Node) -> Option<(usize, usize)> {
        let output = self.axis(node.outputs[0]);
        SIDES.into_iter().find_map(|(side, input)| {
            let made = self.is_constant(node.inputs[input]) && self.made_by(node, side) == Some(output);
            let rank = self.shapes[node.inputs[input].0].len();
            made.then(|| (input, rank - if side == Side::Left { 2 } else { 1 }))
        })
    }
}

impl Mapper<'_> {
    /// Channels of an operand are channels of the result, or are summed over with those of the other operand or with a
    /// constant. Whatever else they are, they stay.
    pub(super) fn product(&mut self, y: ValueId) {
        let parameters = self.parameters;
        let node = self.node;
        let along = ProductAxis::Output(parameters.axis(y));
        for (side, input) in SIDES {
            let value = node.inputs[input];
            let other = if side == Side::Left { Side::Right } else { Side::Left };
            let Some(role) = parameters.product_channels(node, side) else { continue };
            let facing = (node.inputs[1 - input], parameters.product_channels(node, other));
            match role {
                ProductAxis::Inner => self.summed(value, facing),
                ProductAxis::Output(_) if role != along => {
                    self.pin(value, "has its channels along another axis than what it reads");
                }
                ProductAxis::Output(_) if self.channels(value) == self.channels(y) => {
                    self.link_whole(value, y)
                }
                ProductAxis::Output(_) => self.pin(value, "broadcasts its one channel"),
            }
            let axes = parameters.product_axes(node, side);
            let meets =
                axes.iter().zip(&self.shapes[value.0]).any(|(axis, &extent)| *axis == along && extent > 1);
            if meets && role != along {
                self.pin(y, "takes what stands for channels from an axis that holds none");
            }
        }
    }

    fn summed(&mut self, value: ValueId, (other, role): (ValueId, Option<ProductAxis>)) {
        match role {
            None => {}
            Some(ProductAxis::Inner) => self.link_whole(value, other),
            Some(ProductAxis::Output(_)) => {
                self.pin(value, "sums over channels with what has its own along another axis");
            }
        }
    }

    fn link_whole(&mut self, a: ValueId, b: ValueId) {
        let whole = |value| Blocks { value, start: 0, block: 1 };
        self.link(whole(a), whole(b), self.channels(a));
    }
}
