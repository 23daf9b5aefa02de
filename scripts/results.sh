#!/bin/sh
# Compares pruning methods on the bundled network and writes docs/results.md; a run that was cut off is gone on with.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
cargo build --release --quiet
need_adapter "${CARGO_TARGET_DIR:-target}/release/wgpu-pagcp"
exec cargo run --release --quiet --example results -- "$@"
