#!/usr/bin/env bash
# From a fresh checkout to reranked lists on the screen.
set -euo pipefail

usage() {
    cat <<TXT
usage: scripts/demo.sh

Installs what is missing, builds the program psad with the default variant alone, trains that on the bundled film
ratings (data/movietweetings-ci), compares the model with the initial order on the test lists, and shows two of
them reranked. Everything it makes lies in build/demo.

  --help    this text

CMAKE_BUILD_PARALLEL_LEVEL sets the number of jobs; without it there are as many as processors.
TXT
}

for argument in "$@"; do
    case $argument in
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
out=build/demo
data=data/movietweetings-ci
psad=$out/tools/psad/psad

step() { printf '\n== %s (%d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

step "set up"
scripts/setup.sh

step "build the program"
cmake --log-level=WARNING -S . -B $out -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DPSAD_VARIANTS=Default -DPSAD_THRUST=OFF -DPSAD_WITH_CUDA=OFF \
    -DPSAD_BUILD_TESTS=OFF -DPSAD_BUILD_EXAMPLES=OFF -DPSAD_BUILD_BENCHMARKS=OFF
cmake --build $out

step "train: teacher and student together"
$psad train --data $data --out $out/model.safetensors --json $out/train.json

step "compare on the test lists"
$psad evaluate --model $out/model.safetensors --data $data --json $out/test.json

step "rerank two test lists"
scripts/show_rerank.py --psad $psad --model $out/model.safetensors --data $data --count 2

printf '== done in %d:%02d; model and figures lie in %s\n' $((SECONDS / 60)) $((SECONDS % 60)) $out
