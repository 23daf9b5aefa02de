//! Models of furniture: tables, chairs, beds, sofas and cabinets.

use super::classes::Class;
use super::material::Material;
use super::object::Model;
use super::palette;
use super::rng::Rng;
use super::vector::{Vec3, vec3};

/// Four legs below a plate that reaches from `-half` to `half` in x and from 0 to `depth` in z.
fn legs(model: &mut Model, size: Vec3, material: Material, rng: &mut Rng) {
    let (half, height, depth) = (size.x * 0.5, size.y, size.z);
    let thick = rng.range(0.02, 0.045);
    let inset = thick + rng.range(0.0, 0.06);
    let round = rng.chance(0.4);
    for x in [-half + inset, half - inset] {
        for z in [inset, depth - inset] {
            let foot = vec3(x, 0.0, z);
            if round {
                model.frustum(foot, height, (thick * 0.7, thick), material);
            } else {
                let r = vec3(thick, 0.0, thick);
                model.block(foot - r, foot + r + vec3(0.0, height, 0.0), material);
            }
        }
    }
}

/// A table of the given size (width, height, depth).
pub fn table(size: Vec3, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Table);
    let top = palette::furniture(rng);
    let frame = if rng.chance(0.5) { top } else { palette::metal(rng) };
    let (half, thick) = (size.x * 0.5, rng.range(0.025, 0.06));
    let under = size.y - thick;
    let centre = vec3(0.0, size.y, size.z * 0.5);
    if rng.chance(0.2) {
        let radius = half.min(size.z * 0.5);
        model.frustum(vec3(0.0, under, size.z * 0.5), thick, (radius, radius), top);
        model.frustum(vec3(0.0, 0.0, size.z * 0.5), under, (0.07, 0.05), frame);
        model.frustum(vec3(0.0, 0.0, size.z * 0.5), 0.03, (radius * 0.6, radius * 0.5), frame);
        model.support(centre, (radius * 0.7, radius * 0.7), 0.9);
        return model;
    }
    model.block(vec3(-half, under, 0.0), vec3(half, size.y, size.z), top);
    legs(&mut model, vec3(size.x, under, size.z), frame, rng);
    model.support(centre, (half * 0.9, size.z * 0.45), 0.9);
    model
}

/// A desk: a table that may have drawers on one side and a back panel.
pub fn desk(rng: &mut Rng) -> Model {
    let size = vec3(rng.range(1.0, 1.7), rng.range(0.7, 0.78), rng.range(0.55, 0.8));
    let mut model = table(size, rng);
    let body = palette::furniture(rng);
    let half = size.x * 0.5;
    if rng.chance(0.6) {
        let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
        let centre = side * (half - 0.24);
        model.block(vec3(centre - 0.2, 0.04, 0.06), vec3(centre + 0.2, size.y - 0.07, size.z - 0.08), body);
        drawer_lines(&mut model, (centre, 0.36), (0.06, size.y - 0.1), size.z - 0.08);
    }
    if rng.chance(0.4) {
        model.block(vec3(-half + 0.05, 0.3, 0.02), vec3(half - 0.05, size.y - 0.06, 0.05), body);
    }
    model
}

/// Dark grooves and handles of three drawers on a front at depth `z`.
fn drawer_lines(model: &mut Model, across: (f32, f32), up: (f32, f32), z: f32) {
    let handle = Material::plain(Vec3::splat(0.1)).glossy(0.6);
    let step = (up.1 - up.0) / 3.0;
    for row in 0..3 {
        let y = up.0 + step * (row as f32 + 0.7);
        model.block(
            vec3(across.0 - across.1 * 0.25, y, z),
            vec3(across.0 + across.1 * 0.25, y + 0.025, z + 0.025),
            handle,
        );
    }
}

/// A chair, a stool or an office chair; its front is where the knees go.
pub fn chair(office: bool, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Chair);
    let (width, seat) = (rng.range(0.38, 0.5), rng.range(0.42, 0.5));
    let half = width * 0.5;
    let frame = if office || rng.chance(0.35) { palette::metal(rng) } else { palette::furniture(rng) };
    let cover = if office || rng.chance(0.5) { palette::fabric(rng) } else { frame };
    let stool = !office && rng.chance(0.1);
    let thick = if office { 0.08 } else { rng.range(0.03, 0.07) };
    if stool {
        model.frustum(vec3(0.0, seat, half), thick, (half, half), cover);
    } else {
        model.block(vec3(-half, seat - thick, 0.0), vec3(half, seat, width), cover);
        backrest(&mut model, half, seat, (frame, cover), rng);
    }
    if office {
        model.frustum(vec3(0.0, 0.08, half), seat - 0.15, (0.03, 0.03), frame);
        model.frustum(vec3(0.0, 0.0, half), 0.1, (half * 1.1, 0.05), frame);
        for x in [-half - 0.03, half] {
            model.block(vec3(x, seat + 0.18, 0.1), vec3(x + 0.03, seat + 0.21, width * 0.75), frame);
        }
    } else {
        legs(&mut model, vec3(width, seat - thick, width), frame, rng);
    }
    model
}

fn backrest(model: &mut Model, half: f32, seat: f32, looks: (Material, Material), rng: &mut Rng) {
    let (frame, cover) = looks;
    let top = seat + rng.range(0.35, 0.6);
    if rng.chance(0.5) {
        model.block(vec3(-half, seat, 0.0), vec3(half, top, rng.range(0.03, 0.07)), cover);
        return;
    }
    for x in [-half, half - 0.035] {
        model.block(vec3(x, seat, 0.0), vec3(x + 0.035, top, 0.035), frame);
    }
    let bars = 2 + rng.below(2);
    for bar in 0..bars {
        let y = top - 0.09 - 0.14 * bar as f32;
        model.block(vec3(-half, y, 0.005), vec3(half, y + 0.07, 0.03), cover);
    }
}

/// A bed with its head against the wall.
pub fn bed(rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Bed);
    let width = rng.pick(&[0.9, 1.0, 1.4, 1.6, 1.8]);
    let (half, length) = (width * 0.5, rng.range(1.9, 2.1));
    let (frame, sheet, blanket) =
        (palette::furniture(rng), Material::plain(rng.colour(0.15, 0.8)).glossy(0.0), palette::fabric(rng));
    let base = rng.range(0.2, 0.35);
    let top = base + rng.range(0.15, 0.25);
    model.block(vec3(-half, 0.08, 0.0), vec3(half, base, length), frame);
    legs(&mut model, vec3(width, 0.08, length), frame, rng);
    model.block(vec3(-half + 0.02, base, 0.04), vec3(half - 0.02, top, length - 0.03), sheet);
    if rng.chance(0.8) {
        let head = top + rng.range(0.2, 0.7);
        model.block(vec3(-half - 0.02, 0.0, 0.0), vec3(half + 0.02, head, 0.05), frame);
    }
    if rng.chance(0.85) {
        let start = rng.range(0.55, 1.2);
        model.block(
            vec3(-half - 0.015, base - 0.08, start),
            vec3(half + 0.015, top + 0.05, length + 0.01),
            blanket,
        );
    }
    let pillow = if rng.chance(0.5) { sheet } else { blanket };
    let count = if width > 1.2 { 2 } else { 1 };
    for index in 0..count {
        let x = (index as f32 - 0.5 * (count - 1) as f32) * width * 0.47;
        model.ellipsoid(vec3(x, top + 0.06, 0.32), vec3(0.3, 0.09, 0.2), pillow);
    }
    model
}

/// A sofa, or an armchair where `seats` is one.
pub fn sofa(seats: usize, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Sofa);
    let cover = palette::fabric(rng);
    let arm = rng.range(0.1, 0.22);
    let half = 0.5 * seats as f32 * rng.range(0.58, 0.7) + arm;
    let (depth, seat) = (rng.range(0.75, 0.95), rng.range(0.36, 0.46));
    let (back, back_height) = (rng.range(0.16, 0.25), rng.range(0.7, 0.95));
    let foot = rng.range(0.03, 0.14);
    model.block(vec3(-half, foot, 0.0), vec3(half, seat - 0.12, depth - 0.02), cover);
    model.block(vec3(-half, foot, 0.0), vec3(half, back_height, back), cover);
    let arm_height = seat + rng.range(0.08, 0.22);
    for x in [-half, half - arm] {
        model.block(vec3(x, foot, 0.0), vec3(x + arm, arm_height, depth), cover);
        if arm > 0.16 {
            model.ellipsoid(
                vec3(x + arm * 0.5, arm_height, depth * 0.5),
                vec3(arm * 0.55, 0.06, depth * 0.5),
                cover,
            );
        }
    }
    let step = (2.0 * half - 2.0 * arm) / seats as f32;
    for index in 0..seats {
        let x = -half + arm + step * index as f32;
        model.block(vec3(x + 0.01, seat - 0.13, back), vec3(x + step - 0.01, seat, depth + 0.02), cover);
    }
    let cushion = palette::fabric(rng);
    for _ in 0..rng.below(seats + 1) {
        let x = rng.range(-half + arm + 0.2, half - arm - 0.18);
        model.ellipsoid(vec3(x, seat + 0.17, back + 0.1), vec3(0.2, 0.19, 0.09), cushion);
    }
    let wood = palette::furniture(rng);
    legs(&mut model, vec3(2.0 * half, foot, depth), wood, rng);
    model
}

/// A closed cabinet with doors or drawers, standing from height `lift` upwards.
pub fn cabinet(size: Vec3, lift: f32, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Cabinet);
    let body = palette::furniture(rng);
    let front = if rng.chance(0.6) { body } else { palette::furniture(rng) };
    let (half, top) = (size.x * 0.5, lift + size.y);
    let plinth = if lift > 0.0 { lift } else { rng.range(0.02, 0.1) };
    model.block(vec3(-half, plinth, 0.0), vec3(half, top, size.z - 0.02), body);
    if plinth < 0.05 {
        legs(&mut model, vec3(size.x, plinth, size.z), body, rng);
    }
    let doors = ((size.x / rng.range(0.4, 0.6)) as usize).max(1);
    let step = size.x / doors as f32;
    let handle = palette::metal(rng);
    for door in 0..doors {
        let x = -half + step * door as f32;
        model.block(
            vec3(x + 0.012, plinth + 0.03, size.z - 0.02),
            vec3(x + step - 0.012, top - 0.03, size.z),
            front,
        );
        if rng.chance(0.3) && size.y < 1.3 {
            let across = (x + step * 0.5, step * 0.8);
            drawer_lines(&mut model, across, (plinth, top - 0.03), size.z);
        } else {
            let y = plinth + (top - plinth) * 0.55;
            let grip = x + if door % 2 == 0 { step - 0.07 } else { 0.05 };
            model.block(vec3(grip, y, size.z), vec3(grip + 0.02, y + 0.15, size.z + 0.03), handle);
        }
    }
    if top < 1.4 {
        let centre = vec3(0.0, top, size.z * 0.5);
        model.support(centre, (half * 0.9, size.z * 0.4), 0.9);
    }
    model
}

/// An open shelf with boards.
pub fn shelf(size: Vec3, rng: &mut Rng) -> Model {
    let mut model = Model::new(Class::Cabinet);
    let board = palette::furniture(rng);
    let (half, thick) = (size.x * 0.5, 0.025);
    for x in [-half, half - thick] {
        model.block(vec3(x, 0.0, 0.0), vec3(x + thick, size.y, size.z), board);
    }
    if rng.chance(0.5) {
        model.block(vec3(-half, 0.0, 0.0), vec3(half, size.y, 0.015), board);
    }
    let boards = ((size.y / rng.range(0.3, 0.5)) as usize).max(2);
    let step = (size.y - 0.05) / boards as f32;
    for row in 0..=boards {
        let y = 0.03 + step * row as f32;
        model.block(vec3(-half + thick, y - thick, 0.0), vec3(half - thick, y, size.z), board);
        if row < boards {
            let centre = vec3(0.0, y, size.z * 0.5);
            model.support(centre, (half * 0.85, size.z * 0.3), step - 0.04);
        }
    }
    model
}
