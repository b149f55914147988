#!/usr/bin/env bash
# Trains and judges one variant with several seeds.
set -euo pipefail

usage() {
    cat <<TXT
usage: scripts/quality.sh DATA_DIR [SEED...] [--name NAME] [-- TRAIN_ARGUMENT...]

Trains on a folder of lists once per seed (1 2 3 without any), evaluates on its test and validation lists,
and prints Markdown tables. The figures lie in build/quality/DATASET, or build/quality/DATASET-NAME with
--name. A seed whose figures exist is not trained again, so remove the folder after a change to psad.

What follows -- goes to "psad train", for example
    scripts/quality.sh data/movietweetings-ci 1 2 --name no-match -- --variant no-match
    scripts/quality.sh data/movietweetings-ci 1 2 --name alone -- --distillation 0

Where DATA_DIR does not exist nothing is done, and that is no failure. PSAD names a program to use instead of
the one that is built here.
TXT
}

wrong() {
    echo "quality.sh: $1" >&2
    usage >&2
    exit 2
}

data=
name=
seeds=()
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --name)
            [[ ${2:-} =~ ^[A-Za-z0-9._-]+$ ]] || wrong "--name: found '${2:-}', wanted letters, digits, . _ -"
            name=$2
            shift
            ;;
        --)
            shift
            break
            ;;
        *)
            if [ -z "$data" ]; then
                data=$1
            elif [[ $1 =~ ^[0-9]+$ ]]; then
                seeds+=("$1")
            else
                wrong "found '$1', wanted a seed (a whole number)"
            fi
            ;;
    esac
    shift
done
[ -n "$data" ] || wrong "wanted a folder of lists"
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3)
if [ ! -d "$data" ]; then
    echo "skipped: there is no folder $data"
    exit 0
fi
data=$(cd "$data" && pwd)
psad=${PSAD:+$(realpath "$PSAD")}

cd "$(dirname "$0")/.."
if [ -z "$psad" ]; then
    scripts/setup.sh
    cmake --log-level=WARNING --preset release
    cmake --build --preset release --target psad_cli
    psad=build/release/examples/psad
fi

out=build/quality/$(basename "$data")${name:+-$name}
mkdir -p "$out"
# Figures of different settings never share a folder.
if [ -e "$out/arguments" ] && [ "$(cat "$out/arguments")" != "$*" ]; then
    echo "quality.sh: $out holds figures made with '$(cat "$out/arguments")', not with '$*'; take another --name" >&2
    exit 2
fi
echo "$*" >"$out/arguments"

for seed in "${seeds[@]}"; do
    at=$out/seed-$seed
    if [ -e "$at.test.json" ] && [ -e "$at.valid.json" ]; then
        echo "seed $seed: there already"
        continue
    fi
    echo "seed $seed"
    "$psad" train --data "$data" --out "$at.safetensors" --json "$at.train.json" --seed "$seed" "$@"
    for split in valid test; do
        "$psad" evaluate --model "$at.safetensors" --data "$data" --split $split --json "$at.$split.json" >/dev/null
    done
done

for split in valid test; do
    echo
    scripts/quality_table.py "$out" --split $split --seeds "${seeds[@]}"
done
