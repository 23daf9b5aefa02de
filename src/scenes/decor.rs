//! Models of what hangs on walls, gives light or stands about.

use super::classes::Class;
use super::material::{Material, Pattern};
use super::object::Model;
use super::palette;
use super::rng::Rng;
use super::vector::{Vec3, vec3};

/// A window of the given width from height `low` to `high`; `glow` is the brightness outside.
pub fn window(width: f32, low: f32, high: f32, glow: f32, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Window);
    let half = width * 0.5;
    let sky = vec3(0.35, 0.55, 0.9).lerp(vec3(0.75, 0.78, 0.8), rng.unit());
    let land = vec3(rng.range(0.08, 0.35), rng.range(0.2, 0.4), rng.range(0.05, 0.25));
    let view = Material::patterned(Pattern::View, (sky, land), 0.7, rng).glowing(glow);
    model.block(vec3(-half, low, 0.0), vec3(half, high, 0.01), Material { glass: true, ..view });
    let frame =
        if rng.chance(0.7) { Material::plain(Vec3::splat(0.8)).glossy(0.2) } else { palette::wood(rng) };
    let (bar, out) = (rng.range(0.04, 0.08), 0.05);
    for y in [low - bar, high] {
        model.block(vec3(-half - bar, y, 0.0), vec3(half + bar, y + bar, out), frame);
    }
    for x in [-half - bar, half] {
        model.block(vec3(x, low, 0.0), vec3(x + bar, high, out), frame);
    }
    if rng.chance(0.7) {
        model.block(vec3(-bar * 0.4, low, 0.0), vec3(bar * 0.4, high, 0.03), frame);
    }
    if rng.chance(0.4) {
        let y = low + (high - low) * 0.6;
        model.block(vec3(-half, y, 0.0), vec3(half, y + bar * 0.7, 0.03), frame);
    }
    model
}

/// A framed picture whose centre hangs at `height`.
pub fn picture(height: f32, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Picture);
    let (half, rise) = (rng.range(0.18, 0.6), rng.range(0.18, 0.45));
    let (border, out) = (rng.range(0.02, 0.06), rng.range(0.02, 0.04));
    let frame = palette::furniture(rng);
    let colours = (rng.colour(0.5, 0.6), rng.colour(0.8, 0.7));
    let period = rng.range(0.1, 0.4);
    let art = Material::patterned(Pattern::Art, colours, period, rng).glossy(0.1);
    let centre = vec3(0.0, height, 0.0);
    let extent = vec3(half, rise, 0.0);
    model.block(centre - extent, centre + extent + vec3(0.0, 0.0, out), frame);
    let inner = extent - vec3(border, border, 0.0);
    model.block(centre - inner, centre + inner + vec3(0.0, 0.0, out + 0.006), art);
    model
}

/// A door; its pixels carry no label.
pub fn door(rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Unlabelled);
    let leaf = palette::furniture(rng);
    let frame = palette::furniture(rng);
    let (half, top) = (rng.range(0.38, 0.48), rng.range(1.95, 2.1));
    model.block(vec3(-half, 0.0, 0.0), vec3(half, top, 0.03), leaf);
    for x in [-half - 0.07, half] {
        model.block(vec3(x, 0.0, 0.0), vec3(x + 0.07, top + 0.07, 0.05), frame);
    }
    model.block(vec3(-half, top, 0.0), vec3(half, top + 0.07, 0.05), frame);
    let metal = palette::metal(rng);
    model.ellipsoid(vec3(half - 0.08, 1.0, 0.07), Vec3::splat(0.035), metal);
    model
}

/// A wall panel from floor to ceiling: makes the room other than a plain box.
pub fn partition(size: Vec3, wall: Material) -> Model {
    let mut model = Model::new(Class::Wall);
    let half = size.x * 0.5;
    model.block(vec3(-half, 0.0, 0.0), vec3(half, size.y, size.z), wall);
    model
}

/// A lamp hanging from a ceiling at height `ceiling`, with the height of its bulb.
pub fn pendant(ceiling: f32, tint: Vec3, rng: &mut Rng) -> (Model, f32) {
    let mut model = Model::new(Class::Lamp);
    let drop = rng.range(0.15, 0.8);
    let (metal, shade) = (palette::metal(rng), lit_shade(tint, rng));
    let radius = rng.range(0.12, 0.28);
    let y = ceiling - drop;
    model.frustum(vec3(0.0, y, 0.0), drop, (0.012, 0.012), metal);
    model.frustum(vec3(0.0, ceiling - 0.03, 0.0), 0.03, (0.05, 0.05), metal);
    match rng.below(3) {
        0 => model.ellipsoid(vec3(0.0, y, 0.0), Vec3::splat(radius), shade),
        1 => {
            let height = radius * 1.1;
            let base = vec3(0.0, y - height * 0.5, 0.0);
            model.frustum(base, height, (radius, radius * 0.5), shade);
        }
        _ => {
            let base = vec3(0.0, y - 0.08, 0.0);
            model.frustum(base, 0.16, (radius * 1.2, radius * 1.2), shade);
        }
    }
    (model, y)
}

/// A flat light under a ceiling at height `ceiling`.
pub fn panel_light(ceiling: f32, tint: Vec3, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Lamp);
    let (x, z) = (rng.range(0.2, 0.6), rng.range(0.08, 0.3));
    let shade = lit_shade(tint, rng);
    model.block(vec3(-x, ceiling - 0.05, -z), vec3(x, ceiling - 0.005, z), shade);
    model
}

/// A lamp on a foot, with the height of its bulb.
pub fn standing_lamp(height: f32, tint: Vec3, rng: &mut Rng) -> (Model, f32) {
    let mut model = Model::new(Class::Lamp);
    let (metal, shade) = (palette::metal(rng), lit_shade(tint, rng));
    let radius = (height * rng.range(0.1, 0.16)).max(0.08);
    let foot = radius * 0.9;
    model.frustum(vec3(0.0, 0.0, radius), 0.025, (foot, foot), metal);
    model.frustum(vec3(0.0, 0.0, radius), height * 0.8, (0.014, 0.014), metal);
    let rise = radius * rng.range(1.2, 1.7);
    let top = radius * rng.range(0.5, 1.0);
    let base = vec3(0.0, height - rise, radius);
    model.frustum(base, rise, (radius, top), shade);
    (model, height - rise * 0.4)
}

/// A lamp shade; a black `tint` is a lamp that is switched off.
fn lit_shade(tint: Vec3, rng: &mut Rng) -> Material {
    if tint.luminance() > 0.0 {
        return Material::plain(tint).glowing(rng.range(1.6, 3.2));
    }
    let saturation = rng.range(0.0, 0.4);
    Material::plain(rng.colour(saturation, 0.7)).glossy(0.1)
}

/// A plant in a pot.
pub fn plant(height: f32, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Plant);
    let leaf = palette::leaf(rng);
    let colour = if rng.chance(0.4) {
        vec3(0.5, 0.23, 0.13)
    } else {
        let saturation = rng.range(0.0, 0.6);
        rng.colour(saturation, 0.55)
    };
    let radius = height * rng.range(0.12, 0.2);
    let pot = height * rng.range(0.2, 0.32);
    let middle = height * 0.35;
    let at = |x: f32, y: f32, z: f32| vec3(x, y, z + middle);
    model.frustum(at(0.0, 0.0, 0.0), pot, (radius * 0.75, radius), Material::plain(colour).glossy(0.2));
    let stem = Material::plain(vec3(0.2, 0.14, 0.06));
    model.frustum(at(0.0, pot, 0.0), height * 0.4, (0.02, 0.01), stem);
    let bushy = rng.chance(0.5);
    for _ in 0..6 + rng.below(6) {
        let spread = rng.in_ball();
        let centre = at(
            spread.x * height * 0.24,
            pot + (height - pot) * (0.5 + 0.38 * spread.y),
            spread.z * height * 0.24,
        );
        let size = height * rng.range(0.08, 0.14);
        let radii = if bushy {
            vec3(size, size * rng.range(0.7, 1.1), size)
        } else {
            vec3(size * 0.35, size * 1.5, size * 0.5)
        };
        model.ellipsoid(centre, radii, leaf);
    }
    model
}

/// A cardboard box or a crate.
pub fn carton(size: Vec3, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Box);
    let card = vec3(0.5, 0.36, 0.2) * rng.range(0.7, 1.3);
    let material = match rng.below(5) {
        0 => palette::wood(rng),
        1 => {
            let pair = (rng.colour(0.7, 0.6), Vec3::splat(0.7));
            let period = rng.range(0.1, 0.3);
            Material::patterned(Pattern::Stripes, pair, period, rng)
        }
        _ => Material::patterned(Pattern::Noise, (card, card * 0.85), 0.3, rng),
    };
    let half = size.x * 0.5;
    model.block(vec3(-half, 0.0, 0.0), vec3(half, size.y, size.z), material);
    if rng.chance(0.6) {
        let tape = Material::plain(material.base.lerp(Vec3::splat(0.8), 0.5)).glossy(0.4);
        let middle = size.z * 0.5;
        model.block(
            vec3(-half - 0.003, size.y * 0.55, middle - 0.03),
            vec3(half + 0.003, size.y + 0.004, middle + 0.03),
            tape,
        );
    }
    let top = vec3(0.0, size.y, size.z * 0.5);
    model.support(top, (half * 0.6, size.z * 0.3), 0.9);
    model
}

/// A screen, a row of books or a vase: small things that carry no label.
pub fn clutter(rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Unlabelled);
    if rng.chance(0.4) {
        let mut x = -0.15;
        while x < 0.12 {
            let (width, rise) = (rng.range(0.02, 0.05), rng.range(0.15, 0.25));
            let cover = Material::plain(rng.colour(0.6, 0.5));
            model.block(vec3(x, 0.0, 0.02), vec3(x + width, rise, 0.17), cover);
            x += width + 0.003;
        }
        return model;
    }
    let glaze = Material::plain(rng.colour(0.6, 0.6)).glossy(0.7);
    let radius = rng.range(0.035, 0.08);
    let rise = rng.range(0.08, 0.25);
    let radii = (radius, radius * rng.range(0.6, 1.2));
    model.frustum(vec3(0.0, 0.0, radius), rise, radii, glaze);
    model
}

/// A flat screen on a foot.
pub fn screen(width: f32, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Unlabelled);
    let (half, rise) = (width * 0.5, width * 0.6);
    let black = Material::plain(Vec3::splat(0.03)).glossy(0.7);
    model.block(vec3(-half, 0.08, 0.1), vec3(half, 0.08 + rise, 0.13), black);
    model.block(vec3(-0.04, 0.0, 0.09), vec3(0.04, 0.1, 0.12), black);
    model.block(vec3(-0.13, 0.0, 0.04), vec3(0.13, 0.015, 0.2), black);
    if rng.chance(0.6) {
        let pair = (rng.colour(0.6, 0.6), Vec3::splat(0.7));
        let picture = Material::patterned(Pattern::Art, pair, 0.15, rng).glowing(0.7);
        model.block(vec3(-half + 0.015, 0.095, 0.1), vec3(half - 0.015, 0.065 + rise, 0.133), picture);
    }
    model
}

/// A rug, labelled as floor.
pub fn rug(rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Floor);
    let cover = palette::fabric(rng);
    let (half, depth) = (rng.range(0.5, 1.3), rng.range(0.9, 2.0));
    if rng.chance(0.25) {
        let middle = vec3(0.0, 0.0, half);
        model.frustum(middle, 0.012, (half, half), cover);
    } else {
        model.block(vec3(-half, 0.0, 0.0), vec3(half, 0.012, depth), cover);
    }
    model
}
