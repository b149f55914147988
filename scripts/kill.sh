#!/usr/bin/env bash
# Kills psad many times while it writes; see tests/faults/kills_test.py.
set -euo pipefail
if [[ ! ${1:-} =~ ^[0-9]+$ ]]; then
    echo "usage: scripts/kill.sh KILLS [BUILD_FOLDER]    (build/test, as scripts/test.sh makes it)"
    [ "${1:-}" = --help ] && exit 0 || exit 2
fi
cd "$(dirname "$0")/.."
build=${2:-build/test}
exec python3 tests/faults/kills_test.py "$build/tools/psad/psad" "$build/tests/libpsad_fail_calls.so" "$1"
