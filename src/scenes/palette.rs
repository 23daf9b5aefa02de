//! Colours and surfaces that occur in rooms.

use super::material::{Material, Pattern};
use super::rng::Rng;
use super::vector::{Vec3, vec3};

/// Light and dark tone of a kind of wood.
fn wood_tones(rng: &mut Rng) -> (Vec3, Vec3) {
    let tones = [
        (vec3(0.55, 0.36, 0.20), vec3(0.38, 0.22, 0.11)),
        (vec3(0.30, 0.16, 0.08), vec3(0.17, 0.08, 0.04)),
        (vec3(0.72, 0.56, 0.38), vec3(0.56, 0.41, 0.25)),
        (vec3(0.46, 0.22, 0.12), vec3(0.30, 0.12, 0.06)),
        (vec3(0.44, 0.40, 0.35), vec3(0.29, 0.26, 0.22)),
    ];
    let (light, dark) = rng.pick(&tones);
    let gain = rng.range(0.8, 1.15);
    (light * gain, dark * gain)
}

/// Planks of wood.
pub fn wood(rng: &mut Rng) -> Material {
    let tones = wood_tones(rng);
    let period = rng.range(0.09, 0.22);
    let gloss = rng.range(0.02, 0.35);
    Material::patterned(Pattern::Wood, tones, period, rng).glossy(gloss)
}

/// Wood, lacquer or laminate, as furniture is made of.
pub fn furniture(rng: &mut Rng) -> Material {
    match rng.below(10) {
        0..=4 => wood(rng),
        5 | 6 => Material::plain(Vec3::splat(rng.range(0.6, 0.85))).glossy(0.25),
        7 => Material::plain(Vec3::splat(rng.range(0.04, 0.2))).glossy(0.4),
        8 => {
            let colour = rng.colour(0.6, 0.55);
            Material::plain(colour).glossy(0.2)
        }
        _ => {
            let colour = rng.colour(0.25, 0.6);
            let pair = (colour, colour * 0.7);
            Material::patterned(Pattern::Noise, pair, 0.15, rng)
        }
    }
}

/// Upholstery and bedding.
pub fn fabric(rng: &mut Rng) -> Material {
    let (saturation, value) = (rng.range(0.05, 0.75), rng.range(0.15, 0.75));
    let base = rng.colour(saturation, value);
    let accent = if rng.chance(0.5) { base * rng.range(0.45, 0.8) } else { rng.colour(0.5, 0.6) };
    let (pattern, period) = match rng.below(8) {
        0 => (Pattern::Stripes, rng.range(0.1, 0.3)),
        1 => (Pattern::Checks, rng.range(0.12, 0.35)),
        2 => (Pattern::Dots, rng.range(0.1, 0.25)),
        3 | 4 => (Pattern::Noise, rng.range(0.05, 0.4)),
        _ => (Pattern::Plain, 1.0),
    };
    Material::patterned(pattern, (base, accent), period, rng).glossy(0.0)
}

/// Metal, dark or bright.
pub fn metal(rng: &mut Rng) -> Material {
    let tone = rng.pick(&[0.08, 0.25, 0.5, 0.65]);
    Material::plain(vec3(tone, tone, tone * 1.03)).glossy(0.8)
}

/// Paint or wallpaper.
pub fn wall(rng: &mut Rng) -> Material {
    let saturation = if rng.chance(0.25) { rng.range(0.25, 0.6) } else { rng.range(0.0, 0.2) };
    let value = rng.range(0.45, 0.88);
    let base = rng.colour(saturation, value);
    let accent = base * rng.range(0.65, 0.92);
    let (pattern, period) = match rng.below(12) {
        0 => (Pattern::Stripes, rng.range(0.12, 0.5)),
        1 => (Pattern::Checks, rng.range(0.2, 0.5)),
        2 => (Pattern::Dots, rng.range(0.2, 0.4)),
        3 | 4 => (Pattern::Noise, rng.range(0.3, 1.5)),
        5 => (Pattern::Tiles, rng.range(0.15, 0.45)),
        6 => {
            let clay = vec3(0.5, 0.24, 0.15) * rng.range(0.7, 1.2);
            let brick = if rng.chance(0.5) { clay } else { base };
            let pair = (brick, Vec3::splat(0.55));
            return Material::patterned(Pattern::Bricks, pair, 0.3, rng).glossy(0.0);
        }
        _ => (Pattern::Plain, 1.0),
    };
    Material::patterned(pattern, (base, accent), period, rng).glossy(0.02)
}

/// Planks, tiles, carpet or concrete.
pub fn floor(rng: &mut Rng) -> Material {
    match rng.below(10) {
        0..=4 => wood(rng),
        5 | 6 => {
            let saturation = rng.range(0.0, 0.3);
            let base = rng.colour(saturation, 0.65);
            let pair = (base, base * rng.range(0.4, 0.8));
            let pattern = rng.pick(&[Pattern::Tiles, Pattern::Checks]);
            let period = rng.range(0.3, 0.8);
            Material::patterned(pattern, pair, period, rng).glossy(0.45)
        }
        7 => {
            let pair = (Vec3::splat(0.45), Vec3::splat(0.32));
            Material::patterned(Pattern::Noise, pair, 0.8, rng).glossy(0.1)
        }
        _ => {
            let (saturation, value) = (rng.range(0.1, 0.5), rng.range(0.2, 0.55));
            let base = rng.colour(saturation, value);
            let pair = (base, base * 0.75);
            Material::patterned(Pattern::Noise, pair, 0.06, rng).glossy(0.0)
        }
    }
}

/// Mostly white paint.
pub fn ceiling(rng: &mut Rng) -> Material {
    let base = rng.colour(0.06, 0.85) * rng.range(0.75, 1.05);
    if rng.chance(0.12) {
        return wood(rng);
    }
    if rng.chance(0.15) {
        let pair = (base, base * 0.75);
        return Material::patterned(Pattern::Tiles, pair, 0.6, rng).glossy(0.0);
    }
    Material::plain(base).glossy(0.0)
}

/// Leaves.
pub fn leaf(rng: &mut Rng) -> Material {
    let green = vec3(rng.range(0.05, 0.25), rng.range(0.22, 0.5), rng.range(0.03, 0.15));
    Material::patterned(Pattern::Noise, (green, green * 0.5), 0.08, rng).glossy(0.15)
}

/// The light of bulbs, from warm to cold.
pub fn light_tint(rng: &mut Rng) -> Vec3 {
    vec3(1.0, 0.72, 0.42).lerp(vec3(0.88, 0.95, 1.0), rng.unit())
}
