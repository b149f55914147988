#!/usr/bin/env bash
# Everything that must hold before a change lands.
set -euo pipefail

usage() {
    cat <<TXT
usage: scripts/test.sh [--quick]

Installs what is missing, then builds psad with tests, program, examples and benchmarks (g++, the preset "test"; for
CUDA cards too, if there is nvcc) and runs every test, on a card if there is one; compiles every header alone and
runs the portable kernels with clang++ where there is one, compiles the kernels for Arm; and runs the unit tests
under the address and undefined behaviour sanitizers (of clang++ where there is one).

  --quick   only the optimised build and its tests
  --help    this text

CMAKE_BUILD_PARALLEL_LEVEL sets the number of jobs; without it there are as many as processors.
TXT
}

quick=false
for argument in "$@"; do
    case $argument in
        --quick) quick=true ;;
        --help | -h)
            usage
            exit 0
            ;;
        *)
            usage >&2
            exit 2
            ;;
    esac
done

cd "$(dirname "$0")/.."
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
export CTEST_PARALLEL_LEVEL=$CMAKE_BUILD_PARALLEL_LEVEL

step() { printf '\n== %s (%d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

step "set up"
scripts/setup.sh --tests

# A CUDA toolkit is not always on the PATH.
cuda=OFF
for nvcc in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
    if [ -x "$nvcc" ]; then
        export CUDACXX=$nvcc
        cuda=ON
        # Without a card nothing runs: code for one architecture shows that all compiles.
        [ -e /dev/nvidia0 ] || export CUDAARCHS=${CUDAARCHS:-90}
        break
    fi
done
[ $cuda = ON ] || printf '\n== CUDA: SKIPPED, there is no nvcc\n'

step "optimised: build"
# g++ collects its garbage from 2 GB on: an eighth of the time to compile.
cmake --preset test -DCMAKE_CXX_COMPILER=g++ -DCMAKE_CXX_FLAGS=--param=ggc-min-heapsize=2000000 -DPSAD_WITH_CUDA=$cuda
cmake --build --preset test
step "optimised: test"
# One compiler is enough to find a header that does not stand alone: clang++ below.
alone=()
if ! $quick && command -v clang++ >/dev/null; then alone=(--exclude-regex headers_alone); fi
ctest --preset test "${alone[@]}"
if [ $cuda = ON ]; then
    step "CUDA: on a card"
    scripts/gpu-check.sh build/test
fi

if ! $quick; then
    if command -v clang++ >/dev/null; then
        # Some warnings appear only where a kernel is instantiated and optimised: hence a program too.
        step "headers, a program and the portable kernels with clang++"
        cmake -S . -B build/clang -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++ \
            -DPSAD_WERROR=ON -DPSAD_BUILD_TOOLS=OFF -DPSAD_BUILD_BENCHMARKS=OFF
        cmake --build build/clang --target psad_header_check psad_example_own_layer psad_portable_tests
        build/clang/tests/psad_portable_tests
    else
        step "headers with clang++: left out, there is none here"
    fi
    if command -v aarch64-linux-gnu-g++ >/dev/null; then
        step "kernels for Arm: compile"
        aarch64-linux-gnu-g++ -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Iinclude -Itests \
            -isystem /usr/include/eigen3 -idirafter /usr/include -fsyntax-only tests/backend_conformance_test.cpp
    else
        step "kernels for Arm: left out, there is no aarch64-linux-gnu-g++"
    fi
    step "sanitizers: build"
    # clang++ compiles instrumented code in half the time, and shows what it warns of in all the tests.
    sanitizing=(-DCMAKE_CXX_COMPILER=g++)
    if command -v clang++ >/dev/null; then sanitizing=(-DCMAKE_CXX_COMPILER=clang++ -DPSAD_WERROR=ON); fi
    cmake --preset asan "${sanitizing[@]}"
    cmake --build --preset asan
    step "sanitizers: test"
    ctest --preset asan
fi

step "all passed"
