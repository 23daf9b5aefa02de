//! Comparing what a device computed with the f64 reference, element by element.

/// Panics with the worst element unless every `|found - expected|` is within its bound. NaN and infinities that the
/// reference does not have are never within a bound.
pub fn within(label: &str, found: &[f32], expected: &[f64], bounds: &[f64]) {
    assert!(!expected.is_empty(), "{label}: nothing to compare");
    assert_eq!(found.len(), expected.len(), "{label}: number of elements");
    assert_eq!(bounds.len(), expected.len(), "{label}: number of bounds");
    let excess = |i: usize| {
        let error = (f64::from(found[i]) - expected[i]).abs();
        if f64::from(found[i]) == expected[i] || error <= bounds[i] {
            0.0
        } else if error.is_nan() {
            f64::INFINITY
        } else {
            error / bounds[i]
        }
    };
    let beyond = (0..found.len()).filter(|&i| excess(i) > 0.0).count();
    let worst = (0..found.len()).max_by(|&a, &b| excess(a).total_cmp(&excess(b))).expect("not empty");
    assert!(
        beyond == 0,
        "{label}: {beyond} of {} elements are out of bounds, the worst is {worst}: found {}, expected {} within {:e}",
        found.len(),
        found[worst],
        expected[worst],
        bounds[worst],
    );
}

/// Panics with the first difference unless `found` and `expected` have the same bits.
pub fn same_bits(label: &str, found: &[f32], expected: &[f32]) {
    assert!(!expected.is_empty(), "{label}: nothing to compare");
    assert_eq!(found.len(), expected.len(), "{label}: number of elements");
    let differ = |i: &usize| found[*i].to_bits() != expected[*i].to_bits();
    if let Some(first) = (0..found.len()).find(differ) {
        panic!("{label}: element {first} is {:?}, expected {:?} bit for bit", found[first], expected[first]);
    }
}

#[test]
#[should_panic(expected = "the worst is 1: found 2.5, expected 2 within 1e-1")]
fn an_error_beyond_its_bound_is_noticed() {
    within("control", &[1.0, 2.5, 3.0], &[1.0, 2.0, 3.05], &[0.0, 0.1, 0.1]);
}

#[test]
#[should_panic(expected = "1 of 2 elements are out of bounds, the worst is 0: found NaN")]
fn nan_is_noticed() {
    within("control", &[f32::NAN, 1.0], &[1.0, 1.0], &[f64::INFINITY, 0.0]);
}

#[test]
#[should_panic(expected = "nothing to compare")]
fn nothing_is_noticed() {
    within("control", &[], &[], &[]);
}

#[test]
#[should_panic(expected = "element 1 is -0.0, expected 0.0 bit for bit")]
fn a_sign_is_noticed() {
    same_bits("control", &[1.0, -0.0], &[1.0, 0.0]);
}
