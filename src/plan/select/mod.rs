//! Which kernel runs a convolution: one function, which does not see channel counts, so that a pruned network runs
//! the kernels of the unpruned one.

mod gpu;

use super::Grid;
use super::lower::DeviceClass;
use crate::kernels::conv::{self, CONV, Cut, Finish, Form, Weights};
use crate::kernels::conv_broadcast::{self, CONV_BROADCAST, SUBGROUPS};
use crate::kernels::conv_depthwise::{self, CONV_DEPTHWISE};
use crate::kernels::conv_grouped::{self, CONV_GROUPED};
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
}

/// How many threads a kernel needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threads {
    Tiles { workgroups: u32, groups: u32 },
    Elements { per_group: u32, workgroup: u32 },
}

/// A kernel, and how its weights and threads are laid out.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Its specialisation.
    pub spec: Spec,
    /// Packs its weights.
    pub pack: fn(&Weights) -> Vec<f32>,
    /// Makes its channel table, where it binds one after the residual.
    pub channels: Option<fn(&Weights) -> Vec<f32>>,
    /// Threads along the pixel axis.
    pub tiles: u32,
    /// Threads that share an output row.
    pub row_tiles: u32,
    threads: Threads,
}

impl Choice {
    /// The grid for an output of channel layout `record`.
    pub fn grid(&self, record: Record) -> Grid {
        match self.threads {
            Threads::Tiles { workgroups, groups } => Grid::Tiles { tiles: workgroups, record, groups },
            Threads::Elements { per_group, workgroup } => Grid::Elements { record, per_group, workgroup },
        }
    }
}

/// The kernel for a convolution of this geometry on a device of `class`, ending in `finish`.
pub fn select(class: DeviceClass, geometry: &Geometry, finish: Finish) -> Choice {
    match geometry.connection {
        Connection::Dense => dense(class, geometry, finish),
        Connection::Depthwise => depthwise(geometry, finish),
        Connection::Grouped => grouped(geometry, finish),
    }
}

/// Maps narrower than this waste most of a thread that owns adjacent pixels.
const MIN_WINDOW_WIDTH: u32 = 3;

fn form(geometry: &Geometry) -> Form {
    let stride = geometry.strides[1];
    if geometry.kernel == [1, 1] && geometry.margins == [0; 4] {
        return Form::Point;
    }
    let window = geometry.kernel[1] == 3 && geometry.dilations[1] == 1 && stride <= 2;
    if window && geometry.output[1] >= MIN_WINDOW_WIDTH { Form::Window { stride } } else { Form::Any }
}

fn dense(class: DeviceClass, geometry: &Geometry, finish: Finish) -> Choice {
    let form = form(geometry);
    let (kernel, cut, spec) = match class {
        DeviceClass::Broadcast { subgroup } if SUBGROUPS.contains(&subgroup) => {
            let cut = conv_broadcast::cut(subgroup);
            (&CONV_BROADCAST, cut, conv_broadcast::spec(form, subgroup, finish))
        }
        DeviceClass::Gpu => return gpu::dense(geometry, finish),
        DeviceClass::Broadcast { .. } | DeviceClass::Portable => {
            (&CONV, Cut::portable(form), conv::spec(form, finish))
        }
    };
    let [height, width] = geometry.output;
    let row_tiles = width.div_ceil(cut.pixels);
    let tiles = match form {
        Form::Window { .. } => geometry.images * height * row_tiles,
        Form::Point | Form::Any => (geometry.images * height * width).div_ceil(cut.pixels),
    };
    Choice {
        kernel,
        spec,
        pack: conv::pack,
        channels: None,
        tiles,
        row_tiles,
        threads: Threads::Tiles { workgroups: tiles.div_ceil(cut.workgroup), groups: cut.groups },
    }
}

fn depthwise(geometry: &Geometry, finish: Finish) -> Choice {
    let form = match form(geometry) {
        Form::Point => Form::Any,
        form @ (Form::Any | Form::Window { .. }) => form,
    };
    let row_tiles = geometry.output[1].div_ceil(conv_depthwise::PIXELS);
    let tiles = geometry.images * geometry.output[0] * row_tiles;
    let spec = conv_depthwise::spec(form, finish);
    Choice {
        kernel: &CONV_DEPTHWISE,
        pack: conv_depthwise::pack,
        channels: None,
        tiles,
        row_tiles,
        threads: Threads::Elements { per_group: tiles, workgroup: spec.workgroup() },
        spec,
    }
}

fn grouped(geometry: &Geometry, finish: Finish) -> Choice {
    let [height, width] = geometry.output;
    let tiles = geometry.images * height * width;
    let spec = conv_grouped::spec(finish);
    Choice {
        kernel: &CONV_GROUPED,
        pack: conv_grouped::pack,
        channels: Some(conv_grouped::channels),
        tiles,
        row_tiles: width,
        threads: Threads::Elements { per_group: tiles, workgroup: spec.workgroup() },
        spec,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(kernel: u32, stride: u32, dilation: u32, margin: u32) -> Geometry {
        Geometry {
            connection: Connection::Dense,
            images: 2,
            output: [6, 9],
            kernel: [kernel; 2],
            strides: [stride; 2],
            dilations: [dilation; 2],
            margins: [margin; 4],
        }
    }

    #[test]
    fn the_form_follows_the_window() {
        assert_eq!(form(&geometry(1, 2, 1, 0)), Form::Point);
        assert_eq!(form(&geometry(1, 1, 1, 1)), Form::Any);
        assert_eq!(form(&geometry(3, 2, 1, 1)), Form::Window { stride: 2 });
        assert_eq!(form(&geometry(3, 3, 1, 1)), Form::Any);
        assert_eq!(form(&geometry(3, 1, 2, 2)), Form::Any);
        assert_eq!(form(&Geometry { output: [9, 1], ..geometry(3, 1, 1, 1) }), Form::Any);
    }

    #[test]
    fn odd_subgroup_sizes_take_the_portable_kernel() {
        let choose = |class| select(class, &geometry(3, 1, 1, 1), Finish::default());
        let portable = choose(DeviceClass::Portable);
        assert_eq!(choose(DeviceClass::Broadcast { subgroup: 32 }).spec, portable.spec);
        let broadcast = choose(DeviceClass::Broadcast { subgroup: 8 });
        assert_eq!(broadcast.spec.workgroup(), 8);
        let record = Record(1);
        assert_eq!(broadcast.grid(record), Grid::Tiles { tiles: 5, record, groups: 4 });
        assert_eq!(broadcast.tiles, 36);
    }

    #[test]
    fn every_choice_is_a_listed_variant() {
        let classes = [DeviceClass::Portable, DeviceClass::Gpu, DeviceClass::Broadcast { subgroup: 8 }];
        let connections = [Connection::Dense, Connection::Depthwise, Connection::Grouped];
        for (class, connection) in classes.iter().flat_map(|c| connections.map(|k| (*c, k))) {
            for (kernel, stride) in [(1, 1), (3, 1), (3, 2), (3, 3), (5, 1)] {
                let shape = Geometry { connection, ..geometry(kernel, stride, 1, kernel / 2) };
                let choice = select(class, &shape, Finish { activation: 7, add: 2 });
                assert!((choice.kernel.variants)().contains(&choice.spec), "{class:?} {shape:?}");
            }
        }
    }
}
