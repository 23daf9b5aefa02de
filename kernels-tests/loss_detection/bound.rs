//! How far a detector's losses on a device may be from exact ones: the accuracy that WGSL asks of every function,
//! carried through by the largest slopes.

use crate::loss::{ROUNDING, ULP};
use wgpu_pagcp::tasks::detection::{Detector, Encoding, Family, Map, Part, Place, Rect, Target};

/// `log` near 1, absolute.
const LOG: f64 = 1.0 / (1u64 << 21) as f64;
/// `atan`, relative.
const ATAN: f64 = 4096.0 * ULP;
/// The largest logarithm of a probability.
const LARGEST_LOG: f64 = 16.7;

/// A cell of a map, and what it answers for.
pub type Place3<'a> = (usize, usize, Option<&'a Target>);

fn value(place: Place, output: &[f32], channel: usize, cell: usize) -> f64 {
    f64::from(output[place.origin + place.first + channel * place.channel + cell * place.pixel])
}

/// The error of one cell's term.
pub fn term_bound(detector: &Detector, part: Part, (number, cell, target): Place3, output: &[f32]) -> f64 {
    let map = &detector.maps[number];
    let own = target.map_or(0.0, |target| overlap_bound(detector, map, (cell, target), output));
    match part {
        Part::Box => target.map_or(0.0, |target| match detector.family {
            Family::Yolov5 => own + 3.0 * ROUNDING,
            Family::Yolox => 2.0 * own + own * own + 4.0 * ROUNDING,
            Family::Yolov8 => target.score * (own + 4.0 * ROUNDING),
        }),
        Part::Objectness => {
            let place = map.objectness.expect("the family has objectness");
            let moved = if detector.moving && detector.family == Family::Yolov5 { own } else { 0.0 };
            detector.weight(map) * entropy_bound(detector, value(place, output, 0, cell), moved)
        }
        Part::Class if target.is_none() && detector.family != Family::Yolov8 => 0.0,
        Part::Class => {
            let moved = if detector.moving && detector.family == Family::Yolox { own } else { 0.0 };
            let scores = (0..detector.classes).map(|class| value(map.classes, output, class, cell));
            scores.map(|score| entropy_bound(detector, score, moved)).sum()
        }
    }
}

/// Binary cross-entropy of a score against a target that is off by `moved`.
fn entropy_bound(detector: &Detector, score: f64, moved: f64) -> f64 {
    if detector.probabilities {
        return 2.0 * (LOG + 3.0 * ULP * LARGEST_LOG + 4.0 * ROUNDING * LARGEST_LOG)
            + 2.0 * LARGEST_LOG * moved;
    }
    let x = score.abs();
    let exp = (-x).exp() * (3.0 + 2.0 * x) * ULP;
    exp + ROUNDING + LOG + 6.0 * ROUNDING * (x + 1.0) + x * moved
}

/// The error of the overlap of the network's own box with the target.
fn overlap_bound(detector: &Detector, map: &Map, (cell, target): (usize, &Target), output: &[f32]) -> f64 {
    let (own, other) = (detector.rect(map, output, cell), target.rect);
    let sides = [own.left, own.top, own.right, own.bottom, other.left, other.top, other.right, other.bottom];
    let largest = sides.into_iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    // Of differences of two sides.
    let off = 2.0 * side_bound(detector, map, (cell, &own), output) + 4.0 * ROUNDING * largest;
    let [aw, ah] = own.size();
    let [bw, bh] = other.size();
    let areas = off * (aw + ah + bw + bh + 2.0 * off) + 4.0 * ROUNDING * (own.area() + other.area());
    let either = own.area() + other.area() - own.overlap(&other) * (own.area() + other.area()) / 2.0;
    let iou = 2.0 * areas / (either - 2.0 * areas).max(1e-3) + 4.0 * ULP;
    if detector.family == Family::Yolox {
        return iou;
    }
    let hull = [
        own.right.max(other.right) - own.left.min(other.left),
        own.bottom.max(other.bottom) - own.top.min(other.top),
    ];
    let diagonal = hull[0] * hull[0] + hull[1] * hull[1];
    let ([ax, ay], [bx, by]) = (own.centre(), other.centre());
    let apart = (ax - bx).abs() + (ay - by).abs();
    let distance = (2.0 * off * apart + 2.0 * off * off) / diagonal
        + (2.0 * off * (hull[0] + hull[1]) + 2.0 * off * off) / diagonal
        + 8.0 * ROUNDING;
    let turned = |w: f64, h: f64| off * (w + h) / (w * w + h * h).max(1e-6) + 8.0 * ULP;
    let angle = ((bw / bh).atan() - (aw / ah).atan()).abs();
    let turn = turned(aw, ah) + turned(bw, bh) + ATAN * angle;
    // Of the square of the turn, whose quotient has slopes of at most 2 and 1.
    let shape = 0.41 * (2.0 * angle * turn + turn * turn) + 4.0 * ROUNDING;
    2.0 * iou + distance + 2.0 * shape + 8.0 * ROUNDING
}

/// The error of a side of the network's own box, in pixels.
fn side_bound(detector: &Detector, map: &Map, (cell, own): (usize, &Rect), output: &[f32]) -> f64 {
    let raw = |channel: usize| value(map.boxes, output, channel, cell);
    let [width, height] = own.size();
    let size = width.max(height);
    let position = map.position(cell);
    let reach = (position[0].max(position[1]) + 3.0) * map.stride;
    let exp = |x: f64| (3.0 + 2.0 * x.abs()) * ULP;
    match detector.encoding {
        Encoding::Anchors => {
            let worst = (0..4).map(|channel| exp(raw(channel))).fold(0.0, f64::max) + 6.0 * ULP;
            2.0 * map.stride * worst + 6.0 * ROUNDING * reach + size * (worst + 4.0 * ROUNDING)
        }
        Encoding::Exponential => {
            let worst = exp(raw(2)).max(exp(raw(3)));
            let far = (raw(0).abs() + raw(1).abs()) * map.stride + reach;
            4.0 * ROUNDING * far + size * (worst + 4.0 * ROUNDING)
        }
        Encoding::Distribution { bins } => {
            let range = (0..4 * bins).map(|channel| raw(channel).abs()).fold(0.0, f64::max) * 2.0;
            let weight = exp(range) + 2.0 * range * ROUNDING + (bins as f64 + 6.0) * ROUNDING;
            (2.0 * weight + 6.0 * ROUNDING) * bins as f64 * map.stride + 6.0 * ROUNDING * (reach + size)
        }
        Encoding::Pixels => 3.0 * ROUNDING * (raw(0).abs() + raw(1).abs() + size),
    }
}
