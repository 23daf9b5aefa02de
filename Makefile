# Every target sets up what it needs on Debian and Ubuntu. Without make: sh scripts/demo.sh, sh scripts/test.sh.

demo:
	@sh scripts/demo.sh

test:
	@sh scripts/test.sh

# The same tests on a second Vulkan driver, SwiftShader, which Debian's chromium brings.
test-swiftshader:
	@sh scripts/test-swiftshader.sh

# The original and the pruned bundled network in ONNX Runtime, against this program.
test-onnxruntime:
	@sh scripts/test-onnxruntime.sh

# Every network of models/zoo, and random prunings of it, in ONNX Runtime against this program.
test-zoo:
	@sh scripts/test-zoo.sh

# Ten times as many random networks as `make test` has, and as many random operators; PAGCP_GRAPHS says how many.
test-graphs:
	@PAGCP_GRAPHS=$${PAGCP_GRAPHS:-10000} sh scripts/test.sh random_

# ONNX's own tests of single operators.
test-conformance:
	@sh scripts/test-conformance.sh

# What Mesa's compiler for AMD GPUs makes of the kernels, without such a GPU, against docs/isa.md.
test-isa:
	@sh scripts/test-isa.sh

# The kernels in Chromium's WGSL compiler, Tint.
test-tint:
	@sh scripts/test-tint.sh

# Pruning methods at equal sizes, before and after equal training: docs/results.md and its plots.
results:
	@sh scripts/results.sh

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --lib --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

.PHONY: demo test test-graphs test-swiftshader test-onnxruntime test-zoo test-conformance test-isa test-tint results lint
