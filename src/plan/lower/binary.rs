//! Pointwise functions of two or three values.

use super::broadcast::broadcast;
use super::step::Dispatch;
use super::{Lowering, PlanError};
use crate::graph::{Binary, Node};
use crate::kernels::eltwise_binary::{self, BinaryParams, ELTWISE_BINARY};
use crate::kernels::eltwise_where::{self, ELTWISE_WHERE, WhereParams};

/// Lowers a function of two values.
pub(super) fn lower(cx: &mut Lowering, node: &Node, binary: Binary) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let ([a, b], axes) = broadcast(cx, node, &y)?;
    let out = cx.slot(node.outputs[0]);
    let operation = match binary {
        Binary::Add => 0,
        Binary::Sub => 1,
        Binary::Mul => 2,
        Binary::Div => 3,
        Binary::Pow => 4,
        Binary::Min => 5,
        Binary::Max => 6,
        Binary::Equal => 7,
        Binary::PRelu => 8,
    };
    let params = BinaryParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        width: axes.width,
        rows: axes.rows,
        planes: axes.planes,
        groups: y.groups,
        a_image: a.image,
        a_group: a.group,
        a_outer: a.outer,
        a_plane: a.plane,
        a_row: a.row,
        a_column: a.column,
        a_splat: a.splat,
        b_image: b.image,
        b_group: b.group,
        b_outer: b.outer,
        b_plane: b.plane,
        b_row: b.row,
        b_column: b.column,
        b_splat: b.splat,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &ELTWISE_BINARY,
            spec: eltwise_binary::spec(operation, axes.count),
            params: params.words(),
            operands: vec![a.operand, b.operand, out],
            grid: y.elements(),
        },
    );
    Ok(())
}

/// Lowers a choice between two values.
pub(super) fn lower_where(cx: &mut Lowering, node: &Node) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let ([c, a, b], axes) = broadcast(cx, node, &y)?;
    let out = cx.slot(node.outputs[0]);
    let params = WhereParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        width: axes.width,
        rows: axes.rows,
        planes: axes.planes,
        groups: y.groups,
        c_image: c.image,
        c_group: c.group,
        c_outer: c.outer,
        c_plane: c.plane,
        c_row: c.row,
        c_column: c.column,
        c_splat: c.splat,
        a_image: a.image,
        a_group: a.group,
        a_outer: a.outer,
        a_plane: a.plane,
        a_row: a.row,
        a_column: a.column,
        a_splat: a.splat,
        b_image: b.image,
        b_group: b.group,
        b_outer: b.outer,
        b_plane: b.plane,
        b_row: b.row,
        b_column: b.column,
        b_splat: b.splat,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &ELTWISE_WHERE,
            spec: eltwise_where::spec(axes.count),
            params: params.words(),
            operands: vec![c.operand, a.operand, b.operand, out],
            grid: y.elements(),
        },
    );
    Ok(())
}
