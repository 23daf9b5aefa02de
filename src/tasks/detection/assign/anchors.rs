//! YOLOv5: a box belongs to the anchors whose sides are within a factor of 4 of its own, in the cell of its centre and
//! the two nearest neighbours of that. Depends on labels alone; the network gives the objectness.

use super::super::targets::Targets;
use super::super::{Detector, Map, Rect, Target, Truth};
use super::or_zero;

/// The largest quotient of a side and an anchor's.
const LARGEST_RATIO: f64 = 4.0;

pub(super) fn assign(detector: &Detector, truth: &[Truth], output: &[f32]) -> Targets {
    let mut targets = detector.no_targets();
    for (map, targets) in detector.maps.iter().zip(&mut targets) {
        let mut ratios = vec![f64::INFINITY; map.cells()];
        for truth in truth {
            let worst = ratio(map, &truth.rect);
            if worst >= LARGEST_RATIO {
                continue;
            }
            for cell in cells(map, &truth.rect) {
                // Of several boxes that want a cell the one that fits its anchor best has it.
                if worst < ratios[cell] {
                    ratios[cell] = worst;
                    let overlap = detector.rect(map, output, cell).complete_overlap(&truth.rect);
                    let score = or_zero(overlap).max(0.0);
                    targets[cell] = Some(Target { rect: truth.rect, class: truth.class, score });
                }
            }
        }
    }
    targets
}

/// The largest quotient of the sides of box and anchor, either way.
fn ratio(map: &Map, rect: &Rect) -> f64 {
    let [width, height] = rect.size();
    let [wide, high] = [width / map.anchor[0], height / map.anchor[1]];
    wide.max(1.0 / wide).max(high).max(1.0 / high)
}

/// The cell of a box's centre, and its neighbours on the nearer side, where they are on the map.
fn cells(map: &Map, rect: &Rect) -> Vec<usize> {
    let [x, y] = rect.centre().map(|at| at / map.stride);
    let inside = |at: f64, count: usize| (at.max(0.0) as usize).min(count - 1);
    let (column, row) = (inside(x, map.width), inside(y, map.height));
    let mut cells = vec![row * map.width + column];
    let near = |at: f64| at > 1.0 && at.fract() < 0.5;
    let far = |at: f64, count: usize| near(count as f64 - at);
    if near(x) && column > 0 {
        cells.push(row * map.width + column - 1);
    }
    if near(y) && row > 0 {
        cells.push((row - 1) * map.width + column);
    }
    if far(x, map.width) && column + 1 < map.width {
        cells.push(row * map.width + column + 1);
    }
    if far(y, map.height) && row + 1 < map.height {
        cells.push((row + 1) * map.width + column);
    }
    cells
}
