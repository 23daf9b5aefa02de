# Sourced by the other scripts: what Debian and Ubuntu need besides Rust. Installs only what is missing, and says so.

install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup: please install $* (this script can only do it with apt-get)" >&2
        exit 1
    fi
    echo "setup: installing $*"
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}" # Mesa complains where there is none.

# A linker, which rustup does not bring.
need_linker() {
    command -v cc >/dev/null 2>&1 || install gcc libc6-dev
}

# A GPU that the program given as $1 can use; Mesa's CPU device where there is none.
need_adapter() {
    if "$1" devices >/dev/null 2>&1; then
        return
    fi
    echo "setup: no Vulkan adapter found"
    install libvulkan1 mesa-vulkan-drivers
    "$1" devices >/dev/null
}

# The Python packages that tests compare with, in target/onnxruntime-venv.
need_onnx() {
    venv=target/onnxruntime-venv
    if [ ! -x "$venv/bin/python" ]; then
        python3 -m venv "$venv" 2>/dev/null || { install python3-venv; python3 -m venv "$venv"; }
    fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.16.2 onnxruntime numpy pillow
}
