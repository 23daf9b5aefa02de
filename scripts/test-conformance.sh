#!/bin/sh
# Runs ONNX's own tests of single operators, from the Python package onnx. With --write, docs/operators.md is written.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
cargo build --quiet
need_adapter "${CARGO_TARGET_DIR:-target}/debug/wgpu-pagcp"
need_onnx
[ "${1:-}" != --write ] || export PAGCP_WRITE=1
tests='import onnx.backend.test as t, os; print(os.path.join(os.path.dirname(t.__file__), "data", "node"))'
PAGCP_ONNX_NODE_TESTS="$(target/onnxruntime-venv/bin/python -c "$tests")"
export PAGCP_ONNX_NODE_TESTS
PAGCP_REQUIRE_GPU=1 exec cargo test --test conformance -- --nocapture
