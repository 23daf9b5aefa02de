#!/bin/sh
# Has Chromium's WGSL compiler judge the kernels, so that they are known to run in browsers.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
chromium="${CHROMIUM:-chromium}"
command -v "$chromium" >/dev/null 2>&1 || install chromium
command -v python3 >/dev/null 2>&1 || install python3
kernels="$(mktemp)"
trap 'rm -f "$kernels"' EXIT
cargo run --quiet --example wgsl >"$kernels"
python3 scripts/check_tint.py "$chromium" "$kernels"
