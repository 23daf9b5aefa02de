//! Decides what stands in a room of each kind, and puts it there.

use super::bvh::Bvh;
use super::classes::Room;
use super::decor;
use super::furniture;
use super::layout::Layout;
use super::lighting;
use super::object::{Model, Pose};
use super::palette;
use super::rng::Rng;
use super::scene::{Scene, Shell};
use super::vector::{Vec3, vec3};

#[derive(Clone, Copy)]
enum Item {
    Bed,
    Counter,
    Sofa,
    DiningSet,
    Desk,
    CoffeeTable,
    Wardrobe,
    Cabinet,
    Shelf,
    Armchair,
    Chair,
    Boxes,
    Plant,
    FloorLamp,
}

/// How likely each attempt at an item is in each kind of room (in the order of `Room`), and how
/// many attempts there are. The kinds overlap on purpose: a room can be mistaken for another.
const LIKELY: [(Item, [f32; 6], usize); 14] = [
    (Item::Bed, [0.95, 0.04, 0.01, 0.04, 0.00, 0.06], 1),
    (Item::Counter, [0.00, 0.06, 0.12, 0.05, 0.95, 0.08], 1),
    (Item::Sofa, [0.12, 0.92, 0.15, 0.22, 0.05, 0.08], 1),
    (Item::DiningSet, [0.02, 0.18, 0.95, 0.15, 0.45, 0.05], 1),
    (Item::Desk, [0.30, 0.12, 0.03, 0.75, 0.02, 0.10], 2),
    (Item::CoffeeTable, [0.06, 0.70, 0.08, 0.12, 0.02, 0.05], 1),
    (Item::Wardrobe, [0.60, 0.10, 0.08, 0.12, 0.15, 0.20], 1),
    (Item::Cabinet, [0.45, 0.45, 0.45, 0.35, 0.25, 0.25], 2),
    (Item::Shelf, [0.15, 0.30, 0.15, 0.45, 0.12, 0.80], 3),
    (Item::Armchair, [0.12, 0.40, 0.06, 0.10, 0.03, 0.04], 2),
    (Item::Chair, [0.20, 0.15, 0.15, 0.25, 0.30, 0.15], 2),
    (Item::Boxes, [0.10, 0.08, 0.08, 0.15, 0.12, 0.75], 4),
    (Item::Plant, [0.25, 0.40, 0.35, 0.35, 0.15, 0.08], 2),
    (Item::FloorLamp, [0.25, 0.45, 0.15, 0.15, 0.05, 0.05], 1),
];

/// A complete room.
pub fn furnished_room(room: Room, rng: &mut Rng) -> Scene {
    let size = vec3(rng.range(2.9, 6.2), rng.range(2.3, 3.2), rng.range(2.9, 6.2));
    let plain = palette::wall(rng);
    let mut walls = [plain; 4];
    if rng.chance(0.35) {
        let which = rng.below(4);
        walls[which] = palette::wall(rng);
    }
    let shell = Shell { size, walls, floor: palette::floor(rng), ceiling: palette::ceiling(rng) };
    let scene = Scene {
        room,
        shell,
        objects: Vec::new(),
        lights: Vec::new(),
        ambient: Vec3::default(),
        bvh: Bvh::default(),
    };
    let mut layout = Layout { scene, rng, stands: Vec::new() };
    fixtures(&mut layout);
    for (item, likely, attempts) in LIKELY {
        for _ in 0..attempts {
            if layout.rng.chance(likely[room as usize]) {
                place(&mut layout, item);
            }
        }
    }
    decorate(&mut layout);
    let mut scene = layout.scene;
    scene.complete();
    scene
}

/// Partition, door, windows and ceiling lights: what a room has before its furniture.
fn fixtures(layout: &mut Layout) {
    let size = layout.size();
    if layout.rng.chance(0.3) {
        let extent = vec3(layout.rng.range(0.3, 1.3), size.y, layout.rng.range(0.15, 0.8));
        let wall = layout.scene.shell.walls[0];
        layout.on_wall(decor::partition(extent, wall));
    }
    if layout.rng.chance(0.7) {
        let door = decor::door(layout.rng);
        layout.on_wall(door);
    }
    lighting::windows(layout);
    lighting::ceiling_lights(layout);
}

fn place(layout: &mut Layout, item: Item) {
    match item {
        Item::Bed => bedstead(layout),
        Item::Counter => counter(layout),
        Item::Sofa => {
            let seats = 2 + layout.rng.below(2);
            let sofa = furniture::sofa(seats, layout.rng);
            wall_or_free(layout, sofa, 0.7);
        }
        Item::DiningSet => dining_set(layout),
        Item::Desk => desk(layout),
        Item::CoffeeTable => {
            let size = coffee_table_size(layout.rng);
            let table = furniture::table(size, layout.rng);
            layout.freestanding(table, 0.8);
        }
        Item::Wardrobe => {
            let size = wardrobe_size(layout.rng);
            let wardrobe = furniture::cabinet(size, 0.0, layout.rng);
            layout.against_wall(wardrobe);
        }
        Item::Cabinet => {
            let size = cabinet_size(layout.rng);
            let cabinet = furniture::cabinet(size, 0.0, layout.rng);
            layout.against_wall(cabinet);
        }
        Item::Shelf => {
            let size = shelf_size(layout.rng);
            let shelf = furniture::shelf(size, layout.rng);
            layout.against_wall(shelf);
        }
        Item::Armchair => {
            let armchair = furniture::sofa(1, layout.rng);
            wall_or_free(layout, armchair, 0.3);
        }
        Item::Chair => {
            let chair = furniture::chair(false, layout.rng);
            wall_or_free(layout, chair, 0.4);
        }
        Item::Boxes => stack(layout),
        Item::Plant => {
            let height = layout.rng.range(0.6, 1.5);
            let plant = decor::plant(height, layout.rng);
            wall_or_free(layout, plant, 0.8);
        }
        Item::FloorLamp => lighting::floor_lamp(layout),
    }
}

fn coffee_table_size(rng: &mut Rng) -> Vec3 {
    vec3(rng.range(0.7, 1.2), rng.range(0.35, 0.48), rng.range(0.5, 0.75))
}

fn wardrobe_size(rng: &mut Rng) -> Vec3 {
    vec3(rng.range(0.8, 1.9), rng.range(1.7, 2.2), rng.range(0.5, 0.65))
}

fn cabinet_size(rng: &mut Rng) -> Vec3 {
    vec3(rng.range(0.45, 1.7), rng.range(0.5, 1.15), rng.range(0.35, 0.5))
}

fn shelf_size(rng: &mut Rng) -> Vec3 {
    vec3(rng.range(0.6, 1.3), rng.range(0.9, 2.15), rng.range(0.26, 0.4))
}

fn wall_or_free(layout: &mut Layout, model: Model, wall: f32) -> Option<usize> {
    if layout.rng.chance(wall) { layout.against_wall(model) } else { layout.freestanding(model, 0.6) }
}

/// A bed, perhaps with a small table at its side.
fn bedstead(layout: &mut Layout) {
    let bed = furniture::bed(layout.rng);
    let reach = bed.bounds().high.x;
    let Some(index) = layout.against_wall(bed) else {
        return;
    };
    let pose = layout.scene.objects[index].pose;
    for side in [-1.0, 1.0] {
        if layout.rng.chance(0.55) {
            let size = vec3(0.4, layout.rng.range(0.4, 0.6), 0.38);
            let stand = furniture::cabinet(size, 0.0, layout.rng);
            let origin = pose.to_room(vec3(side * (reach + 0.25), 0.0, 0.0));
            layout.try_at(stand, Pose { origin, ..pose }, None);
        }
    }
}

/// Kitchen cabinets along a wall, some with cabinets above them.
fn counter(layout: &mut Layout) {
    let size = vec3(layout.rng.range(1.5, 3.2), layout.rng.range(0.85, 0.95), 0.6);
    let lower = furniture::cabinet(size, 0.0, layout.rng);
    let Some(index) = layout.against_wall(lower) else {
        return;
    };
    let pose = layout.scene.objects[index].pose;
    if layout.rng.chance(0.75) {
        let rise = layout.rng.range(0.5, 0.7);
        let upper = vec3(size.x * layout.rng.range(0.5, 1.0), rise, 0.34);
        let lift = layout.rng.range(1.4, 1.55);
        let model = furniture::cabinet(upper, lift, layout.rng);
        layout.try_at(model, pose, None);
    }
    if layout.rng.chance(0.5) {
        let fridge = vec3(0.6, layout.rng.range(1.5, 2.0), 0.62);
        let model = furniture::cabinet(fridge, 0.0, layout.rng);
        let shift = vec3(size.x * 0.5 + 0.32, 0.0, 0.0);
        let origin = pose.to_room(shift);
        layout.try_at(model, Pose { origin, ..pose }, None);
    }
}

/// A table with chairs around it.
fn dining_set(layout: &mut Layout) {
    let size = vec3(layout.rng.range(0.9, 1.9), layout.rng.range(0.7, 0.78), layout.rng.range(0.75, 1.0));
    let table = furniture::table(size, layout.rng);
    let Some(index) = layout.freestanding(table, 1.0) else {
        return;
    };
    let pose = layout.scene.objects[index].pose;
    let half = size.x * 0.5;
    let middle = size.z * 0.5;
    let mut seats = vec![(vec3(-half, 0.0, middle), 0.5), (vec3(half, 0.0, middle), -0.5)];
    let per_side = if size.x > 1.3 { 2 } else { 1 };
    for seat in 0..per_side {
        let x = (seat as f32 - 0.5 * (per_side - 1) as f32) * 0.62;
        seats.push((vec3(x, 0.0, 0.0), 0.0));
        seats.push((vec3(x, 0.0, size.z), 1.0));
    }
    let look = Rng::new(u64::from(layout.rng.next_u32()), 0);
    for (edge, half_turns) in seats {
        if layout.rng.chance(0.8) {
            let chair = furniture::chair(false, &mut look.clone());
            tuck(layout, chair, (index, pose), (edge, half_turns));
        }
    }
}

/// Puts a chair at an edge of a table; `edge.1` is its turn in half turns.
fn tuck(layout: &mut Layout, chair: Model, table: (usize, Pose), edge: (Vec3, f32)) {
    let yaw = edge.1 * std::f32::consts::PI + layout.rng.range(-0.25, 0.25);
    let turned = Pose::new(Vec3::default(), yaw);
    let depth = chair.bounds().high.z;
    let back = depth - layout.rng.range(-0.1, 0.28);
    let origin = edge.0 + turned.turn(vec3(0.0, 0.0, -back));
    let pose = table.1.compose(&Pose { origin, ..turned });
    layout.try_at(chair, pose, Some(table.0));
}

/// A desk with a chair, and perhaps a screen on it.
fn desk(layout: &mut Layout) {
    let model = furniture::desk(layout.rng);
    let depth = model.bounds().high.z;
    let Some(index) = wall_or_free(layout, model, 0.8) else {
        return;
    };
    let pose = layout.scene.objects[index].pose;
    if layout.rng.chance(0.85) {
        let office = layout.rng.chance(0.75);
        let chair = furniture::chair(office, layout.rng);
        let x = layout.rng.range(-0.2, 0.2);
        tuck(layout, chair, (index, pose), (vec3(x, 0.0, depth), 1.0));
    }
    if layout.rng.chance(0.75) {
        let width = layout.rng.range(0.4, 0.65);
        let screen = decor::screen(width, layout.rng);
        let stand = layout.stands.iter().position(|s| s.owner == index);
        if let Some(stand) = stand {
            layout.upon(screen, stand);
        }
    }
}

/// Boxes, some on top of others.
fn stack(layout: &mut Layout) {
    let mut size =
        vec3(layout.rng.range(0.25, 0.7), layout.rng.range(0.2, 0.55), layout.rng.range(0.25, 0.6));
    let lowest = decor::carton(size, layout.rng);
    let Some(mut below) = wall_or_free(layout, lowest, 0.6) else {
        return;
    };
    while layout.rng.chance(0.5) {
        size = size * layout.rng.range(0.65, 0.95);
        let next = decor::carton(size, layout.rng);
        let stand = layout.stands.iter().position(|s| s.owner == below);
        let placed = stand.and_then(|stand| layout.upon(next, stand));
        match placed {
            Some(index) => below = index,
            None => return,
        }
    }
}

/// Pictures, rugs and small things on tables and shelves.
fn decorate(layout: &mut Layout) {
    let store = layout.scene.room == Room::Store;
    let pictures = if store { 1 } else { 4 };
    for _ in 0..pictures {
        if layout.rng.chance(0.5) {
            let height = layout.rng.range(1.3, 1.8);
            let picture = decor::picture(height, layout.rng);
            layout.on_wall(picture);
        }
    }
    if layout.rng.chance(if store { 0.1 } else { 0.5 }) {
        let rug = decor::rug(layout.rng);
        let pose = layout.free_pose(0.9);
        layout.insert(rug, pose);
    }
    for stand in 0..layout.stands.len() {
        for _ in 0..2 {
            if layout.rng.chance(0.45) {
                small_thing(layout, stand, store);
            }
        }
    }
}

fn small_thing(layout: &mut Layout, stand: usize, store: bool) {
    let choice = layout.rng.below(10);
    if store || choice == 0 {
        let size =
            vec3(layout.rng.range(0.15, 0.4), layout.rng.range(0.1, 0.3), layout.rng.range(0.15, 0.28));
        let carton = decor::carton(size, layout.rng);
        layout.upon(carton, stand);
    } else if choice <= 2 {
        let height = layout.rng.range(0.2, 0.5);
        let plant = decor::plant(height, layout.rng);
        layout.upon(plant, stand);
    } else if choice == 3 {
        lighting::table_lamp(layout, stand);
    } else {
        let thing = decor::clutter(layout.rng);
        layout.upon(thing, stand);
    }
}
