#!/usr/bin/env bash
# What only a CUDA card can tell.
set -euo pipefail

usage() {
    cat <<TXT
usage: scripts/gpu-check.sh [BUILD]

Runs what was built with PSAD_WITH_CUDA (in BUILD, build/release if not given) on a CUDA card: the suite of all
devices, whole models, a training run beside the CPU's, compute-sanitizer, the throughput by batch size
beside the CPU's, and what ncu counts. Without a card it says SKIPPED.
TXT
}

case ${1:-} in
    --help | -h)
        usage
        exit 0
        ;;
    -*)
        usage >&2
        exit 2
        ;;
esac
if [ $# -gt 1 ]; then
    usage >&2
    exit 2
fi

cd "$(dirname "$0")/.."
build=${1:-build/release}
if [ ! -d "$build" ]; then
    echo "$build: found no such folder, wanted one that psad was built in" >&2
    exit 2
fi
tests=$build/tests psad=$build/tools/psad/psad devices=$build/benchmarks/psad_devices

for program in "$tests/psad_cuda_conformance" "$tests/psad_cuda_models" "$psad"; do
    if [ ! -x "$program" ]; then
        echo "SKIPPED: no $program; build with PSAD_WITH_CUDA=ON"
        exit 0
    fi
done
found=$("$tests/psad_cuda_conformance" --test-case=none 2>&1) || {
    echo "$found" >&2
    exit 1
}
if grep -q SKIPPED <<<"$found"; then
    echo "$found"
    exit 0
fi

step() { printf '\n== %s\n' "$1"; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step "the card"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader

step "the suite of all devices"
"$tests/psad_cuda_conformance"

step "whole models"
"$tests/psad_cuda_models"

# Lists of many features, some missing, with grades.
python3 - "$scratch/features.letor" <<'PY'
import random, sys
draw = random.Random(1)
with open(sys.argv[1], "w") as out:
    for q in range(600):
        for _ in range(12):
            x = [draw.gauss(0, 1) for _ in range(100)]
            grade = int(x[0] + x[1] > 0) + 2 * int(x[2] - x[3] > 1)
            cells = (f"{i}:{'nan' if draw.random() < .1 else round(v, 4)}" for i, v in enumerate(x, 1))
            out.write(f"{grade} qid:{q} {' '.join(cells)}\n")
PY

for lists in films features; do
    step "a training run beside the CPU's: $lists"
    read_by=(--data data/movietweetings-ci) test_by=(--data data/movietweetings-ci)
    [ $lists = films ] || { read_by=(--train "$scratch/features.letor") test_by=(--test "$scratch/features.letor"); }
    for device in cpu cuda; do
        name=$scratch/$lists-$device
        "$psad" train "${read_by[@]}" --variant small --steps 200 --shard 32 --device $device --out "$name.psad" \
            --json "$name.json"
        "$psad" evaluate "${test_by[@]}" --model "$name.psad" --json "$name-test.json"
    done
    python3 - "$scratch/$lists" <<'PY'
import json, sys
def of(name):
    return json.load(open(f"{sys.argv[1]}-{name}.json"))
a, b = of("cpu")["losses"], of("cuda")["losses"]
gaps = [abs(x - y) / abs(x) for x, y in zip(a, b, strict=True)]
for first in (20, 40, 100, 200):
    print(f"largest gap between the losses of the first {first} steps: {max(gaps[:first]):.2g}")
for who in ("student", "teacher"):
    print(who, "NDCG@10:", *(
        f"{device} {of(device + '-test')['orders'][who]['ndcg@10'][0]:.4f}" for device in ("cpu", "cuda")))
if max(gaps[:20]) > 1e-4:
    sys.exit("the first 20 losses are not those of the CPU to 1e-4")
PY
done

step "compute-sanitizer"
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck initcheck synccheck; do
        compute-sanitizer --tool $tool --print-limit 3 --error-exitcode 1 "$tests/psad_cuda_models"
    done
else
    echo "SKIPPED: no compute-sanitizer on the PATH"
fi

step "throughput by batch size"
if [ -x "$devices" ]; then
    "$devices"
else
    echo "SKIPPED: no $devices"
fi

step "launches and bytes"
if [ -x "$devices" ] && command -v ncu >/dev/null; then
    benchmarks/devices/count_launches.py "$devices"
else
    echo "SKIPPED: no $devices, or no ncu on the PATH"
fi

step "all passed"
