#!/usr/bin/env bash
# Installs the Debian packages that are missing; quiet when none is.
set -euo pipefail

usage() {
    cat <<TXT
usage: scripts/setup.sh [--tests] [PACKAGE...]

Installs what building the program psad needs.

  --tests   also what tests, benchmarks and their other compilers need
  PACKAGE   also this Debian package
  --help    this text
TXT
}

tests=false
packages="libeigen3-dev libtbb-dev libxtensor-dev libsimdjson-dev nlohmann-json3-dev zlib1g-dev libcli11-dev libfmt-dev"
for argument in "$@"; do
    case $argument in
        --tests) tests=true ;;
        --help | -h)
            usage
            exit 0
            ;;
        -*)
            usage >&2
            exit 2
            ;;
        *) packages+=" $argument" ;;
    esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    cat >&2 <<TXT
This is no Debian, so install by hand what is missing of: a C++20 compiler (g++ 12 or clang 14, or later),
CMake 3.25, Ninja, Python 3, Eigen 3.4, oneTBB, xtensor, simdjson 3, nlohmann-json 3.11, zlib, CLI11 and fmt; for the tests
doctest, Google Benchmark, clang, g++ for AArch64 and pkg-config. Then: cmake --preset release &&
cmake --build --preset release && ctest --preset release
TXT
    exit 1
fi

missing=()
# A tool may come from elsewhere than Debian's package.
need_tool() { command -v "$1" >/dev/null || missing+=("$2"); }
installed() { [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

need_tool g++ g++
need_tool cmake cmake
need_tool ninja ninja-build
need_tool python3 python3
if $tests; then
    need_tool clang++ clang
    need_tool aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
    need_tool pkg-config pkg-config
    # fast_float reads numbers where the standard library is libc++.
    # Debian's clang++ comes without its sanitizers.
    packages+=" libclang-rt-dev doctest-dev libbenchmark-dev libfast-float-dev python3-matplotlib"
fi
for package in $packages; do
    installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing, and only root can install them: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
