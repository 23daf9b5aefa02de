//! Packing and unpacking: exact, for odd shapes and any segments.

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::network::numbers;
use wgpu_pagcp::gpu::execute;
use wgpu_pagcp::kernels::live::{LiveLayout, StoredSegment};
use wgpu_pagcp::kernels::pack::{PACK, PackParams, spec};
use wgpu_pagcp::kernels::unpack::UNPACK;
use wgpu_pagcp::plan::{Grid, Operand, Step, Stored};

/// The stored form of images of `pixels` pixels whose segments have these channels, each a unit of its own.
fn stored(layout: &mut LiveLayout, images: u32, channels: &[u32], pixels: u32) -> Stored {
    let (mut groups, mut start) = (0, 0);
    let mut segments = Vec::new();
    for (unit, &channels) in channels.iter().enumerate() {
        segments.push(StoredSegment::run(groups, start, channels, Some((unit, 1))));
        groups += channels.div_ceil(4);
        start += channels;
    }
    let record = layout.record(segments.clone());
    Stored {
        images,
        axis: 1,
        channels: start,
        groups,
        height: 1,
        width: pixels,
        inner: pixels,
        record,
        segments,
    }
}

fn step(stored: &Stored, pack: bool) -> Step {
    let params = PackParams::new(stored.record.0, stored.images, stored.pixels(), stored.groups);
    Step {
        node: "edge".to_owned(),
        op: "Pack",
        kernel: if pack { &PACK } else { &UNPACK },
        spec: spec(stored.pixels()),
        params: params.words(),
        operands: vec![Operand::External(0), Operand::External(1)],
        grid: Grid::Elements {
            record: stored.record,
            per_group: params.threads(),
            workgroup: spec(1).workgroup(),
        },
        macs: 0,
    }
}

#[test]
fn packing_stores_every_channel_and_zeroes_the_other_lanes() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for (images, channels, pixels) in [
            (1, &[3][..], 35),
            (2, &[1], 1),
            (3, &[5, 2, 8], 77),
            (1, &[4, 1], 130),
            (2, &[1], 4),
            (3, &[5, 3], 84),
        ] {
            let mut layout = LiveLayout::default();
            let stored = stored(&mut layout, images, channels, pixels);
            let host = numbers(9, (images * stored.channels * pixels) as usize);
            let mut buffers = [host.clone(), vec![f32::NAN; stored.floats()]];
            execute(gpu, &[step(&stored, true)], &layout.table(0, &[]), &mut buffers).unwrap();
            same_bits("packed", &buffers[1], &stored.pack(&host));
        }
    }
}

#[test]
fn unpacking_gathers_what_lives() {
    let Some(gpus) = gpus() else { return };
    let images = 2;
    for gpu in &gpus {
        let keeps = [vec![], vec![5, 2, 8], vec![3, 1, 7], vec![0, 2, 1], vec![4, 0, 0]];
        for (keep, pixels) in
            keeps.into_iter().flat_map(|keep| [19, 4, 44].map(|pixels| (keep.clone(), pixels)))
        {
            let mut layout = LiveLayout::default();
            let stored = stored(&mut layout, images, &[5, 2, 8], pixels);
            let host = numbers(4, (images * stored.channels * pixels) as usize);
            let live: Vec<usize> = [(0usize, 5usize), (5, 2), (7, 8)]
                .iter()
                .enumerate()
                .flat_map(|(u, &(start, all))| start..start + keep.get(u).map_or(all, |&k| k))
                .collect();
            let plane = |image: usize, channel: usize| {
                let at = (image * 15 + channel) * pixels as usize;
                host[at..at + pixels as usize].iter().copied()
            };
            let expected: Vec<f32> =
                (0..images as usize).flat_map(|n| live.iter().flat_map(move |&c| plane(n, c))).collect();
            let mut buffers = [stored.pack(&host), vec![f32::NAN; expected.len()]];
            execute(gpu, &[step(&stored, false)], &layout.table(0, &keep), &mut buffers).unwrap();
            same_bits(&format!("unpacked {keep:?} of {pixels}"), &buffers[1], &expected);
        }
    }
}
