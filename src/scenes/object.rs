//! Composite objects: built from parts in a frame of their own, then placed in the room.

use super::classes::Class;
use super::material::Material;
use super::shape::{Aabb, Intersection, Ray, Shape};
use super::vector::{Vec3, vec3};

/// One primitive with its appearance.
#[derive(Clone, Copy)]
pub struct Part {
    /// Geometry in the frame of the object.
    pub shape: Shape,
    /// Appearance.
    pub material: Material,
}

/// A horizontal surface that can carry smaller objects.
#[derive(Clone, Copy)]
pub struct Support {
    /// Centre of the surface in the frame of the object.
    pub centre: Vec3,
    /// Half extents along x and z.
    pub half: (f32, f32),
    /// Free height above it.
    pub clearance: f32,
}

/// An object before it is placed: x to its right, y up, z to its front, its back at z = 0.
pub struct Model {
    /// What the pixels of the object are labelled.
    pub class: Class,
    /// Its primitives.
    pub parts: Vec<Part>,
    /// Where smaller objects can stand.
    pub supports: Vec<Support>,
}

impl Model {
    /// An object without parts.
    pub fn new(class: Class) -> Self {
        Self { class, parts: Vec::new(), supports: Vec::new() }
    }

    /// Adds a block given by two opposite corners.
    pub fn block(&mut self, low: Vec3, high: Vec3, material: Material) {
        let shape = Shape::Block(Aabb { low, high });
        self.parts.push(Part { shape, material });
    }

    /// Adds an upright cylinder or truncated cone.
    pub fn frustum(&mut self, base: Vec3, height: f32, radii: (f32, f32), material: Material) {
        let shape = Shape::Frustum { base, height, radii };
        self.parts.push(Part { shape, material });
    }

    /// Adds an ellipsoid.
    pub fn ellipsoid(&mut self, centre: Vec3, radii: Vec3, material: Material) {
        let shape = Shape::Ellipsoid { centre, radii };
        self.parts.push(Part { shape, material });
    }

    /// Declares a surface that can carry smaller objects.
    pub fn support(&mut self, centre: Vec3, half: (f32, f32), clearance: f32) {
        self.supports.push(Support { centre, half, clearance });
    }

    /// The box around all parts, in the frame of the object.
    pub fn bounds(&self) -> Aabb {
        self.parts.iter().fold(Aabb::EMPTY, |all, part| all.union(part.shape.bounds()))
    }
}

/// A rotation about the vertical axis and a translation.
#[derive(Clone, Copy, Debug)]
pub struct Pose {
    /// Where the frame's origin lies in the room.
    pub origin: Vec3,
    /// Cosine of the yaw angle.
    pub cos: f32,
    /// Sine of the yaw angle.
    pub sin: f32,
}

impl Pose {
    /// A pose with the front (+z) turned from the room's +z by `yaw` radians towards +x.
    pub fn new(origin: Vec3, yaw: f32) -> Self {
        Self { origin, cos: libm::cosf(yaw), sin: libm::sinf(yaw) }
    }

    /// A pose turned by whole quarter turns, exactly.
    pub fn quarter(origin: Vec3, turns: usize) -> Self {
        let (cos, sin) = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][turns % 4];
        Self { origin, cos, sin }
    }

    /// Turns a direction of the object into one of the room.
    pub fn turn(&self, v: Vec3) -> Vec3 {
        vec3(self.cos * v.x + self.sin * v.z, v.y, self.cos * v.z - self.sin * v.x)
    }

    /// Turns a direction of the room into one of the object.
    pub fn turn_back(&self, v: Vec3) -> Vec3 {
        vec3(self.cos * v.x - self.sin * v.z, v.y, self.cos * v.z + self.sin * v.x)
    }

    /// Moves a point of the object into the room.
    pub fn to_room(self, point: Vec3) -> Vec3 {
        self.turn(point) + self.origin
    }

    /// The pose of a frame that is given inside this one.
    pub fn compose(&self, inner: &Self) -> Self {
        Self {
            origin: self.to_room(inner.origin),
            cos: self.cos * inner.cos - self.sin * inner.sin,
            sin: self.sin * inner.cos + self.cos * inner.sin,
        }
    }

    /// The box, aligned with the room, around a box of the object.
    pub fn bounds(&self, local: &Aabb) -> Aabb {
        let mut all = Aabb::EMPTY;
        for corner in 0..8 {
            let choose = |bit: usize, low: f32, high: f32| {
                if corner >> bit & 1 == 0 { low } else { high }
            };
            let point = self.to_room(vec3(
                choose(0, local.low.x, local.high.x),
                choose(1, local.low.y, local.high.y),
                choose(2, local.low.z, local.high.z),
            ));
            all = all.union(Aabb { low: point, high: point });
        }
        all
    }
}

/// An object in the room.
pub struct Object {
    /// Label of its pixels.
    pub class: Class,
    /// Where it stands.
    pub pose: Pose,
    /// The box around it, aligned with the room.
    pub bounds: Aabb,
    /// Its primitives.
    pub parts: Vec<Part>,
}

impl Object {
    /// Places a model.
    pub fn new(model: Model, pose: Pose) -> Self {
        Self { class: model.class, bounds: pose.bounds(&model.bounds()), pose, parts: model.parts }
    }

    /// The ray in the frame of the object.
    fn local(&self, ray: &Ray) -> Ray {
        Ray::new(self.pose.turn_back(ray.origin - self.pose.origin), self.pose.turn_back(ray.direction))
    }

    /// The nearest hit before `t_max`: index of the part, and the intersection in the room.
    pub fn intersect(&self, ray: &Ray, t_max: f32) -> Option<(usize, Intersection)> {
        let local = self.local(ray);
        let mut reach = t_max;
        let mut best = None;
        for (index, part) in self.parts.iter().enumerate() {
            if let Some(hit) = part.shape.intersect(&local, reach) {
                reach = hit.t;
                best = Some((index, hit));
            }
        }
        best.map(|(index, hit)| {
            let normal = self.pose.turn(hit.normal);
            (index, Intersection { t: hit.t, normal })
        })
    }

    /// Whether any part that casts a shadow is hit before `t_max`.
    pub fn occludes(&self, ray: &Ray, t_max: f32) -> bool {
        let local = self.local(ray);
        self.parts
            .iter()
            .any(|part| part.material.glow == 0.0 && part.shape.intersect(&local, t_max).is_some())
    }
}
