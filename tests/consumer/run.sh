#!/usr/bin/env bash
# psad as others use it: installed from BUILD_DIR and moved, all of it or a server's components, by CMake or pkg-config; as
# a subfolder (SOURCE_DIR); objects of other flags and versions in one program; and the installed program on its own.
# The environment's CXX, if set, is the compiler.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: $0 BUILD_DIR SOURCE_DIR" >&2
    exit 2
fi
build=$1
source=$2
compiler=${CXX:-c++}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

configure_and_build() {
    local name=$1
    shift
    echo "== $name"
    cmake -S "$here" -B "$work/$name" -DCMAKE_BUILD_TYPE=Debug "$@"
    cmake --build "$work/$name"
}

cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved" # an installed psad must not remember where it was installed
prefix=$work/moved

# Another version: the same headers under another number.
cp -r "$prefix/include" "$work/other_version"
sed -i 's/^#define PSAD_VERSION_PATCH .*/#define PSAD_VERSION_PATCH 99/' "$work/other_version/psad/core/version.hpp"

configure_and_build installed -DCMAKE_PREFIX_PATH="$prefix" -DPSAD_OTHER_VERSION="$work/other_version"
"$work/installed/consumer"
[ ! -e "$work/installed/mixed" ] || "$work/installed/mixed"

configure_and_build server -DCMAKE_PREFIX_PATH="$prefix" "-DPSAD_WANTED=cpu;model_file" \
    -DCMAKE_DISABLE_FIND_PACKAGE_xtensor=ON -DCMAKE_DISABLE_FIND_PACKAGE_simdjson=ON
"$work/server/server"
flags=$(PKG_CONFIG_PATH=$prefix/share/pkgconfig pkg-config --cflags psad)
# shellcheck disable=SC2086 # flags are words
"$compiler" -std=c++20 $flags -M "$here/server.cpp" >"$work/includes"
if grep -q xtensor "$work/includes"; then
    echo "a server includes xtensor" >&2
    exit 1
fi
echo "== by pkg-config"
# shellcheck disable=SC2046,SC2086
"$compiler" -std=c++20 $flags "$here/main.cpp" "$here/other.cpp" -o "$work/by_pkg_config" \
    $(PKG_CONFIG_PATH=$prefix/share/pkgconfig pkg-config --libs psad)
"$work/by_pkg_config"

configure_and_build subfolder -DPSAD_SOURCE="$source"
"$work/subfolder/consumer"
cmake --install "$work/subfolder" --prefix "$work/parent" >/dev/null
if [ -e "$work/parent/include/psad" ]; then
    echo "psad installs itself along with another project" >&2
    exit 1
fi

[ -e "$prefix/bin/psad" ] || exit 0
echo "== the installed program"
if grep -qaF "$source/" "$prefix/bin/psad"; then
    echo "the installed program remembers its source folder" >&2
    exit 1
fi
cp -r "$source/data/movietweetings-ci" "$work/lists"
cd "$work"
"$prefix/bin/psad" --help >/dev/null
"$prefix/bin/psad" train --data lists --variant small --steps 2 --out model
"$prefix/bin/psad" evaluate --model model --data lists
printf '{"user": [4, 23, 7], "context": [3, 7], "candidates": [{"item": 3291}, {"item": 12}]}\n' |
    "$prefix/bin/psad" rerank --model model
