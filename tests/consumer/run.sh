#!/usr/bin/env bash
# Builds and runs the consumer project with psad installed from BUILD_DIR, then with SOURCE_DIR as a subfolder.
# The environment's CXX, if set, is the compiler.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: $0 BUILD_DIR SOURCE_DIR" >&2
    exit 2
fi
build=$1
source=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

consume() {
    local name=$1
    shift
    echo "== $name"
    cmake -S "$here" -B "$work/$name" -DCMAKE_BUILD_TYPE=Debug "$@"
    cmake --build "$work/$name"
    "$work/$name/consumer"
}

cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved" # an installed psad must not remember where it was installed
consume installed -DCMAKE_PREFIX_PATH="$work/moved"

consume subfolder -DPSAD_SOURCE="$source"
cmake --install "$work/subfolder" --prefix "$work/parent" >/dev/null
if [ -e "$work/parent/include/psad" ]; then
    echo "psad installs itself along with another project" >&2
    exit 1
fi
