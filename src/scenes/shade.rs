//! Light: what a camera ray sees, and how the sensor records it.

use super::camera::Camera;
use super::rng::Rng;
use super::scene::{Hit, Light, Scene};
use super::shape::{Ray, T_MIN};
use super::vector::{Vec3, vec3};
use std::sync::LazyLock;

const AMBIENT_REACH: f32 = 0.9;

/// Radiance that comes back along a ray from its hit; `quarter` stratifies the lights.
fn radiance(scene: &Scene, view: (&Ray, &Hit), quarter: usize, rng: &mut Rng) -> Vec3 {
    let (ray, hit) = view;
    let normal = hit.surface.normal;
    let point = ray.at(hit.surface.t);
    let material = scene.material(hit.target);
    let albedo = scene.albedo(hit.target, point, normal);
    if material.glow > 0.0 {
        // Emitters darken a little towards their outline, so that round ones look round.
        let facing = normal.dot(ray.direction).abs();
        return albedo * material.glow * (0.7 + 0.3 * facing);
    }
    let start = point + normal * T_MIN;
    let mut light = scene.ambient * ambient_share(scene, start, normal, rng);
    let mut shine = Vec3::default();
    for source in &scene.lights {
        let goal = source.sample(quarter, rng);
        let Some((direction, arriving)) = arriving(scene, source, start, goal) else {
            continue;
        };
        let cosine = normal.dot(direction);
        if cosine <= 0.0 {
            continue;
        }
        light = light + arriving * cosine;
        let half = (direction - ray.direction).unit();
        let lobe = sixteenth_power(half.dot(normal).max(0.0));
        shine = shine + arriving * (cosine * material.gloss * lobe * lobe);
    }
    albedo * light + shine
}

/// Direction to a point of a light and the light that arrives from it, unless shadowed.
fn arriving(scene: &Scene, source: &Light, start: Vec3, goal: Vec3) -> Option<(Vec3, Vec3)> {
    let offset = goal - start;
    let squared = offset.dot(offset);
    let distance = squared.sqrt();
    let direction = offset * (1.0 / distance);
    let emitted = match source.facing {
        Some(facing) => (-facing.dot(direction)).max(0.0),
        None => 1.0,
    };
    if emitted <= 0.0 {
        return None;
    }
    let shadow = Ray::new(start, direction);
    if scene.is_occluded(&shadow, distance - 0.02) {
        return None;
    }
    Some((direction, source.colour * (emitted / (squared + 0.3))))
}

/// Share of the ambient light that reaches a point: less in corners and under things.
fn ambient_share(scene: &Scene, start: Vec3, normal: Vec3, rng: &mut Rng) -> f32 {
    let direction = (normal * 1.001 + rng.in_ball()).unit();
    let blocked = scene.is_occluded(&Ray::new(start, direction), AMBIENT_REACH);
    let open = if blocked { 0.55 } else { 1.0 };
    let size = scene.shell.size;
    let corner = |at: f32, length: f32, facing: f32| {
        let nearest = at.min(length - at) / AMBIENT_REACH;
        let darkening = 0.35 * (1.0 - nearest.clamp(0.0, 1.0));
        1.0 - darkening * (1.0 - facing.abs())
    };
    let corners = corner(start.x, size.x, normal.x)
        * corner(start.y, size.y, normal.y)
        * corner(start.z, size.z, normal.z);
    open * corners * (0.85 + 0.15 * normal.y)
}

fn sixteenth_power(value: f32) -> f32 {
    let second = value * value;
    let fourth = second * second;
    let eighth = fourth * fourth;
    eighth * eighth
}

/// Exposure, white balance, vignette and noise of one shot.
pub struct Sensor {
    gain: Vec3,
    vignette: f32,
    noise: (f32, f32),
}

impl Sensor {
    /// A sensor exposed for a picture whose mean luminance is `mean`.
    pub fn exposed(mean: f32, rng: &mut Rng) -> Self {
        let stops = rng.normal().clamp(-1.6, 1.6) * 0.45;
        let balance = vec3(1.0 + 0.05 * rng.normal(), 1.0, 1.0 + 0.06 * rng.normal());
        let level = rng.range(0.0, 1.0);
        Self {
            gain: balance * (0.24 * libm::exp2f(stops) / mean.max(1e-4)),
            vignette: rng.range(0.0, 0.35),
            noise: (0.002 + 0.008 * level, 0.006 + 0.022 * level),
        }
    }

    /// The eight-bit value of a pixel at (`x`, `y`), both from -1 to 1.
    pub fn record(&self, light: Vec3, at: (f32, f32), rng: &mut Rng) -> [u8; 3] {
        let dim = 1.0 - self.vignette * 0.5 * (at.0 * at.0 + at.1 * at.1);
        let exposed = light * self.gain * dim;
        let mut develop = |value: f32| {
            let noisy = value + rng.normal() * (self.noise.0 + self.noise.1 * value.sqrt());
            let bounded = noisy.max(0.0);
            let toned = bounded * (1.0 + bounded * 0.16) / (1.0 + bounded * 0.8);
            code(toned.min(1.0))
        };
        [develop(exposed.x), develop(exposed.y), develop(exposed.z)]
    }
}

/// The eight-bit code of a linear value from 0 to 1.
fn code(linear: f32) -> u8 {
    // From which values on each code counts, and the code of every 1024th.
    static CODES: LazyLock<([f32; 256], [u8; 1025])> = LazyLock::new(|| {
        let first = std::array::from_fn(|code| first_of(code as u8));
        (first, std::array::from_fn(|at| encoded(at as f32 / 1024.0)))
    });
    let (first, coarse) = &*CODES;
    let mut code = coarse[(linear * 1024.0) as usize];
    while code < u8::MAX && linear >= first[usize::from(code) + 1] {
        code += 1;
    }
    code
}

/// The exponent of 1 / 2.2, in eight bits.
fn encoded(linear: f32) -> u8 {
    (libm::powf(linear, 1.0 / 2.2) * 255.0 + 0.5) as u8
}

/// The least value that has at least this code: numbers from 0 to 1 are in the order of their bits.
fn first_of(code: u8) -> f32 {
    let (mut low, mut high) = (0, 1.0f32.to_bits());
    while low < high {
        let middle = low.midpoint(high);
        if encoded(f32::from_bits(middle)) < code {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    f32::from_bits(low)
}

/// Mean light that surfaces throw back at each other, from the lights and the shell.
pub fn ambient(scene: &Scene) -> Vec3 {
    let shell = &scene.shell;
    let size = shell.size;
    let area = size.x * size.z * 2.0 + (size.x + size.z) * size.y * 2.0;
    let paint = (shell.walls[0].base + shell.walls[2].base + shell.floor.base + shell.ceiling.base) * 0.25;
    let total = scene.lights.iter().fold(Vec3::default(), |sum, light| {
        let spread = if light.facing.is_some() { 3.1 } else { 12.6 };
        sum + light.colour * spread
    });
    total * paint * (0.9 / area) + Vec3::splat(0.03)
}

/// Offsets of the four colour samples from the pixel's corner.
const SAMPLES: [(f32, f32); 4] = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];

/// Mean radiance of one pixel.
pub fn pixel(scene: &Scene, camera: &Camera, at: (usize, usize), rng: &mut Rng) -> Vec3 {
    let mut sum = Vec3::default();
    let turn = rng.below(SAMPLES.len());
    for (sample, (dx, dy)) in SAMPLES.into_iter().enumerate() {
        let ray = camera.ray(at.0 as f32 + dx, at.1 as f32 + dy);
        let hit = scene.trace(&ray);
        let quarter = (sample + turn) % SAMPLES.len();
        sum = sum + radiance(scene, (&ray, &hit), quarter, rng);
    }
    sum * (1.0 / SAMPLES.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::{code, encoded};

    #[test]
    fn codes_are_those_of_the_exponent() {
        let all = (0..=1 << 20).map(|at| at as f32 / (1 << 20) as f32);
        // Codes change often near black.
        let dark = (0..1 << 16).map(|at| f32::from_bits(at << 14)).filter(|value| *value < 1.0);
        for value in all.chain(dark) {
            assert_eq!(code(value), encoded(value), "{value}");
        }
        assert_eq!((code(0.0), code(1.0)), (0, 255));
    }
}
