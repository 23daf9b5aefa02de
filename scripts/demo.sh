#!/bin/sh
# Builds, then runs the whole job on the bundled network: data, search, pruned model, report.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
cargo build --release --quiet
need_adapter "${CARGO_TARGET_DIR:-target}/release/wgpu-pagcp"
exec "${CARGO_TARGET_DIR:-target}/release/wgpu-pagcp" demo "$@"
