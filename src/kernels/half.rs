//! Kernels whose tensors are stored in 16 bits. They compute in `f32` all the same: what they load is widened, what they
//! store is rounded. Shaders do not know of it: declarations and accesses of the tensors in question are rewritten.

use super::Spec;
use super::access::{array, declaration, rewritten};

/// The constant of a [`Spec`] whose bits say which tensors of a kernel, counted from binding 2, are stored in 16 bits.
pub const HALF: &str = "half";

impl Spec {
    /// The same, with the tensors of `mask` stored in 16 bits ([`HALF`]).
    pub fn halved(mut self, mask: u32) -> Self {
        if mask != 0 {
            self.0.push((HALF, mask));
        }
        self
    }

    /// Which tensors are stored in 16 bits.
    pub fn halves(&self) -> u32 {
        self.0.iter().find(|(name, _)| *name == HALF).map_or(0, |&(_, mask)| mask)
    }
}

/// What an element is in `f32`, in 16 bits.
const TYPES: [(&str, &str); 3] = [("f32", "f16"), ("vec2f", "vec2h"), ("vec4f", "vec4h")];

/// `source` with the tensors of `mask` stored in 16 bits; an error names what cannot be.
pub(super) fn halved(source: &str, mask: u32) -> Result<String, String> {
    let mut text = format!("enable f16;\n{source}");
    for binding in (0..u32::BITS).filter(|bit| mask >> bit & 1 == 1).map(|bit| bit as usize + 2) {
        let (start, end) = declaration(&text, binding)?;
        let declared = text[start..end].to_owned();
        if declared.contains("texture_storage_2d<rgba32float") {
            text.replace_range(start..end, &declared.replace("rgba32float", "rgba16float"));
            continue;
        }
        let (head, name, element) = array(&declared).ok_or("a tensor is no array")?;
        let Some((wide, narrow)) = TYPES.into_iter().find(|(wide, _)| *wide == element) else {
            return Err(format!("binding {binding} has elements of type {element}"));
        };
        text.replace_range(start..end, &format!("{head}array<{narrow}>"));
        text = rewritten(&text, name, [wide, narrow])?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn g(i: u32) -> vec4f { return x[i]; }
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
fn f(i: u32) { y[i + u32(x[2u * i].x)] = x[i].y + max[i] + p.x[i]; }";

    #[test]
    fn loads_widen_and_stores_round() {
        let all = halved(SOURCE, 0b111).unwrap();
        assert!(all.starts_with("enable f16;") && all.contains("rgba16float") && all.contains("array<f16>"));
        let line = "y[i + u32(vec4f(x[2u * i]).x)] = f16(vec4f(x[i]).y + max[i] + p.x[i]);";
        assert!(all.contains(line) && all.contains("return vec4f(x[i]);"), "{all}");
        let last = halved(SOURCE, 0b100).unwrap();
        assert!(last.contains("y[i + u32(x[2u * i].x)] = f16(x[i].y + max[i] + p.x[i]);"), "{last}");
        assert!(last.contains("rgba32float"));
    }

    #[test]
    fn what_has_no_narrow_form_is_refused() {
        let source = "@group(0) @binding(2) var<storage, read> x: array<vec4u>;";
        assert_eq!(halved(source, 1).unwrap_err(), "binding 2 has elements of type vec4u");
        assert_eq!(halved(source, 2).unwrap_err(), "there is no binding 3");
    }

    #[test]
    fn a_spec_knows_what_is_halved() {
        let spec = Spec(vec![("np", 4)]);
        assert_eq!(spec.clone().halved(0), spec);
        assert_eq!((spec.halves(), spec.clone().halved(5).halves()), (0, 5));
    }
}
