#!/bin/sh
# Compares this program with ONNX Runtime, which comes from PyPI into a virtual environment under target/.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
cargo build --quiet
need_adapter target/debug/wgpu-pagcp
venv=target/onnxruntime-venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv" 2>/dev/null || { install python3-venv; python3 -m venv "$venv"; }
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.16.2 onnxruntime numpy pillow
exec "$venv/bin/python" scripts/compare_onnxruntime.py target/debug/wgpu-pagcp
