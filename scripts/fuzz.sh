#!/usr/bin/env bash
# Fuzzes what reads from outside, with libFuzzer under the address and undefined behaviour sanitizers.
set -euo pipefail

targets=(texts:texts json:texts schemas:texts lines:requests structs:requests model_bytes:models metadata:models
         gzip_lines:files request_files:files lists_folders:files arrays:files)

usage() {
    cat <<TXT
usage: scripts/fuzz.sh MINUTES [TARGET...]

Runs each target for so many minutes, two at a time (PSAD_FUZZ_JOBS), and prints executions and edges. Wants clang++. What
was found stays in build/fuzz: the corpus of each target, which the next run begins with; inputs that broke something, as
crash-*, timeout-* and oom-*; and all figures so far in figures.tsv.

  --keep    afterwards writes the smallest corpus that covers the same into tests/fuzz/corpus, for the tests
  TARGET    ${targets[*]%%:*}
TXT
}

keep=false
if [ "${1:-}" = --keep ]; then keep=true && shift; fi
case ${1:-} in
    '' | *[!0-9.]*)
        usage
        [ "${1:-}" = --help ] && exit 0 || exit 2
        ;;
esac
minutes=$1 && shift
wanted=("$@")
cd "$(dirname "$0")/.."
out=$PWD/build/fuzz
mkdir -p "$out"

build() { # NAME HEADER
    local flags=(-std=c++20 -O1 -g1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined
        -fno-sanitize-recover=undefined -Iinclude -Itests -Itests/fuzz -isystem /usr/include/eigen3)
    ${CXX:-clang++} "${flags[@]}" -DPSAD_FUZZ="$1" "-DPSAD_FUZZ_HEADER=\"$2.hpp\"" tests/fuzz/main.cpp -o "$out/$1" \
        -lz -ltbb -lsimdjson
}
run() { # NAME
    local name=$1 corpus=$out/corpus-$1 log=$out/$1.log
    mkdir -p "$corpus"
    "$out/$name" --seeds "$corpus"
    [ -f "tests/fuzz/corpus/$name.bin" ] && python3 tests/fuzz/corpus.py unpack "tests/fuzz/corpus/$name.bin" "$corpus"
    local start=$SECONDS code=0
    "$out/$name" "$corpus" -max_total_time="$(python3 -c "print(int(60 * $minutes))")" -timeout=5 -rss_limit_mb=2048 \
        -malloc_limit_mb=512 -max_len=20000 -len_control=50 -print_final_stats=1 -reload=0 \
        -artifact_prefix="$out/$name-" >"$log" 2>&1 || code=$?
    local executions edges
    executions=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)
    printf '%s\t%s\t%s\t%s\t%s\n' "$(date +%F)" "$name" "${executions:-0}" "${edges:-0}" "$((SECONDS - start))" >>"$out/figures.tsv"
    printf '%-14s %12s executions %7s edges, exit code %d\n' "$name" "${executions:-0}" "${edges:-0}" $code
    if $keep && [ $code = 0 ]; then
        rm -rf "$out/merged-$name" && mkdir "$out/merged-$name"
        "$out/$name" -merge=1 -max_len=4000 "$out/merged-$name" "$corpus" >/dev/null 2>&1
        python3 tests/fuzz/corpus.py pack "$out/merged-$name" "tests/fuzz/corpus/$name.bin"
    fi
    return $code
}

names=()
for target in "${targets[@]}"; do
    name=${target%%:*}
    if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then continue; fi
    { [ "$out/$name" -nt tests/fuzz/main.cpp ] && [ -n "${PSAD_FUZZ_BUILT:-}" ]; } || build "$name" "${target##*:}"
    names+=("$name")
done
[ ${#names[@]} -gt 0 ] || { usage >&2 && exit 2; }

failed=0
for name in "${names[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "${PSAD_FUZZ_JOBS:-2}" ]; do wait -n || failed=1; done
    run "$name" &
done
while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n || failed=1; done
awk -F'\t' '{n[$2] += $3; if ($4 > e[$2]) e[$2] = $4; all += $3} END {printf "so far:\n"; for (t in n) printf "  %-14s %13d executions, %d edges\n", t, n[t], e[t]; printf "  %-14s %13d executions\n", "all", all}' "$out/figures.tsv"
exit $failed
