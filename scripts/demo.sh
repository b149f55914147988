#!/usr/bin/env bash
# From a fresh checkout to reranked lists on the screen.
set -euo pipefail

usage() {
    cat <<TXT
usage: scripts/demo.sh

Installs what is missing, builds the program psad with the default variant alone, and trains that on the bundled log of
short videos (data/kuairand-dev). Compares the model on the test lists with the order that was shown, with the best
single feature, and with LambdaMART on the same inputs if there is python3-xgboost. Shows two lists reranked, with
reasons. Everything it makes lies in build/demo.

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
data=data/kuairand-dev
tables=(--items $data/items.jsonl.gz --users $data/users.jsonl.gz)
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
$psad train --train $data/train.jsonl.gz --valid $data/valid.jsonl.gz "${tables[@]}" \
    --out $out/model.safetensors --json $out/train.json

others=()
if /usr/bin/python3 -c 'import xgboost' 2>/dev/null; then
    step "LambdaMART on the same inputs, one setting"
    /usr/bin/python3 benchmarks/quality lambdamart --one-setting --program $psad $data $out/lambdamart.jsonl
    others=(--orders LambdaMART=$out/lambdamart.jsonl)
fi

step "compare on the test lists"
$psad evaluate --model $out/model.safetensors --test $data/test.jsonl.gz "${tables[@]}" "${others[@]}" \
    --json $out/test.json

step "rerank two test lists"
scripts/show_rerank.py --psad $psad --model $out/model.safetensors --requests $data/test.jsonl.gz "${tables[@]}"

printf '== done in %d:%02d; model and figures lie in %s\n' $((SECONDS / 60)) $((SECONDS % 60)) $out
