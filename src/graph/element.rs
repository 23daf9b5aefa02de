//! What a file stores its inputs and outputs as.

use super::{Binary, Graph, Move, Op, ValueId};

/// The type of the elements of a graph input or output in the file that it was read from, which a file that is made of it
/// declares again. All values are computed as `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats.
    F16,
    /// 16-bit floats with the exponents of `F32`.
    Bf16,
    /// 64-bit floats.
    F64,
    /// Signed bytes.
    I8,
    /// 16-bit integers.
    I16,
    /// 32-bit integers.
    I32,
    /// 64-bit integers: indices.
    I64,
    /// Bytes.
    U8,
    /// Unsigned 16-bit integers.
    U16,
    /// Unsigned 32-bit integers.
    U32,
    /// Unsigned 64-bit integers.
    U64,
    /// Truths.
    Bool,
}

impl ElementType {
    /// Whether it holds numbers that need not be whole.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16 | Self::F64)
    }
}

impl Op {
    /// What the operator gives in a file, where that is not the type of what it reads.
    pub fn element(&self) -> Option<ElementType> {
        match self {
            Self::Binary(Binary::Equal) => Some(ElementType::Bool),
            Self::ArgMax(_) => Some(ElementType::I64),
            _ => None,
        }
    }
}

impl Graph {
    /// What a file stores an input or output as.
    pub fn element(&self, id: ValueId) -> ElementType {
        self.elements.get(&id).copied().unwrap_or_default()
    }

    /// The type of indices or truths that a value has from the node that gives them, through nodes that only move them; `None`
    /// for all others.
    pub fn whole(&self, id: ValueId) -> Option<ElementType> {
        let mut wanted = id;
        for node in self.nodes.iter().rev() {
            if !node.outputs.contains(&wanted) {
                continue;
            }
            match &node.op {
                Op::Identity
                | Op::Flatten { .. }
                | Op::Reshape { .. }
                | Op::Squeeze { .. }
                | Op::Unsqueeze { .. }
                | Op::Move(
                    Move::Transpose { .. } | Move::Slice(_) | Move::Tile { .. } | Move::Expand { .. },
                ) => {
                    wanted = node.inputs[0];
                }
                op => return op.element(),
            }
        }
        None
    }
}
