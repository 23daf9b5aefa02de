//! The `wgpu-pagcp` command.

fn main() -> std::process::ExitCode {
    wgpu_pagcp::cli::main()
}
