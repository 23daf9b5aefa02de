#!/bin/sh
# Builds and runs every test; a test that needs a GPU fails where there is none.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
cargo build --quiet
need_adapter "${CARGO_TARGET_DIR:-target}/debug/wgpu-pagcp"
PAGCP_REQUIRE_GPU=1 exec cargo test --all-targets "$@"
