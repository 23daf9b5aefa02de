//! Pinhole cameras and where to put them.

use super::rng::Rng;
use super::scene::{Hit, Scene, Target};
use super::shape::Ray;
use super::vector::{Vec3, vec3};

/// Pixels across the picture.
pub const WIDTH: usize = 128;
/// Pixels down the picture.
pub const HEIGHT: usize = 96;

const CANDIDATES: usize = 6;
const CLEARANCE: f32 = 0.3;

/// A pinhole camera.
#[derive(Clone, Copy)]
pub struct Camera {
    /// Centre of projection.
    pub position: Vec3,
    /// Unit vector to the right of the picture.
    pub right: Vec3,
    /// Unit vector to the top of the picture.
    pub up: Vec3,
    /// Unit vector along the optical axis.
    pub forward: Vec3,
    /// Focal length in pixels.
    pub focal: f32,
}

impl Camera {
    /// A camera at `position` that looks at `target`, rolled by `roll` (a small tangent).
    pub fn looking_at(position: Vec3, target: Vec3, roll: f32, focal: f32) -> Self {
        let forward = (target - position).unit();
        let level = forward.cross(vec3(0.0, 1.0, 0.0)).unit();
        let upright = level.cross(forward);
        let right = (level + upright * roll).unit();
        Self { position, right, up: right.cross(forward), forward, focal }
    }

    /// The ray through a point of the picture; pixel centres lie at halves.
    pub fn ray(&self, column: f32, row: f32) -> Ray {
        let x = column - 0.5 * WIDTH as f32;
        let y = 0.5 * HEIGHT as f32 - row;
        let direction = self.forward * self.focal + self.right * x + self.up * y;
        Ray::new(self.position, direction.unit())
    }

    /// A direction of the room as (right, up, towards the viewer).
    pub fn to_camera(self, v: Vec3) -> Vec3 {
        vec3(v.dot(self.right), v.dot(self.up), -v.dot(self.forward))
    }

    /// Depth along the optical axis of a point.
    pub fn depth(&self, point: Vec3) -> f32 {
        (point - self.position).dot(self.forward)
    }

    /// The candidate that sees most of the room.
    pub fn choose(scene: &Scene, rng: &mut Rng) -> Self {
        let mut best = Self::random(scene, rng);
        let mut best_score = best.score(scene);
        for _ in 1..CANDIDATES {
            let camera = Self::random(scene, rng);
            let score = camera.score(scene);
            if score > best_score {
                (best, best_score) = (camera, score);
            }
        }
        best
    }

    fn random(scene: &Scene, rng: &mut Rng) -> Self {
        let size = scene.shell.size;
        let mut position = Vec3::default();
        for _ in 0..20 {
            position = vec3(
                near_the_edge(size.x, rng),
                rng.range(1.0, (size.y - 0.4).min(2.1)),
                near_the_edge(size.z, rng),
            );
            let clear = |bounds: &super::shape::Aabb| !bounds.grown(CLEARANCE).contains(position);
            if scene.objects.iter().all(|object| clear(&object.bounds)) {
                break;
            }
        }
        let target =
            vec3(size.x * rng.range(0.25, 0.75), rng.range(0.3, 1.35), size.z * rng.range(0.25, 0.75));
        // A target straight below would leave the horizon undefined.
        let away = target + vec3(0.011, 0.0, 0.007);
        let focal = WIDTH as f32 * rng.range(0.55, 0.95);
        Self::looking_at(position, away, 0.03 * rng.normal(), focal)
    }

    /// Number of different objects on a coarse grid; views that are too close score less.
    fn score(&self, scene: &Scene) -> f32 {
        let mut seen = vec![false; scene.objects.len()];
        let (mut near, mut total) = (0, 0.0);
        for row in 0..9 {
            for column in 0..12 {
                let ray = self.ray(column as f32 * 10.5 + 6.0, row as f32 * 10.5 + 6.0);
                let Hit { surface, target } = scene.trace(&ray);
                if let Target::Object { object, .. } = target {
                    seen[object] = true;
                }
                near += usize::from(surface.t < 0.7);
                total += surface.t.min(4.0);
            }
        }
        let count = seen.iter().filter(|&&object| object).count();
        count.min(9) as f32 + total / 108.0 - 0.4 * near as f32
    }
}

fn near_the_edge(length: f32, rng: &mut Rng) -> f32 {
    let offset = rng.range(0.2, 0.4 * length);
    if rng.chance(0.5) { offset } else { length - offset }
}
