#!/bin/bash
# Fuzzes the C core: scripts/fuzz.sh SECONDS [target...]. Builds all targets into .build-fuzz and runs each for so many
# seconds on a copy of its corpus; one line a target, and not zero when there is a finding. What crashed stays in
# .build-fuzz/findings, what was new in .build-fuzz/grown (the next run and scripts/coverage.sh begin with it).
set -uo pipefail
cd "$(dirname "$0")/.."
source scripts/fuzz-build.sh

seconds=${1:?usage: scripts/fuzz.sh SECONDS [target...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${FUZZ_TARGETS[@]}")

build=.build-fuzz
mkdir -p $build/findings $build/grown
flags=(-g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -fuse-ld=lld)
for target in "${targets[@]}"; do
    fuzz_build "$target" "$build/fuzz_$target" "${flags[@]}" || exit 1
done

# Fuzzes one target and prints its line.
fuzz_one() {
    local target=$1 log=$build/$1.log corpus=$build/corpus-$1
    rm -rf "$corpus" && mkdir -p "$corpus" "$build/grown/$target"
    cp Tests/Fuzz/corpus/"$target"/* "$corpus"/
    local dictionary=()
    [ -f "Tests/Fuzz/$target.dict" ] && dictionary=(-dict="Tests/Fuzz/$target.dict")
    "$build/fuzz_$target" "$build/grown/$target" "$corpus" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 \
        -max_len="$(fuzz_length "$target")" -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
        "${dictionary[@]}" >"$log" 2>&1
    local status=$?
    local runs rate cover
    runs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")
    rate=$(awk '/stat::average_exec_per_sec/ { print $2 }' "$log")
    cover=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    if [ $status -eq 0 ]; then
        printf '%-10s %10s executions %8s/s %6s edges\n' "$target" "$runs" "$rate" "$cover"
        return 0
    fi
    printf '%-10s FINDING after %s executions: %s\n%s\n' "$target" "${runs:-0}" \
        "$(grep -m1 -E 'broken:|ERROR: |runtime error' "$log")" \
        "$(sed -n "s/.*Test unit written to /           input: /p" "$log")"
    return 1
}

# As many at once as there are cores.
failed=0
running=0
for target in "${targets[@]}"; do
    if [ $running -ge "$(nproc)" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    fuzz_one "$target" &
    running=$((running + 1))
done
while [ $running -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit $failed
