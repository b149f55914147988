#!/usr/bin/env bash
# The same models with the same weights in psad, ONNX Runtime, LibTorch and PyTorch: compares scores, times all in turn.
set -euo pipefail

usage() {
    cat <<TXT
usage: benchmarks/peers/run.sh [--json FILE]

Installs the Debian packages that are missing, builds psad_peers, fetches ONNX Runtime from npm, writes the models
and their inputs, lets PyTorch make TorchScript and ONNX of them, and times all in turn on one core, then a joint
training step on one thread and on two. Writes FILE (default build/peers/peers.json) and beside it the same as a table
in Markdown.
TXT
}

root=$(cd "$(dirname "$0")/../.." && pwd)
json=$root/build/peers/peers.json
wrong() {
    echo "run.sh: $1" >&2
    usage >&2
    exit 2
}
while (($#)); do
    case $1 in
        --json)
            [[ $# -ge 2 && $2 == *.json ]] || wrong "found --json ${2-}, wanted the name of a .json file"
            json=$(realpath -m -- "$2")
            shift 2
            ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) wrong "found $1, wanted --json FILE" ;;
    esac
done

cd "$root"
packages=(libbenchmark-dev libopenblas0-pthread libtorch-dev python3-onnx python3-torch)
command -v npm >/dev/null || packages+=(npm)
scripts/setup.sh "${packages[@]}"
python=/usr/bin/python3 # Debian's, whose packages these are

mkdir -p build/peers
trap 'rm -f "$json.part" "$json.models" "$json.training"' EXIT
: >"$json.part" # before the work: it may not be possible

cmake -S . -B build/peers -G Ninja -DCMAKE_BUILD_TYPE=Release -DPSAD_BUILD_PEERS=ON \
    -DPSAD_THRUST=OFF -DPSAD_BUILD_TESTS=OFF -DPSAD_BUILD_TOOLS=OFF -DPSAD_BUILD_EXAMPLES=OFF --log-level=WARNING
cmake --build build/peers --target psad_peers

library=build/peers/onnxruntime/package/bin/napi-v6/linux/x64/libonnxruntime.so.1
if [[ ! -e $library ]]; then
    mkdir -p build/peers/onnxruntime
    (cd build/peers/onnxruntime && npm pack --silent onnxruntime-node@1.30.0 >/dev/null &&
        tar xzf onnxruntime-node-*.tgz) || { echo "run.sh: npm gave no onnxruntime-node" >&2; exit 1; }
fi

# As fast as the peers can be: their best instructions, one thread, and no memory handed back between calls.
unset OPENBLAS_CORETYPE
grep -q avx512f /proc/cpuinfo && export ATEN_CPU_CAPABILITY=avx512
export MALLOC_TRIM_THRESHOLD_=1000000000 MALLOC_MMAP_THRESHOLD_=1000000000

models=build/peers/models
program=build/peers/benchmarks/peers/psad_peers
rm -rf "$models"
"$program" write "$models"
OPENBLAS_NUM_THREADS=1 "$python" -W ignore benchmarks/peers/make_peers.py "$models"
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 taskset -c 0 "$program" time "$models" "$library" "$json.models"
"$program" train "$models" "$python" benchmarks/peers/train_peer.py "$json.training"
"$python" benchmarks/peers/as_table.py "$json.models" "$json.training" "$json"
