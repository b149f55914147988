#!/usr/bin/env bash
# Installs the Debian packages that building and testing psad needs and that are missing; quiet when none is.
set -euo pipefail

libraries="libeigen3-dev libtbb-dev libxtensor-dev nlohmann-json3-dev zlib1g-dev
           doctest-dev libcli11-dev libfmt-dev libbenchmark-dev"

missing=()
# A tool may come from elsewhere than Debian's package.
need_tool() { command -v "$1" >/dev/null || missing+=("$2"); }
need_tool g++ g++
need_tool cmake cmake
need_tool ninja ninja-build
need_tool python3 python3

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    cat >&2 <<TXT
This is no Debian, so install by hand what is missing of: a C++20 compiler (g++ 12 or clang 14, or later),
CMake 3.25, Ninja, Python 3, Eigen 3.4, oneTBB, xtensor, nlohmann-json 3.11, zlib, doctest, CLI11, fmt and
Google Benchmark. Then: cmake --preset release && cmake --build --preset release && ctest --preset release
TXT
    exit 1
fi

for package in $libraries; do
    status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
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
