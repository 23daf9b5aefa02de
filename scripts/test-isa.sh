#!/bin/sh
# Compiles the kernels of GPUs with Mesa's driver for AMD, without such a GPU, and compares docs/isa.md. With --write,
# docs/isa.md is written.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

need_linker
ls /usr/share/vulkan/icd.d/radeon_icd*.json >/dev/null 2>&1 || install libvulkan1 mesa-vulkan-drivers
[ "${1:-}" != --write ] || exec cargo run --quiet --example isa -- --write
PAGCP_REQUIRE_RADV=1 exec cargo test --example isa
