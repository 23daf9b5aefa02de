//! Which kernel runs a convolution: one function. How terms are added follows from channel counts only in whether Winograd's
//! algorithm pays, so that a masked network and what was pruned from it in memory add alike.

mod broadcast;
mod gpu;

pub use broadcast::product;

use super::Grid;
use super::lower::DeviceClass;
use crate::kernels::blocks::Blocks;
use crate::kernels::conv::{self, CONV, Cut, Finish, Form, Reads, WINDOW_COLUMNS, Weights};
use crate::kernels::conv_broadcast::{CONV_BROADCAST, SUBGROUPS};
use crate::kernels::conv_depthwise::{self, CONV_DEPTHWISE, Patch};
use crate::kernels::conv_grouped::{self, CONV_GROUPED};
use crate::kernels::conv_tiled::CONV_TILED;
use crate::kernels::conv_uniform::CONV_UNIFORM;
use crate::kernels::live::Record;
use crate::kernels::{Kernel, Spec};

/// How channels are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Every output reads every input.
    Dense,
    /// Output channel `c` reads input channel `c`, and both are stored alike.
    Depthwise,
    /// Several groups of any other kind.
    Grouped,
}

/// What the choice of a kernel may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// How channels are connected.
    pub connection: Connection,
    /// Images.
    pub images: u32,
    /// Rows and columns of the output.
    pub output: [u32; 2],
    /// Rows and columns of the kernel.
    pub kernel: [u32; 2],
    /// Steps, vertical and horizontal.
    pub strides: [u32; 2],
    /// Tap spacing, vertical and horizontal.
    pub dilations: [u32; 2],
    /// Zero padding: top, left, bottom, right.
    pub margins: [u32; 4],
    /// Channels of the input.
    pub inputs: u32,
    /// As many where they are at most 4 and none can go, else 4.
    pub depth: u32,
    /// Whether input channels are multiplied by numbers of their own first.
    pub scaled: bool,
    /// Whether input channels are so few that windows are summed channel by channel, where kernels can.
    pub few: bool,
    /// See [`crate::graph::Conv2d::direct`].
    pub direct: bool,
    /// See [`crate::graph::Conv2d::winograd`].
    pub winograd: Option<u32>,
    /// See [`super::Lowering::tile`].
    pub tile: Option<usize>,
}

/// How many threads a kernel needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threads {
    Blocks { tiles: u32, blocks: Blocks, planes: u32 },
    Elements { per_group: u32, workgroup: u32 },
}

/// A kernel and its threads.
#[derive(Clone, Debug)]
pub struct Part {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Its specialisation.
    pub spec: Spec,
    threads: Threads,
}

/// Whether a kernel of convolutions binds what scales input channels.
pub fn binds_scales(kernel: &Kernel) -> bool {
    [&CONV, &CONV_BROADCAST, &CONV_UNIFORM, &CONV_TILED].contains(&kernel)
}

/// The kernels that together compute a convolution, all with the same parameters and tensors.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The kernels.
    pub parts: Vec<Part>,
    /// Packs their weights.
    pub pack: fn(&Weights) -> Vec<f32>,
    /// Makes their channel table, where it binds one after the residual.
    pub channels: Option<fn(&Weights) -> Vec<f32>>,
    /// Threads along the pixel axis.
    pub tiles: u32,
    /// Threads that share an output row.
    pub row_tiles: u32,
}

impl Part {
    /// The output channel groups that it computes of `live` ones.
    pub fn groups(&self, live: u32) -> u32 {
        match self.threads {
            Threads::Blocks { blocks, .. } => blocks.count(live) * blocks.size,
            Threads::Elements { .. } => live,
        }
    }

    /// Whether it computes anything where at most `groups` output channel groups live.
    pub fn fits(&self, groups: u32) -> bool {
        match self.threads {
            Threads::Blocks { blocks, .. } => blocks.fits(groups),
            Threads::Elements { .. } => true,
        }
    }

    /// The grid for an output of channel layout `record`.
    pub fn grid(&self, record: Record) -> Grid {
        match self.threads {
            Threads::Blocks { tiles, blocks, planes } => Grid::Blocks { tiles, record, blocks, planes },
            Threads::Elements { per_group, workgroup } => Grid::Elements { record, per_group, workgroup },
        }
    }
}

/// The kernel for a convolution of this geometry on a device of `class`, ending in `finish`.
pub fn select(class: DeviceClass, geometry: &Geometry, finish: Finish) -> Choice {
    match geometry.connection {
        Connection::Dense => match class {
            DeviceClass::Broadcast { subgroup } if SUBGROUPS.contains(&subgroup) => {
                broadcast::dense(subgroup, geometry, finish)
            }
            DeviceClass::Gpu => gpu::dense(geometry, finish),
            DeviceClass::Broadcast { .. } | DeviceClass::Portable => portable(geometry, finish),
        },
        Connection::Depthwise => depthwise(patch(class, geometry), geometry, finish),
        Connection::Grouped => grouped(geometry, finish),
    }
}

/// The outputs along an axis of the windows by which a convolution is computed on a device of `class`, where it is by
/// Winograd's algorithm, and the threads of a subgroup.
pub fn windows(class: DeviceClass, geometry: &Geometry) -> Option<[u32; 2]> {
    match class {
        DeviceClass::Broadcast { subgroup } if SUBGROUPS.contains(&subgroup) && geometry.depth == 4 => {
            geometry.winograd.map(|tile| [tile, subgroup])
        }
        DeviceClass::Broadcast { .. } | DeviceClass::Gpu | DeviceClass::Portable => None,
    }
}

/// Maps narrower than this waste most of a thread that owns adjacent pixels.
const MIN_WINDOW_WIDTH: u32 = 3;

fn form(geometry: &Geometry) -> Form {
    let stride = geometry.strides[1];
    if geometry.kernel == [1, 1] && geometry.margins == [0; 4] {
        return Form::Point;
    }
    let columns = geometry.kernel[1];
    let window = WINDOW_COLUMNS.contains(&columns) && geometry.dilations[1] == 1 && stride <= 2;
    if window && geometry.output[1] >= MIN_WINDOW_WIDTH {
        Form::Window { columns, stride }
    } else {
        Form::Any
    }
}

impl Geometry {
    /// A dense convolution of 1x1.
    pub fn point(images: u32, output: [u32; 2]) -> Self {
        Self {
            connection: Connection::Dense,
            images,
            output,
            kernel: [1, 1],
            strides: [1, 1],
            dilations: [1, 1],
            margins: [0; 4],
            inputs: 4,
            depth: 4,
            scaled: false,
            few: false,
            direct: false,
            winograd: None,
            tile: None,
        }
    }

    /// What a dense convolution reads.
    fn reads(&self) -> Reads {
        Reads { depth: self.depth, scaled: self.scaled, ..Reads::default() }
    }

    /// The same where all lanes of a channel group are read, whether they exist or not.
    fn wide_reads(&self) -> Reads {
        Reads { depth: 4, ..self.reads() }
    }

    /// Whether its kernel can scale input channels: a dense one of 1x1, of one image, with more than one pixel.
    pub fn scales(&self) -> bool {
        self.connection == Connection::Dense
            && form(self) == Form::Point
            && self.images == 1
            && self.output != [1, 1]
    }
}

impl Choice {
    /// One kernel, whose weights are packed as for [`CONV`].
    fn single(kernel: &'static Kernel, spec: Spec, threads: Threads, [tiles, row_tiles]: [u32; 2]) -> Self {
        Self {
            parts: vec![Part { kernel, spec, threads }],
            pack: conv::pack,
            channels: None,
            tiles,
            row_tiles,
        }
    }
}

/// Workgroups along the pixel axis, and threads that share a row, for threads of `cut`.
fn tiles(form: Form, geometry: &Geometry, cut: Cut) -> [u32; 3] {
    let [height, width] = geometry.output;
    let row_tiles = width.div_ceil(cut.pixels);
    let tiles = match form {
        Form::Window { .. } => geometry.images * height * row_tiles,
        Form::Point | Form::Any => (geometry.images * height * width).div_ceil(cut.pixels),
    };
    [tiles.div_ceil(cut.workgroup), tiles, row_tiles]
}

fn portable(geometry: &Geometry, finish: Finish) -> Choice {
    let form = form(geometry);
    let cut = Cut::portable(form);
    let [workgroups, tiles, row_tiles] = tiles(form, geometry, cut);
    let threads = Threads::Blocks { tiles: workgroups, blocks: cut.blocks, planes: 1 };
    Choice::single(&CONV, conv::spec(form, geometry.wide_reads(), finish), threads, [tiles, row_tiles])
}

/// The best of what a thread may compute, or what [`Geometry::tile`] says instead.
fn pick<T: Copy>(choices: &[T], best: T, geometry: &Geometry) -> T {
    geometry.tile.and_then(|at| choices.get(at)).copied().unwrap_or(best)
}

/// The pixels of a thread of a depthwise convolution.
fn patch(class: DeviceClass, geometry: &Geometry) -> Patch {
    let Geometry { kernel, strides, dilations, output, .. } = *geometry;
    let square = kernel[0] == kernel[1] && strides[0] == strides[1] && dilations == [1, 1];
    let window = matches!(form(geometry), Form::Window { columns, .. } if Patch::shares_rows(columns));
    let computed = |patch: &Patch| (output[1].next_multiple_of(patch.columns), u32::MAX - patch.columns);
    match class {
        DeviceClass::Broadcast { subgroup } if subgroup > SUBGROUPS[0] && square && window => {
            let choices: Vec<Patch> = Patch::LARGE.into_iter().chain([Patch::SMALL]).collect();
            let best = Patch::LARGE.into_iter().min_by_key(computed).unwrap_or(Patch::SMALL);
            pick(&choices, best, geometry)
        }
        DeviceClass::Broadcast { .. } | DeviceClass::Gpu | DeviceClass::Portable => Patch::SMALL,
    }
}

fn depthwise(patch: Patch, geometry: &Geometry, finish: Finish) -> Choice {
    let form = match form(geometry) {
        Form::Point => Form::Any,
        form @ (Form::Any | Form::Window { .. }) => form,
    };
    let row_tiles = geometry.output[1].div_ceil(patch.columns);
    let tiles = geometry.images * geometry.output[0].div_ceil(patch.rows) * row_tiles;
    let spec = conv_depthwise::spec(form, patch, finish);
    Choice {
        parts: vec![Part {
            kernel: &CONV_DEPTHWISE,
            threads: Threads::Elements { per_group: tiles, workgroup: spec.workgroup() },
            spec,
        }],
        pack: conv_depthwise::pack,
        channels: None,
        tiles,
        row_tiles,
    }
}

fn grouped(geometry: &Geometry, finish: Finish) -> Choice {
    let [height, width] = geometry.output;
    let tiles = geometry.images * height * width;
    let spec = conv_grouped::spec(finish);
    Choice {
        parts: vec![Part {
            kernel: &CONV_GROUPED,
            threads: Threads::Elements { per_group: tiles, workgroup: spec.workgroup() },
            spec,
        }],
        pack: conv_grouped::pack,
        channels: Some(conv_grouped::channels),
        tiles,
        row_tiles: width,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::blocks::Way;

    fn geometry(kernel: u32, stride: u32, dilation: u32, margin: u32) -> Geometry {
        Geometry {
            connection: Connection::Dense,
            images: 2,
            output: [6, 9],
            kernel: [kernel; 2],
            strides: [stride; 2],
            dilations: [dilation; 2],
            margins: [margin; 4],
            inputs: 4,
            depth: 4,
            scaled: false,
            few: false,
            direct: false,
            winograd: None,
            tile: None,
        }
    }

    #[test]
    fn the_form_follows_the_window() {
        assert_eq!(form(&geometry(1, 2, 1, 0)), Form::Point);
        assert_eq!(form(&geometry(1, 1, 1, 1)), Form::Any);
        assert_eq!(form(&geometry(3, 2, 1, 1)), Form::Window { columns: 3, stride: 2 });
        assert_eq!(form(&geometry(3, 3, 1, 1)), Form::Any);
        assert_eq!(form(&geometry(3, 1, 2, 2)), Form::Any);
        assert_eq!(form(&Geometry { output: [9, 1], ..geometry(3, 1, 1, 1) }), Form::Any);
    }

    #[test]
    fn windows_of_few_channels_are_summed_by_lanes() {
        let lanewise = |class, kernel, few| {
            let geometry = Geometry { few, depth: 3, ..geometry(kernel, 2, 1, kernel / 2) };
            let parts = select(class, &geometry, Finish::default()).parts;
            parts.iter().all(|part| part.spec.0.contains(&("lanewise", 1)))
        };
        let broadcast = DeviceClass::Broadcast { subgroup: 8 };
        assert!([3, 5, 7].into_iter().all(|kernel| lanewise(broadcast, kernel, true)));
        assert!([1, 3, 7].into_iter().all(|kernel| !lanewise(broadcast, kernel, kernel == 1)));
        assert!(!lanewise(DeviceClass::Portable, 7, true) && !lanewise(DeviceClass::Gpu, 7, true));
    }

    #[test]
    fn narrow_windows_of_few_channels_have_the_pixels_that_suit_the_width() {
        let has = |pixels, kernel, width, few| {
            let geometry = Geometry { few, output: [width, width], ..geometry(kernel, 2, 1, kernel / 2) };
            let parts = broadcast::dense(8, &geometry, Finish::default()).parts;
            parts.iter().all(|part| part.spec.0.contains(&("np", pixels)))
        };
        assert!(has(7, 3, 112, true) && has(4, 3, 64, true));
        assert!(has(4, 3, 112, false) && has(4, 7, 112, true));
    }

    #[test]
    fn odd_subgroup_sizes_take_the_portable_kernel() {
        let choose = |class| select(class, &geometry(3, 1, 1, 1), Finish::default());
        let portable = choose(DeviceClass::Portable);
        assert_eq!(choose(DeviceClass::Broadcast { subgroup: 32 }).parts[0].spec, portable.parts[0].spec);
        let broadcast = choose(DeviceClass::Broadcast { subgroup: 8 });
        assert_eq!(broadcast.parts[0].spec.workgroup(), 8);
        let record = Record(1);
        let blocks = Blocks { size: 3, largest: 4, way: Way::Alike { exact: false } };
        assert_eq!(broadcast.parts[1].grid(record), Grid::Blocks { tiles: 5, record, blocks, planes: 1 });
        assert_eq!(broadcast.tiles, 36);
    }

    #[test]
    fn the_parts_of_a_convolution_compute_every_group_once() {
        let small = |geometry| Geometry { output: [5, 6], ..geometry };
        let each = [1, 3].map(|kernel| geometry(kernel, 1, 1, kernel / 2));
        let each = each.into_iter().flat_map(|geometry| [geometry, small(geometry)]);
        for (subgroup, geometry) in SUBGROUPS.into_iter().flat_map(|s| each.clone().map(move |g| (s, g))) {
            let parts = broadcast::dense(subgroup, &geometry, Finish::default()).parts;
            let is_window = geometry.kernel != [1, 1];
            let least = if is_window { 1 } else { (subgroup / 4).max(2) };
            for live in 0..70_u32 {
                let groups: u32 = parts.iter().map(|part| part.groups(live)).sum();
                let all = live.next_multiple_of(least);
                let spare = match geometry.output {
                    _ if is_window => live.div_ceil(4).saturating_sub(1),
                    [5, 6] if subgroup == 8 => 2,
                    _ => 0,
                };
                assert!((all..=all + spare).contains(&groups), "{live} groups by {subgroup}: {groups}");
                assert!(parts.iter().all(|part| part.groups(live) == 0 || part.fits(live)));
            }
        }
    }

    #[test]
    fn few_steps_compute_all_groups() {
        let steps = |kernel, output, live| {
            let geometry = Geometry { output, ..geometry(kernel, 1, 1, kernel / 2) };
            let parts = broadcast::dense(8, &geometry, Finish::default()).parts;
            parts.iter().filter(|part| part.groups(live) > 0).count()
        };
        let counts = [8, 10, 11, 12, 13, 16, 18, 20, 22];
        let [large, small] = [[6, 30], [5, 6]];
        assert_eq!(counts.map(|live| steps(1, large, live)), [1, 2, 1, 1, 2, 1, 1, 2, 2]);
        assert_eq!(counts.map(|live| steps(1, small, live)), [1, 1, 1, 1, 2, 1, 1, 2, 1]);
        assert!((1..70).all(|live| steps(3, large, live) == 1 && steps(3, small, live) == 1));
    }

    #[test]
    fn windows_of_large_maps_compute_no_group_in_vain() {
        for (inputs, exact) in [(4, false), (64, true)] {
            let geometry = Geometry { output: [40, 40], inputs, ..geometry(3, 1, 1, 1) };
            let parts = broadcast::dense(8, &geometry, Finish::default()).parts;
            for live in 1..50 {
                let groups: u32 = parts.iter().map(|part| part.groups(live)).sum();
                let steps = parts.iter().filter(|part| part.groups(live) > 0).count();
                assert!(if exact { groups == live && steps <= 2 } else { groups >= live && steps == 1 });
            }
        }
    }

    #[test]
    fn every_choice_is_a_listed_variant() {
        let classes = [DeviceClass::Portable, DeviceClass::Gpu, DeviceClass::Broadcast { subgroup: 8 }];
        let connections = [Connection::Dense, Connection::Depthwise, Connection::Grouped];
        for (class, connection) in classes.iter().flat_map(|c| connections.map(|k| (c, k))) {
            for (kernel, stride) in [(1, 1), (3, 1), (3, 2), (3, 3), (5, 1)] {
                let shape = Geometry { connection, ..geometry(kernel, stride, 1, kernel / 2) };
                for part in select(*class, &shape, Finish::default()).parts {
                    assert!((part.kernel.variants)().contains(&part.spec), "{class:?} {shape:?}");
                }
            }
        }
    }
}
