#!/bin/sh
# The GPU tests on SwiftShader.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

icd="${SWIFTSHADER_ICD:-/usr/lib/chromium/vk_swiftshader_icd.json}"
[ -e "$icd" ] || install libvulkan1 chromium
# Timing models, counting what a search executes and pruning the whole zoo take minutes here and tell nothing of the driver.
VK_ICD_FILENAMES="$icd" exec sh scripts/test.sh "$@" -- --skip times:: --skip a_bracket_takes --skip networks::
