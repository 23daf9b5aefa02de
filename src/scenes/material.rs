//! Procedural surface appearance.

use super::rng::Rng;
use super::vector::{Vec3, vec3};

/// What varies over a surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// One colour.
    Plain,
    /// Bands of two colours.
    Stripes,
    /// A chequerboard.
    Checks,
    /// Smooth clouds between two colours.
    Noise,
    /// Planks with grain.
    Wood,
    /// Square tiles with grout.
    Tiles,
    /// Courses of bricks.
    Bricks,
    /// Round spots.
    Dots,
    /// An abstract painting.
    Art,
    /// Sky above a landscape, as seen through a window.
    View,
}

/// The appearance of one part.
#[derive(Clone, Copy, Debug)]
pub struct Material {
    /// What varies.
    pub pattern: Pattern,
    /// Main colour (linear RGB albedo).
    pub base: Vec3,
    /// Second colour.
    pub accent: Vec3,
    /// Period of the pattern in metres.
    pub period: f32,
    /// Strength of the highlight.
    pub gloss: f32,
    /// Emitted radiance relative to the albedo; emitters cast no shadow.
    pub glow: f32,
    /// Glass has neither a depth nor a normal label.
    pub glass: bool,
    /// Makes two surfaces of one kind differ.
    pub salt: u32,
}

impl Material {
    /// A matt surface of one colour.
    pub fn plain(base: Vec3) -> Self {
        Self {
            pattern: Pattern::Plain,
            base,
            accent: base,
            period: 1.0,
            gloss: 0.05,
            glow: 0.0,
            glass: false,
            salt: 0,
        }
    }

    /// A surface with a pattern of two colours.
    pub fn patterned(pattern: Pattern, colours: (Vec3, Vec3), period: f32, rng: &mut Rng) -> Self {
        Self { pattern, accent: colours.1, period, salt: rng.next_u32(), ..Self::plain(colours.0) }
    }

    /// The same surface with a highlight.
    pub fn glossy(self, gloss: f32) -> Self {
        Self { gloss, ..self }
    }

    /// The same surface as an emitter.
    pub fn glowing(self, glow: f32) -> Self {
        Self { glow, ..self }
    }

    /// Colour at a point with its normal, both in the frame of the object.
    pub fn albedo(&self, point: Vec3, normal: Vec3) -> Vec3 {
        let (u, v) = surface_coordinates(point, normal);
        let (s, t) = (u / self.period, v / self.period);
        let blend = match self.pattern {
            Pattern::Plain => 0.0,
            Pattern::Stripes => f32::from(u8::from(fract(s) < 0.5)),
            Pattern::Checks => f32::from(u8::from((fract(s) < 0.5) != (fract(t) < 0.5))),
            Pattern::Noise => self.fractal(s, t),
            Pattern::Wood => return self.wood(s, t),
            Pattern::Tiles => return self.tiles(s, t),
            Pattern::Bricks => {
                let row = (t * 2.0).floor();
                return self.cells(s + 0.5 * (row % 2.0).abs(), t * 2.0, 0.06);
            }
            Pattern::Dots => {
                let (a, b) = (fract(s) - 0.5, fract(t) - 0.5);
                f32::from(u8::from(a * a + b * b < 0.09))
            }
            Pattern::Art => return self.art(s, t),
            Pattern::View => return self.view(s, point.y),
        };
        let grime = 0.94 + 0.12 * self.value_noise(u * 9.0, v * 9.0);
        self.base.lerp(self.accent, blend) * grime
    }

    fn wood(&self, s: f32, t: f32) -> Vec3 {
        let plank = t.floor();
        let start = lattice(plank as i32, 7, self.salt);
        let along = s * 0.18 + start;
        let tone = lattice(plank as i32, along.floor() as i32, self.salt ^ 0x51);
        let grain = self.value_noise(s * 1.3 + start * 50.0, t * 9.0);
        let seam = fract(t) < 0.05 || fract(along) < 0.008;
        let shade = if seam { 0.55 } else { 1.0 };
        self.base.lerp(self.accent, 0.55 * tone + 0.45 * grain) * shade
    }

    fn tiles(&self, s: f32, t: f32) -> Vec3 {
        self.cells(s, t, 0.05)
    }

    fn cells(&self, s: f32, t: f32, joint: f32) -> Vec3 {
        if fract(s) < joint || fract(t) < joint {
            return self.accent;
        }
        let tone = lattice(s.floor() as i32, t.floor() as i32, self.salt);
        let stain = self.value_noise(s * 3.0, t * 3.0);
        self.base * (0.82 + 0.2 * tone + 0.12 * stain)
    }

    fn art(&self, s: f32, t: f32) -> Vec3 {
        let field = self.fractal(s, t);
        let third = vec3(self.accent.z, self.base.x, self.base.y);
        if field > 0.58 {
            self.accent
        } else if field > 0.47 {
            third
        } else {
            self.base
        }
    }

    fn view(&self, s: f32, height: f32) -> Vec3 {
        let horizon = 1.25 + 0.35 * self.fractal(s * 2.0, 0.5);
        if height > horizon {
            let cloud = self.fractal(s, height * 1.7);
            self.base.lerp(Vec3::splat(0.95), 0.7 * cloud)
        } else {
            self.accent * (0.5 + self.value_noise(s * 6.0, height * 14.0))
        }
    }

    fn fractal(&self, s: f32, t: f32) -> f32 {
        0.55 * self.value_noise(s, t)
            + 0.3 * self.value_noise(s * 2.1 + 5.2, t * 2.1 + 1.3)
            + 0.15 * self.value_noise(s * 4.3 + 9.1, t * 4.3 + 7.7)
    }

    fn value_noise(&self, s: f32, t: f32) -> f32 {
        let (i, j) = (s.floor(), t.floor());
        let (a, b) = (smooth(s - i), smooth(t - j));
        let (i, j) = (i as i32, j as i32);
        let at = |di: i32, dj: i32| lattice(i.wrapping_add(di), j.wrapping_add(dj), self.salt);
        let low = at(0, 0) + (at(1, 0) - at(0, 0)) * a;
        let high = at(0, 1) + (at(1, 1) - at(0, 1)) * a;
        low + (high - low) * b
    }
}

fn surface_coordinates(point: Vec3, normal: Vec3) -> (f32, f32) {
    let (x, y, z) = (normal.x.abs(), normal.y.abs(), normal.z.abs());
    if y >= x && y >= z {
        (point.x, point.z)
    } else if x >= z {
        (point.z, point.y)
    } else {
        (point.x, point.y)
    }
}

fn fract(value: f32) -> f32 {
    value - value.floor()
}

fn smooth(value: f32) -> f32 {
    value * value * (3.0 - 2.0 * value)
}

fn lattice(i: i32, j: i32, salt: u32) -> f32 {
    let mut hash = (i as u32).wrapping_mul(0x8da6_b343) ^ (j as u32).wrapping_mul(0xd816_3841);
    hash = (hash ^ salt).wrapping_mul(0x9e37_79b1);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x85eb_ca77);
    hash ^= hash >> 13;
    (hash >> 8) as f32 * (1.0 / 16_777_216.0)
}
