#!/bin/sh
# Compares this program with ONNX Runtime on the zoo and on random prunings of it, which a test writes to target/zoo.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
cargo build --quiet
need_adapter "${CARGO_TARGET_DIR:-target}/debug/wgpu-pagcp"
need_onnx
PAGCP_REQUIRE_GPU=1 cargo test --quiet --test kernels zoo::
exec target/onnxruntime-venv/bin/python scripts/compare_zoo.py "${CARGO_TARGET_DIR:-target}/debug/wgpu-pagcp" target/zoo
