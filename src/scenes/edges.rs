//! Occlusion boundaries.

use super::camera::{HEIGHT, WIDTH};
use super::picture::pixels;
use super::scene::Hit;
use super::shape::Ray;

const SMALLEST_GROUP: usize = 8;

/// Marks both pixels wherever neighbours lie on surfaces that do not continue each other.
pub fn occlusion_boundaries(rays: &[Ray], hits: &[Hit]) -> Vec<u8> {
    let mut edges = vec![0; hits.len()];
    for (column, row) in pixels() {
        let here = row * WIDTH + column;
        let right = (column + 1 < WIDTH).then_some(here + 1);
        let below = (row + 1 < HEIGHT).then_some(here + WIDTH);
        for there in [right, below].into_iter().flatten() {
            if is_jump((&rays[here], &hits[here]), (&rays[there], &hits[there])) {
                edges[here] = 255;
                edges[there] = 255;
            }
        }
    }
    remove_specks(&mut edges);
    edges
}

/// Clears connected groups of few pixels: a gap of a few centimetres, at the limit of what counts
/// as a jump, would otherwise leave a dotted line.
fn remove_specks(edges: &mut [u8]) {
    let mut seen = vec![false; edges.len()];
    for start in 0..edges.len() {
        if edges[start] == 0 || seen[start] {
            continue;
        }
        seen[start] = true;
        let mut group = vec![start];
        let mut next = 0;
        while let Some(&pixel) = group.get(next) {
            next += 1;
            for neighbour in neighbours(pixel) {
                if edges[neighbour] != 0 && !seen[neighbour] {
                    seen[neighbour] = true;
                    group.push(neighbour);
                }
            }
        }
        if group.len() < SMALLEST_GROUP {
            for pixel in group {
                edges[pixel] = 0;
            }
        }
    }
}

/// The up to eight pixels around one.
fn neighbours(pixel: usize) -> impl Iterator<Item = usize> {
    let (column, row) = (pixel % WIDTH, pixel / WIDTH);
    let rows = row.saturating_sub(1)..(row + 2).min(HEIGHT);
    let columns = column.saturating_sub(1)..(column + 2).min(WIDTH);
    rows.flat_map(move |r| columns.clone().map(move |c| r * WIDTH + c)).filter(move |&other| other != pixel)
}

/// Whether one of two neighbouring points lies in front of the other one's surface and the other
/// behind its own, both by more than a crease or a curve can explain.
fn is_jump(a: (&Ray, &Hit), b: (&Ray, &Hit)) -> bool {
    let beyond = |from: (&Ray, &Hit), to: (&Ray, &Hit)| {
        let normal = from.1.surface.normal;
        let point = from.0.at(from.1.surface.t);
        let steepness = normal.dot(to.0.direction);
        let expected = normal.dot(point - to.0.origin) / steepness;
        let meets = steepness.abs() > 1e-3 && expected > 0.0;
        meets.then_some(to.1.surface.t - expected)
    };
    let limit = 0.04 + 0.02 * a.1.surface.t.min(b.1.surface.t);
    match (beyond(a, b), beyond(b, a)) {
        (Some(there), Some(here)) => there.abs().min(here.abs()) > limit && (there > 0.0) != (here > 0.0),
        // A ray past the horizon of the other surface never meets it.
        (Some(gap), None) | (None, Some(gap)) => gap.abs() > limit,
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specks_go_and_lines_stay() {
        let mut edges = vec![0; WIDTH * HEIGHT];
        edges[..20].fill(255);
        edges[40 * WIDTH + 7] = 255;
        edges[WIDTH * HEIGHT - 3..].fill(255);
        remove_specks(&mut edges);
        assert!(edges[..20].iter().all(|&edge| edge == 255));
        assert!(edges[20..].iter().all(|&edge| edge == 0));
    }
}
