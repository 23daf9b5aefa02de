//! Kernels that read and write vectors of floats as 64-bit words. Mesa's CPU driver loads an element component by component,
//! lane by lane: half as many components are a third less time. The bits stay the same.

use super::access::{array, declaration, rewritten};

/// A vector type, what it is in words, and the functions that make one of the other.
struct Form {
    vector: &'static str,
    words: &'static str,
    names: [&'static str; 2],
    source: &'static str,
}

static FORMS: [Form; 2] = [
    Form {
        vector: "vec2f",
        words: "u64",
        names: ["pair_of_word", "word_of_pair"],
        source: "
fn pair_of_word(word: u64) -> vec2f {
    return bitcast<vec2f>(vec2u(u32(word), u32(word >> 32u)));
}

fn word_of_pair(pair: vec2f) -> u64 {
    let bits = bitcast<vec2u>(pair);
    return u64(bits.x) | (u64(bits.y) << 32u);
}
",
    },
    Form {
        vector: "vec4f",
        words: "vec2<u64>",
        names: ["four_of_words", "words_of_four"],
        source: "
fn four_of_words(words: vec2<u64>) -> vec4f {
    let even = bitcast<vec2f>(vec2<u32>(words));
    let odd = bitcast<vec2f>(vec2<u32>(words >> vec2u(32u)));
    return vec4f(even.x, odd.x, even.y, odd.y);
}

fn words_of_four(four: vec4f) -> vec2<u64> {
    let bits = bitcast<vec4u>(four);
    return vec2<u64>(u64(bits.x) | (u64(bits.y) << 32u), u64(bits.z) | (u64(bits.w) << 32u));
}
",
    },
];

/// `source`, a kernel with `tensors` tensors, with those of vectors of floats in words.
pub(super) fn in_words(source: &str, tensors: usize) -> Result<String, String> {
    let mut text = source.to_owned();
    let mut used = [false; FORMS.len()];
    for binding in 2..2 + tensors {
        let (start, end) = declaration(&text, binding)?;
        let declared = text[start..end].to_owned();
        let Some((head, name, element)) = array(&declared) else { continue };
        let Some(at) = FORMS.iter().position(|form| form.vector == element) else { continue };
        let Form { words, names, .. } = &FORMS[at];
        text.replace_range(start..end, &format!("{head}array<{words}>"));
        text = rewritten(&text, name, *names)?;
        used[at] = true;
    }
    for (form, _) in FORMS.iter().zip(used).filter(|(_, used)| *used) {
        text.push_str(form.source);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::in_words;

    const SOURCE: &str = "@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read_write> y: array<vec2f>;
@group(0) @binding(5) var<storage, read> scales: array<f32>;
fn f(i: u32) { y[i] = x[i].xy * scales[i]; }
";

    #[test]
    fn only_vectors_are_in_words() {
        let text = in_words(SOURCE, 4).unwrap();
        assert!(text.contains("x: array<vec2<u64>>;") && text.contains("y: array<u64>;"), "{text}");
        assert!(text.contains("rgba32float") && text.contains("scales: array<f32>;"));
        assert!(text.contains("y[i] = word_of_pair(four_of_words(x[i]).xy * scales[i]);"));
        assert!(text.contains("fn four_of_words") && text.contains("fn word_of_pair"));
        assert_eq!(in_words(SOURCE, 5).unwrap_err(), "there is no binding 6");
    }

    #[test]
    fn a_kernel_without_vectors_stays_as_it_is() {
        let source =
            "@group(0) @binding(2) var<storage, read> x: array<f32>;\nfn f(i: u32) -> f32 { return x[i]; }\n";
        assert_eq!(in_words(source, 1).unwrap(), source);
    }
}
