//! Sources of kernels, and of chains of them.

use super::*;

const SOURCE: &str = "@group(0) @binding(0) var<storage, read> live: array<u32>;
struct Params { a: u32 } // of p
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> a: array<vec4f>;
@group(0) @binding(3) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
fn sum(a: u32, p: u32) -> u32 { return a + p; }
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let sum = sum(id.x, live[0]);
    y[sum] = a[sum + p.a].y * textureLoad(weight, vec2u(0u, 0u));
}
";

fn phase(entry: &Entry, after: Vec<usize>) -> Phase<'_> {
    Phase { entry, workgroup: 8, tensors: vec![2, 0, 1], after }
}

#[test]
fn a_kernel_is_taken_apart() {
    let entry = entry(SOURCE, 3).unwrap();
    let texels = "texture_storage_2d<rgba32float, read>";
    assert_eq!(entry.types, ["array<vec4f>", texels, "array<vec4f>"]);
    assert_eq!(entry.names, ["a", "weight", "y"]);
    assert!(entry.body.contains("fn main(id: vec3u, grid: vec3u) {"), "{}", entry.body);
    assert!(!entry.body.contains('@') && !entry.body.contains("//"), "{}", entry.body);
    assert!(entry.fits(8, 8) && entry.fits(64, 8));
}

#[test]
fn names_of_kernels_do_not_meet() {
    let entry = entry(SOURCE, 3).unwrap();
    let ty = |ty: &str, written| Tensor { ty: ty.to_owned(), written };
    let texels = ty("texture_storage_2d<rgba32float, read>", None);
    let tensors = [texels, ty("array<vec4f>", Some(true)), ty("array<vec4f>", Some(false))];
    let text = wgsl(&[phase(&entry, vec![]), phase(&entry, vec![0])], &tensors, 8).unwrap();
    for line in [
        "@group(0) @binding(3) var tensor0: texture_storage_2d<rgba32float, read>;",
        "@group(0) @binding(4) var<storage, read_write> tensor1: array<vec4f>;",
        "@group(0) @binding(5) var<storage, read> tensor2: array<vec4f>;",
        "struct s1_Params { a: u32 }",
        "fn s1_sum(a: u32, p: u32) -> u32 { return a + p; }",
        "let sum = s1_sum(id.x, live[0]);",
        "tensor1[sum] = tensor2[sum + chain.p1.a].y * textureLoad(tensor0, vec2u(0u, 0u));",
        "patience = wait(48u, chain.w0.tickets, patience);",
        "s1_main(vec3u(id.x * 8u + part * 8u + lane, id.y, id.z), w.grid);",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    assert_eq!(text.matches("= wait(").count(), 1);
}

#[test]
fn what_a_chain_lacks_is_named() {
    let shared = SOURCE.replace("fn sum", "var<workgroup> sums: array<u32, 8>;\nfn sum");
    assert_eq!(entry(&shared, 3).unwrap_err(), "its threads share memory");
    let group = SOURCE.replace("global_invocation_id", "workgroup_id");
    let group = entry(&group, 3).unwrap();
    assert!(group.fits(8, 8) && !group.fits(64, 8));
    assert_eq!(entry(SOURCE, 4).unwrap_err(), "there is no binding 5");
}

#[test]
fn counters_of_chains_begin_where_bindings_may() {
    assert_eq!([counters(0), counters(1), counters(2), counters(3)], [64, 64, 128, 128]);
}
