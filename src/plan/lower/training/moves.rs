//! Gradients of moves: which elements of the result show each element.

use crate::graph::{DepthOrder, Mismatch, Move, Node};
use crate::kernels::Spec;
use crate::kernels::gather_sum::{GATHER_SUM, GatherSumParams};
use crate::plan::lower::gather::{Entry, Moved, Placed, places, sum};
use crate::plan::lower::moves::{lower_moved, moved as forward};
use crate::plan::lower::step::Dispatch;
use crate::plan::lower::{Lowering, PlanError, Stored, unsupported};

/// Steps along axes of the result.
type Steps = Vec<(usize, usize)>;

/// What shows the elements of a move's input.
struct Readers {
    /// For every axis of the input and every index along it, everything that shows it.
    axes: Vec<Vec<Vec<Steps>>>,
    /// Axes of the result along which all elements show the same.
    others: Vec<usize>,
}

/// See [`crate::graph::Training::Move`].
pub(super) fn moved(cx: &mut Lowering, node: &Node, of: &Move) -> Result<(), PlanError> {
    let (dy, dx) = (&cx.shapes[node.inputs[0].0], &cx.shapes[node.outputs[0].0]);
    let readers = Readers::new(of, dx, dy).map_err(|mismatch| unsupported(node, mismatch.to_string()))?;
    let repeats = readers.others.iter().any(|&axis| dy[axis] > 1);
    if repeats || readers.axes.iter().flatten().any(|all| all.len() > 1) {
        return sums(cx, node, &readers);
    }
    let axes = readers.axes.into_iter().map(|axis| axis.into_iter().map(|mut all| all.pop()).collect());
    lower_moved(cx, node, &Moved { axes: axes.collect(), base: Vec::new(), fill: 0.0 })
}

impl Readers {
    /// Of a move of an input of shape `x` to a result of shape `y`.
    fn new(of: &Move, x: &[usize], y: &[usize]) -> Result<Self, Mismatch> {
        let axes = match of {
            Move::Transpose { .. } | Move::Slice(_) | Move::Tile { .. } | Move::Pad { .. } => {
                return Ok(Self::inverse(&forward(of, x, y)?, x));
            }
            Move::Expand { .. } => {
                let mut readers = Self::inverse(&forward(of, x, y)?, x);
                let grown = y.len() - x.len();
                let stretched = |axis: &usize| readers.others.contains(&(axis + grown));
                let stretched: Vec<usize> = (0..x.len()).filter(stretched).collect();
                stretched.into_iter().for_each(|axis| readers.axes[axis] = vec![vec![Vec::new()]]);
                return Ok(readers);
            }
            Move::Gather { axis, indices, shape } => chosen(*axis, (indices, shape), x),
            Move::DepthToSpace { block, order } => {
                let (square, channels) = (block * block, y[1]);
                let depth = |depth: usize| {
                    let (cell, channel) = match order {
                        DepthOrder::Dcr => (depth / channels, depth % channels),
                        DepthOrder::Crd => (depth % square, depth / square),
                    };
                    vec![vec![(1, channel), (2, cell / block), (3, cell % block)]]
                };
                let side = |axis: usize| (0..x[axis]).map(|at| vec![vec![(axis, at * block)]]).collect();
                vec![own(0, x[0]), (0..x[1]).map(depth).collect(), side(2), side(3)]
            }
            Move::SpaceToDepth { block } => {
                let side = |axis: usize, channels: usize| {
                    let place = |at: usize| vec![vec![(axis, at / block), (1, at % block * channels)]];
                    (0..x[axis]).map(place).collect()
                };
                vec![own(0, x[0]), own(1, x[1]), side(2, block * x[1]), side(3, x[1])]
            }
        };
        Ok(Self { axes, others: Vec::new() })
    }

    /// Of a move whose result axes each follow one axis of an input of shape `x`, or none.
    fn inverse(moved: &Moved, x: &[usize]) -> Self {
        let mut axes: Vec<Vec<Vec<Steps>>> = x.iter().map(|&size| vec![Vec::new(); size]).collect();
        let mut others = Vec::new();
        for (axis, readings) in moved.axes.iter().enumerate() {
            if readings.iter().all(|reading| reading.as_ref().is_some_and(Vec::is_empty)) {
                others.push(axis);
            }
            for (at, reading) in readings.iter().enumerate() {
                for &(from, index) in reading.iter().flatten() {
                    axes[from][index].push(vec![(axis, at)]);
                }
            }
        }
        Self { axes, others }
    }
}

/// An axis that is the same in the result.
fn own(axis: usize, size: usize) -> Vec<Vec<Steps>> {
    (0..size).map(|at| vec![vec![(axis, at)]]).collect()
}

/// The readers of an input of shape `x` of which `indices` along `axis` were chosen, in axes of `shape`.
fn chosen(axis: usize, (indices, shape): (&[i64], &[usize]), x: &[usize]) -> Vec<Vec<Vec<Steps>>> {
    let after = |other: usize| if other < axis { other } else { other + shape.len() - 1 };
    let mut axes: Vec<Vec<Vec<Steps>>> = Vec::with_capacity(x.len());
    for (other, &size) in x.iter().enumerate() {
        axes.push(if other == axis { vec![Vec::new(); size] } else { own(after(other), size) });
    }
    for (at, &index) in indices.iter().enumerate() {
        let index = if index < 0 { index + x[axis] as i64 } else { index } as usize;
        let mut rest = at;
        let mut steps = Steps::new();
        for (dimension, &size) in shape.iter().enumerate().rev() {
            steps.push((axis + dimension, rest % size));
            rest /= size;
        }
        axes[axis][index].push(steps);
    }
    axes
}

/// Lists of entries, all of `terms`, of which the last ones may be [`END`].
struct Lists {
    entries: Vec<Entry>,
    terms: usize,
}

/// What stands behind the last entry of a list.
const END: Entry = [0, 0, 0, 1];

impl Lists {
    fn new(lists: &[Vec<Entry>]) -> Self {
        let terms = lists.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let filled = |list: &Vec<Entry>| {
            let missing = vec![END; terms - list.len()];
            [&list[..], &missing].concat()
        };
        Self { entries: lists.iter().flat_map(filled).collect(), terms }
    }
}

/// Where the readers are stored.
struct Sources<'a> {
    readers: &'a Readers,
    /// What a step along each axis of the result adds.
    places: Vec<Entry>,
}

impl Sources<'_> {
    fn entry(&self, steps: &[(usize, usize)]) -> Entry {
        let step = |&(axis, steps): &(usize, usize)| self.places[axis].map(|part| part * steps as u32);
        steps.iter().map(step).fold([0; 4], sum)
    }

    /// The lists of all indices along some axes of the input, the last one running fastest.
    fn lists(&self, axes: &[usize]) -> Vec<Vec<Entry>> {
        let mut lists = vec![vec![[0; 4]]];
        for &axis in axes {
            let entries = |all: &Vec<Steps>| all.iter().map(|steps| self.entry(steps)).collect();
            let here: Vec<Vec<Entry>> = self.readers.axes[axis].iter().map(entries).collect();
            lists = lists.iter().flat_map(|before| here.iter().map(|after| pairs(before, after))).collect();
        }
        lists
    }

    /// The list that all elements share, of a result of shape `y`.
    fn others(&self, y: &[usize]) -> Vec<Entry> {
        let mut list = vec![[0; 4]];
        for &axis in &self.readers.others {
            let along: Vec<Entry> = (0..y[axis]).map(|at| self.entry(&[(axis, at)])).collect();
            list = pairs(&list, &along);
        }
        list
    }

    /// The lists of images, stored channels, rows and columns of the gradient `dx` of `rank` dimensions.
    fn parts(&self, dx: &Stored, rank: usize) -> [Vec<Vec<Entry>>; 4] {
        let rest: Vec<usize> = (1..rank).filter(|&axis| axis != dx.axis).collect();
        let (column, row) = rest.split_last().map_or((None, &[][..]), |(last, rest)| (Some(*last), rest));
        let mut channels = vec![Vec::new(); dx.groups as usize * 4];
        for (lane, list) in dx.places().into_iter().zip(self.lists(&[dx.axis])) {
            channels[lane as usize] = list;
        }
        let images = self.lists((dx.axis > 0).then_some(0).as_slice());
        [images, channels, self.lists(row), self.lists(column.as_slice())]
    }
}

/// Adds the step that sums up all readers.
fn sums(cx: &mut Lowering, node: &Node, readers: &Readers) -> Result<(), PlanError> {
    let (from, to) = (node.inputs[0], node.outputs[0]);
    let (x, y) = (cx.stored(from), cx.stored(to));
    let constant = cx.graph.constant(from).is_some();
    let source = if constant { cx.packed(node, 0, &x)? } else { cx.slot(from) };
    let shape = &cx.shapes[from.0];
    let sources = Sources { readers, places: places(Placed { shape, stored: &x }) };
    let [images, channels, rows, columns] = sources.parts(&y, cx.shapes[to.0].len());
    let lists = [images, channels, rows, columns, vec![sources.others(shape)]];
    let mut table: Vec<Entry> = Vec::new();
    let [images, channels, rows, columns, others] = lists.map(|lists| {
        let lists = Lists::new(&lists);
        table.extend(&lists.entries);
        (table.len() - lists.entries.len(), lists.terms)
    });
    let map = table.len() as u32;
    table.extend(x.places().into_iter().map(|lane| [0, lane, 0, 0]));
    let params = GatherSumParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
        width: y.width,
        groups: y.groups,
        in_pixels: x.pixels(),
        in_groups: x.groups,
        image_terms: images.1 as u32,
        channels: channels.0 as u32,
        channel_terms: channels.1 as u32,
        rows: rows.0 as u32,
        row_terms: rows.1 as u32,
        columns: columns.0 as u32,
        column_terms: columns.1 as u32,
        others: others.0 as u32,
        other_terms: others.1 as u32,
        map,
    };
    let table = cx.pack(table.into_iter().flatten().map(f32::from_bits).collect());
    let out = cx.slot(to);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &GATHER_SUM,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![source, table, out],
            grid: y.elements(),
        },
    );
    Ok(())
}

/// All sums of an entry of one list and one of another.
fn pairs(before: &[Entry], after: &[Entry]) -> Vec<Entry> {
    before.iter().flat_map(|a| after.iter().map(|b| sum(*a, *b))).collect()
}
