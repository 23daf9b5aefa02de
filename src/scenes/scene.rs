//! A room with everything in it, and what a ray meets there.

use super::bvh::Bvh;
use super::classes::{Class, Room};
use super::material::Material;
use super::object::Object;
use super::rng::Rng;
use super::shape::{Aabb, Intersection, Ray, T_MIN};
use super::vector::{Vec3, vec3};

/// Walls, floor and ceiling, seen from inside; one corner is the origin.
pub struct Shell {
    /// Width (x), height (y) and depth (z) of the room in metres.
    pub size: Vec3,
    /// The walls at z = 0, x = 0, z = depth and x = width.
    pub walls: [Material; 4],
    /// The floor.
    pub floor: Material,
    /// The ceiling.
    pub ceiling: Material,
}

/// The sides of the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// One of the four walls.
    Wall(usize),
    /// The floor.
    Floor,
    /// The ceiling.
    Ceiling,
}

/// A light with an extent: every shadow ray goes to another point of it.
#[derive(Clone, Copy)]
pub struct Light {
    /// Its centre.
    pub position: Vec3,
    /// Half of its extent along two directions.
    pub half: (Vec3, Vec3),
    /// Radiant intensity.
    pub colour: Vec3,
    /// The direction that it faces; none shines in all directions.
    pub facing: Option<Vec3>,
}

impl Light {
    /// A random point of one quarter (0 to 3) of the light.
    pub fn sample(&self, quarter: usize, rng: &mut Rng) -> Vec3 {
        let a = rng.range(-1.0, 0.0) + (quarter % 2) as f32;
        let b = rng.range(-1.0, 0.0) + (quarter / 2) as f32;
        self.position + self.half.0 * a + self.half.1 * b
    }
}

/// What a ray has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A side of the room.
    Shell(Side),
    /// A part of an object.
    Object {
        /// Index of the object.
        object: usize,
        /// Index of the part in the object.
        part: usize,
    },
}

/// The nearest surface along a ray.
#[derive(Clone, Copy)]
pub struct Hit {
    /// Distance and normal.
    pub surface: Intersection,
    /// Whose surface it is.
    pub target: Target,
}

/// A furnished, lit room.
pub struct Scene {
    /// What kind of room it is.
    pub room: Room,
    /// The walls, floor and ceiling.
    pub shell: Shell,
    /// Everything in the room.
    pub objects: Vec<Object>,
    /// Everything that shines.
    pub lights: Vec<Light>,
    /// Light that comes from all directions.
    pub ambient: Vec3,
    /// Finds the objects along a ray; empty until the room is complete.
    pub bvh: Bvh,
}

impl Shell {
    /// The box of the room.
    pub fn bounds(&self) -> Aabb {
        Aabb { low: Vec3::default(), high: self.size }
    }

    fn intersect(&self, ray: &Ray) -> (Intersection, Side) {
        let axis = |origin: f32, direction: f32, size: f32| {
            let plane = if direction > 0.0 { size } else { 0.0 };
            if direction == 0.0 { f32::MAX } else { (plane - origin) / direction }
        };
        let (o, d) = (ray.origin, ray.direction);
        let t = vec3(axis(o.x, d.x, self.size.x), axis(o.y, d.y, self.size.y), axis(o.z, d.z, self.size.z));
        let (distance, normal, side) = if t.y <= t.x && t.y <= t.z {
            let side = if d.y > 0.0 { Side::Ceiling } else { Side::Floor };
            (t.y, vec3(0.0, -1.0f32.copysign(d.y), 0.0), side)
        } else if t.x <= t.z {
            let wall = if d.x > 0.0 { 3 } else { 1 };
            (t.x, vec3(-1.0f32.copysign(d.x), 0.0, 0.0), Side::Wall(wall))
        } else {
            let wall = if d.z > 0.0 { 2 } else { 0 };
            (t.z, vec3(0.0, 0.0, -1.0f32.copysign(d.z)), Side::Wall(wall))
        };
        let t = distance.max(T_MIN);
        (Intersection { t, normal }, side)
    }

    fn material(&self, side: Side) -> &Material {
        match side {
            Side::Wall(index) => &self.walls[index],
            Side::Floor => &self.floor,
            Side::Ceiling => &self.ceiling,
        }
    }
}

impl Scene {
    /// The nearest surface; the room is closed, so that there always is one.
    pub fn trace(&self, ray: &Ray) -> Hit {
        let (mut surface, side) = self.shell.intersect(ray);
        let mut target = Target::Shell(side);
        self.bvh.walk(ray, surface.t, |object, reach| {
            let candidate = &self.objects[object];
            if let Some((part, nearer)) = candidate.intersect(ray, reach) {
                surface = nearer;
                target = Target::Object { object, part };
                return nearer.t;
            }
            reach
        });
        Hit { surface, target }
    }

    /// Whether something that casts a shadow lies on the ray before `t_max`.
    pub fn is_occluded(&self, ray: &Ray, t_max: f32) -> bool {
        let mut occluded = false;
        self.bvh.walk(ray, t_max, |object, reach| {
            if self.objects[object].occludes(ray, reach) {
                occluded = true;
                return f32::NEG_INFINITY;
            }
            reach
        });
        occluded
    }

    /// Builds the hierarchy once everything is in place.
    pub fn complete(&mut self) {
        let bounds: Vec<Aabb> = self.objects.iter().map(|object| object.bounds).collect();
        self.bvh = Bvh::new(&bounds);
    }

    /// The class of what was hit.
    pub fn class(&self, target: Target) -> Class {
        match target {
            Target::Shell(Side::Wall(_)) => Class::Wall,
            Target::Shell(Side::Floor) => Class::Floor,
            Target::Shell(Side::Ceiling) => Class::Ceiling,
            Target::Object { object, .. } => self.objects[object].class,
        }
    }

    /// The material of what was hit.
    pub fn material(&self, target: Target) -> &Material {
        match target {
            Target::Shell(side) => self.shell.material(side),
            Target::Object { object, part } => &self.objects[object].parts[part].material,
        }
    }

    /// Albedo at a point with its normal, both in the frame of the room.
    pub fn albedo(&self, target: Target, point: Vec3, normal: Vec3) -> Vec3 {
        let material = self.material(target);
        match target {
            Target::Shell(_) => material.albedo(point, normal),
            Target::Object { object, .. } => {
                let pose = &self.objects[object].pose;
                let local = pose.turn_back(point - pose.origin);
                material.albedo(local, pose.turn_back(normal))
            }
        }
    }
}
