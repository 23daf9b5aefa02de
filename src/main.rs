//! The `wgpu-pagcp` command.

fn main() {}
