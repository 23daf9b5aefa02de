#!/bin/sh
# Compares this program with ONNX Runtime, which comes from PyPI into a virtual environment under target/.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
cargo build --quiet
need_adapter "${CARGO_TARGET_DIR:-target}/debug/wgpu-pagcp"
need_onnx
exec target/onnxruntime-venv/bin/python scripts/compare_onnxruntime.py "${CARGO_TARGET_DIR:-target}/debug/wgpu-pagcp"
