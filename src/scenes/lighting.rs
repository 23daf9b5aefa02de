//! Windows, lamps and how bright they are.

use super::decor;
use super::layout::Layout;
use super::palette;
use super::scene::Light;
use super::vector::{Vec3, vec3};

/// Windows on the walls; by day each one lights the room.
pub fn windows(layout: &mut Layout) {
    let day = layout.rng.chance(0.7);
    let glow = if day { layout.rng.range(2.0, 7.0) } else { layout.rng.range(0.05, 0.3) };
    let daylight = vec3(1.0, 0.88, 0.7).lerp(vec3(0.75, 0.88, 1.0), layout.rng.unit());
    let top = layout.size().y;
    for likely in [0.7, 0.4] {
        if !layout.rng.chance(likely) {
            continue;
        }
        let width = layout.rng.range(0.6, 1.9);
        let low = layout.rng.range(0.75, 1.05);
        let high = layout.rng.range(1.7, 2.15).min(top - 0.12);
        let model = decor::window(width, low, high, glow, layout.rng);
        let Some(index) = layout.on_wall(model) else {
            continue;
        };
        let pose = layout.scene.objects[index].pose;
        let area = width * (high - low);
        let across = pose.turn(vec3(width * 0.45, 0.0, 0.0));
        let up = vec3(0.0, (high - low) * 0.45, 0.0);
        layout.scene.lights.push(Light {
            position: pose.to_room(vec3(0.0, (low + high) * 0.5, 0.06)),
            half: (across, up),
            colour: daylight * (glow * area * 1.1),
            facing: Some(pose.turn(vec3(0.0, 0.0, 1.0))),
        });
    }
}

/// Lights under the ceiling, on or off; at least one light is on in every room.
pub fn ceiling_lights(layout: &mut Layout) {
    let size = layout.size();
    let tint = palette::light_tint(layout.rng);
    let bright = layout.scene.lights.iter().map(|l| l.colour.luminance());
    let dark = bright.sum::<f32>() < 1.0;
    let on = dark || layout.rng.chance(0.5);
    let count = if layout.rng.chance(0.25) { 2 } else { 1 };
    if !dark && layout.rng.chance(0.2) {
        return;
    }
    let flat = layout.rng.chance(0.4);
    let shown = if on { tint } else { Vec3::default() };
    let power = layout.rng.range(4.0, 12.0) / count as f32;
    for index in 0..count {
        let share = (index as f32 + 0.5) / count as f32;
        let spot = vec3(
            size.x * (0.5 + layout.rng.range(-0.15, 0.15)),
            0.0,
            size.z * (share + layout.rng.range(-0.1, 0.1)),
        );
        let pose = super::object::Pose::quarter(spot, layout.rng.below(2));
        let (model, height) = if flat {
            let model = decor::panel_light(size.y, shown, layout.rng);
            (model, size.y - 0.08)
        } else {
            decor::pendant(size.y, shown, layout.rng)
        };
        if layout.try_at(model, pose, None).is_some() && on {
            let position = spot + vec3(0.0, height, 0.0);
            layout.bulb(position, 0.12, tint * power);
        }
    }
    if layout.scene.lights.is_empty() {
        let position = vec3(size.x * 0.5, size.y - 0.3, size.z * 0.5);
        layout.bulb(position, 0.2, tint * power);
    }
}

/// A lamp that stands on the floor.
pub fn floor_lamp(layout: &mut Layout) {
    let height = layout.rng.range(1.25, 1.8);
    let power = layout.rng.range(1.0, 4.0);
    let tint = switched_tint(layout);
    let (model, bulb) = decor::standing_lamp(height, tint, layout.rng);
    let placed = layout.against_wall(model);
    light_up(layout, placed, (bulb, height * 0.1), tint * power);
}

/// A lamp that stands on a table.
pub fn table_lamp(layout: &mut Layout, stand: usize) {
    let height = layout.rng.range(0.3, 0.55);
    let power = layout.rng.range(0.3, 1.5);
    let tint = switched_tint(layout);
    let (model, bulb) = decor::standing_lamp(height, tint, layout.rng);
    let placed = layout.upon(model, stand);
    light_up(layout, placed, (bulb, 0.08), tint * power);
}

/// The tint of a lamp, black where it is off. Every light costs a shadow ray for each sample.
fn switched_tint(layout: &mut Layout) -> Vec3 {
    let tint = palette::light_tint(layout.rng);
    if layout.rng.chance(0.6) && layout.scene.lights.len() < 3 { tint } else { Vec3::default() }
}

fn light_up(layout: &mut Layout, lamp: Option<usize>, bulb: (f32, f32), colour: Vec3) {
    if let Some(index) = lamp
        && colour.luminance() > 0.0
    {
        let pose = layout.scene.objects[index].pose;
        let position = pose.to_room(vec3(0.0, bulb.0, bulb.1));
        layout.bulb(position, 0.06, colour);
    }
}
