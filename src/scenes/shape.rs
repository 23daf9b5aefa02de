//! Rays, bounding boxes and the primitives that every object is made of.

use super::vector::{Vec3, greater, lesser, vec3};

/// Hits nearer than this are the surface that the ray starts on.
pub const T_MIN: f32 = 1e-3;

/// A half line.
#[derive(Clone, Copy)]
pub struct Ray {
    /// Start point.
    pub origin: Vec3,
    /// Unit direction.
    pub direction: Vec3,
    /// One over each component of the direction.
    pub reciprocal: Vec3,
}

impl Ray {
    /// A ray from `origin` along `direction`, which has length one.
    pub fn new(origin: Vec3, direction: Vec3) -> Self {
        Self { origin, direction, reciprocal: direction.reciprocal() }
    }

    /// The same ray with its start moved by `-offset`.
    fn relative_to(&self, offset: Vec3) -> Self {
        Self { origin: self.origin - offset, ..*self }
    }

    /// The point at distance `t`.
    pub fn at(&self, t: f32) -> Vec3 {
        self.origin + self.direction * t
    }
}

/// Where a ray meets a primitive.
#[derive(Clone, Copy)]
pub struct Intersection {
    /// Distance along the ray.
    pub t: f32,
    /// Outward unit normal.
    pub normal: Vec3,
}

/// An axis-aligned bounding box.
#[derive(Clone, Copy, Debug)]
pub struct Aabb {
    /// Smallest corner.
    pub low: Vec3,
    /// Largest corner.
    pub high: Vec3,
}

impl Aabb {
    /// A box that contains nothing.
    pub const EMPTY: Self = Self { low: Vec3::splat(f32::MAX), high: Vec3::splat(f32::MIN) };

    /// The smallest box around both.
    pub fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The box with every face moved outwards.
    pub fn grown(self, by: f32) -> Self {
        Self { low: self.low - Vec3::splat(by), high: self.high + Vec3::splat(by) }
    }

    /// Whether the interiors meet.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.low.x < other.high.x
            && other.low.x < self.high.x
            && self.low.y < other.high.y
            && other.low.y < self.high.y
            && self.low.z < other.high.z
            && other.low.z < self.high.z
    }

    /// Whether `point` lies inside.
    pub fn contains(&self, point: Vec3) -> bool {
        let (low, high) = (point - self.low, self.high - point);
        let inside = low.min(high);
        inside.x > 0.0 && inside.y > 0.0 && inside.z > 0.0
    }

    /// Distances at which the ray enters and leaves the box.
    pub fn slabs(&self, ray: &Ray) -> (f32, f32) {
        let a = (self.low - ray.origin) * ray.reciprocal;
        let b = (self.high - ray.origin) * ray.reciprocal;
        let (near, far) = (a.min(b), a.max(b));
        (greater(greater(near.x, near.y), near.z), lesser(lesser(far.x, far.y), far.z))
    }

    /// Whether the ray passes through the box before `t_max`.
    pub fn is_hit(&self, ray: &Ray, t_max: f32) -> bool {
        let (near, far) = self.slabs(ray);
        near <= far && far > T_MIN && near < t_max
    }
}

/// A primitive in the frame of its object.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// An axis-aligned block.
    Block(Aabb),
    /// An upright truncated cone; a cylinder where both radii are equal.
    Frustum {
        /// Centre of the lower cap.
        base: Vec3,
        /// Distance between the caps.
        height: f32,
        /// Radii of the lower and the upper cap.
        radii: (f32, f32),
    },
    /// An axis-aligned ellipsoid.
    Ellipsoid {
        /// Centre.
        centre: Vec3,
        /// Half axes.
        radii: Vec3,
    },
}

impl Shape {
    /// The box around the primitive.
    pub fn bounds(&self) -> Aabb {
        match *self {
            Self::Block(block) => block,
            Self::Frustum { base, height, radii } => {
                let r = radii.0.max(radii.1);
                Aabb { low: base - vec3(r, 0.0, r), high: base + vec3(r, height, r) }
            }
            Self::Ellipsoid { centre, radii } => Aabb { low: centre - radii, high: centre + radii },
        }
    }

    /// The nearest hit with `T_MIN < t < t_max`.
    pub fn intersect(&self, ray: &Ray, t_max: f32) -> Option<Intersection> {
        match *self {
            Self::Block(block) => intersect_block(&block, ray, t_max),
            Self::Frustum { base, height, radii } => {
                if !self.bounds().is_hit(ray, t_max) {
                    return None;
                }
                intersect_frustum(height, radii, &ray.relative_to(base), t_max)
            }
            Self::Ellipsoid { centre, radii } => intersect_ellipsoid(centre, radii, ray, t_max),
        }
    }
}

fn intersect_block(block: &Aabb, ray: &Ray, t_max: f32) -> Option<Intersection> {
    let (near, far) = block.slabs(ray);
    let t = if near > T_MIN { near } else { far };
    if near > far || t <= T_MIN || t >= t_max {
        return None;
    }
    let centre = (block.low + block.high) * 0.5;
    let half = (block.high - block.low) * 0.5;
    let offset = (ray.at(t) - centre) * half.reciprocal();
    let (x, y, z) = (offset.x.abs(), offset.y.abs(), offset.z.abs());
    let normal = if x >= y && x >= z {
        vec3(1.0f32.copysign(offset.x), 0.0, 0.0)
    } else if y >= z {
        vec3(0.0, 1.0f32.copysign(offset.y), 0.0)
    } else {
        vec3(0.0, 0.0, 1.0f32.copysign(offset.z))
    };
    Some(Intersection { t, normal })
}

fn intersect_frustum(height: f32, radii: (f32, f32), ray: &Ray, t_max: f32) -> Option<Intersection> {
    let (o, d) = (ray.origin, ray.direction);
    let slope = (radii.1 - radii.0) / height;
    let radius = radii.0 + slope * o.y;
    let a = d.x * d.x + d.z * d.z - slope * slope * d.y * d.y;
    let b = o.x * d.x + o.z * d.z - radius * slope * d.y;
    let c = o.x * o.x + o.z * o.z - radius * radius;
    let discriminant = b * b - a * c;
    let mut best: Option<Intersection> = None;
    let mut offer = |t: f32, normal: Vec3| {
        if t > T_MIN && t < best.map_or(t_max, |hit| hit.t) {
            best = Some(Intersection { t, normal });
        }
    };
    if discriminant > 0.0 && a.abs() > 1e-7 {
        let root = discriminant.sqrt();
        for t in [(-b - root) / a, (-b + root) / a] {
            let p = ray.at(t);
            if p.y >= 0.0 && p.y <= height {
                let local_radius = radii.0 + slope * p.y;
                offer(t, vec3(p.x, -slope * local_radius, p.z).unit());
            }
        }
    }
    for (y, r, up) in [(0.0, radii.0, -1.0), (height, radii.1, 1.0)] {
        let t = (y - o.y) / d.y;
        let p = ray.at(t);
        if p.x * p.x + p.z * p.z <= r * r {
            offer(t, vec3(0.0, up, 0.0));
        }
    }
    best
}

fn intersect_ellipsoid(centre: Vec3, radii: Vec3, ray: &Ray, t_max: f32) -> Option<Intersection> {
    let scale = radii.reciprocal();
    let o = (ray.origin - centre) * scale;
    let d = ray.direction * scale;
    let (a, b, c) = (d.dot(d), o.dot(d), o.dot(o) - 1.0);
    let discriminant = b * b - a * c;
    if discriminant <= 0.0 {
        return None;
    }
    let root = discriminant.sqrt();
    let near = (-b - root) / a;
    let t = if near > T_MIN { near } else { (-b + root) / a };
    if t <= T_MIN || t >= t_max {
        return None;
    }
    let normal = ((o + d * t) * scale).unit();
    Some(Intersection { t, normal })
}
