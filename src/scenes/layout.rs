//! Finds free places for models in a room.

use super::object::{Model, Object, Pose, Support};
use super::rng::Rng;
use super::scene::{Light, Scene};
use super::shape::Aabb;
use super::vector::{Vec3, vec3};

const TRIES: usize = 14;
const TOLERANCE: f32 = 0.01;

/// A surface of a placed object on which something can stand.
pub struct Stand {
    /// Frame of the object that carries it.
    pub pose: Pose,
    /// The surface in that frame.
    pub support: Support,
    /// Index of that object.
    pub owner: usize,
}

/// A scene that is being furnished.
pub struct Layout<'a> {
    /// What stands so far.
    pub scene: Scene,
    /// Randomness of this picture.
    pub rng: &'a mut Rng,
    /// Surfaces that can carry something.
    pub stands: Vec<Stand>,
}

impl Layout<'_> {
    /// Size of the room.
    pub fn size(&self) -> Vec3 {
        self.scene.shell.size
    }

    /// Whether a box is inside the room and meets no object but `exempt`.
    fn is_free(&self, bounds: &Aabb, exempt: Option<usize>) -> bool {
        let room = self.scene.shell.bounds().grown(TOLERANCE);
        let inner = bounds.grown(-TOLERANCE);
        if !(room.contains(bounds.low) && room.contains(bounds.high)) {
            return false;
        }
        !self
            .scene
            .objects
            .iter()
            .enumerate()
            .any(|(index, object)| Some(index) != exempt && object.bounds.overlaps(&inner))
    }

    /// Places the model without a check; returns its index.
    pub fn insert(&mut self, model: Model, pose: Pose) -> usize {
        let owner = self.scene.objects.len();
        self.stands.extend(model.supports.iter().map(|&support| Stand { pose, support, owner }));
        self.scene.objects.push(Object::new(model, pose));
        owner
    }

    /// Places the model at `pose` where that is free.
    pub fn try_at(&mut self, model: Model, pose: Pose, exempt: Option<usize>) -> Option<usize> {
        let bounds = pose.bounds(&model.bounds());
        self.is_free(&bounds, exempt).then(|| self.insert(model, pose))
    }

    /// Places the model with its back against a wall.
    pub fn against_wall(&mut self, model: Model) -> Option<usize> {
        let local = model.bounds();
        for _ in 0..TRIES {
            let wall = self.rng.below(4);
            let gap = self.rng.range(0.0, 0.03);
            let pose = self.wall_pose(wall, &local, gap);
            if self.is_free(&pose.bounds(&local), None) {
                return Some(self.insert(model, pose));
            }
        }
        None
    }

    /// Hangs the model on a wall.
    pub fn on_wall(&mut self, model: Model) -> Option<usize> {
        let local = model.bounds();
        for _ in 0..TRIES {
            let wall = self.rng.below(4);
            let pose = self.wall_pose(wall, &local, 0.0);
            if self.is_free(&pose.bounds(&local), None) {
                return Some(self.insert(model, pose));
            }
        }
        None
    }

    fn wall_pose(&mut self, wall: usize, local: &Aabb, gap: f32) -> Pose {
        let size = self.size();
        let half = (local.high.x - local.low.x) * 0.5;
        let length = if wall.is_multiple_of(2) { size.x } else { size.z };
        // Furniture likes corners: a third of it goes to one.
        let along = match self.rng.below(6) {
            0 => half + 0.02,
            1 => length - half - 0.02,
            _ => self.rng.range(half, (length - half).max(half)),
        };
        let origin = match wall {
            0 => vec3(along, 0.0, gap),
            1 => vec3(gap, 0.0, along),
            2 => vec3(along, 0.0, size.z - gap),
            _ => vec3(size.x - gap, 0.0, along),
        };
        Pose::quarter(origin, wall)
    }

    /// A random pose somewhere in the room; `margin` keeps it from the walls.
    pub fn free_pose(&mut self, margin: f32) -> Pose {
        let size = self.size();
        let origin =
            vec3(self.rng.range(margin, size.x - margin), 0.0, self.rng.range(margin, size.z - margin));
        if self.rng.chance(0.6) {
            let turns = self.rng.below(4);
            return Pose::quarter(origin, turns);
        }
        let yaw = self.rng.range(0.0, std::f32::consts::TAU);
        Pose::new(origin, yaw)
    }

    /// Places the model anywhere on the floor.
    pub fn freestanding(&mut self, model: Model, margin: f32) -> Option<usize> {
        let local = model.bounds();
        for _ in 0..TRIES {
            let pose = self.free_pose(margin);
            if self.is_free(&pose.bounds(&local), None) {
                return Some(self.insert(model, pose));
            }
        }
        None
    }

    /// Places the model on the surface `stand`, turned a little.
    pub fn upon(&mut self, model: Model, stand: usize) -> Option<usize> {
        let (half, centre) = {
            let support = &self.stands[stand].support;
            (support.half, support.centre)
        };
        let bounds = model.bounds();
        if bounds.high.y > self.stands[stand].support.clearance {
            return None;
        }
        let shift = vec3(self.rng.range(-half.0, half.0), 0.0, self.rng.range(-half.1, half.1) * 0.6);
        let middle = vec3(0.0, 0.0, (bounds.low.z + bounds.high.z) * 0.5);
        let yaw = self.rng.range(-0.3, 0.3);
        let inner = Pose::new(centre + shift - middle, yaw);
        let pose = self.stands[stand].pose.compose(&inner);
        let owner = self.stands[stand].owner;
        self.try_at(model, pose, Some(owner))
    }

    /// Adds a light that shines in all directions from a ball of the given radius.
    pub fn bulb(&mut self, position: Vec3, radius: f32, colour: Vec3) {
        self.scene.lights.push(Light {
            position,
            half: (vec3(radius, 0.0, 0.0), vec3(0.0, 0.0, radius)),
            colour,
            facing: None,
        });
    }
}
