#!/usr/bin/env bash
# Runs the core and the tests that hurt it under sanitizers: scripts/sanitize.sh [shortage] [address] [thread], all by
# default. Not one report is accepted, and no step may take longer than its time.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/fuzz-build.sh
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(shortage address thread)
export SWIFT_BACKTRACE=enable=no
# Only computes, and for long.
timed='CallSimulationTests'

# Fails every allocation of the core in turn, in each script of the fuzzer's corpus.
shortage() {
    mkdir -p .build-fuzz
    fuzz_build refuse .build-fuzz/refuse_allocations -g -O1 -fsanitize=address,undefined \
        -fno-sanitize-recover=undefined -fuse-ld=lld
    .build-fuzz/refuse_allocations Tests/Fuzz/corpus/core/*
}

# limited LOG SECONDS COMMAND...: runs a step that must end by itself within its time; what it says goes to the log. Only
# the time is judged here.
limited() {
    local log=$1 seconds=$2 status=0
    shift 2
    timeout --kill-after=30 "$seconds" "$@" >>"$log" 2>&1 || status=$?
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        echo "sanitize: not over after $seconds s: $*" | tee -a "$log"
        return 1
    fi
}

# under NAME SWIFT-FLAGS...: the tests, and a hundred calls. The verdict is the sanitizer's: it makes everything several
# times slower, so tests that miss a deadline under it are named, and count where they run without it. But each step must
# come to its end, and have said so.
under() {
    local name=$1 log=.build-$1/sanitized.log ended=yes
    shift
    local flags=("$@" -Xswiftc -use-ld=lld -j "$(nproc)" --scratch-path ".build-$name")
    swift build --build-tests "${flags[@]}" | tail -1
    : >"$log"
    limited "$log" 600 swift test --skip-build "${flags[@]}" --filter 'CTrunkTests|TrunkTests' --skip "$timed" || ended=no
    # One after the other: together they starve each other of a slow machine's cores, and nobody is in time. Floods must
    # outrun a server that is slowed down as they are: theirs run without a sanitizer only.
    limited "$log" 900 swift test --no-parallel --skip-build "${flags[@]}" --filter HostileTests \
        --skip 'PressureTests|manyRequests' || ended=no
    limited "$log" 300 ".build-$name/debug/trunkline" selftest --calls 100 --seconds 10 --only-frames || ended=no
    grep -E '✘ Test .* failed|^FAILED' "$log" | sed 's/^/late under the sanitizer: /' || true
    # All three came to their end, and nothing was reported.
    if [ $ended = no ] || [ "$(grep -c 'Test run with' "$log")" -lt 2 ] || ! grep -q 'calls .* at once' "$log" ||
        grep -E 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|crashed' "$log"; then
        echo "sanitize: $name found something; see $log"
        return 1
    fi
    echo "sanitize: $name is clean"
}

address() {
    ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS="suppressions=$PWD/Tests/Sanitizers/leak.supp:print_suppressions=0" \
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        under address --sanitize=address -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined
}

thread() {
    TSAN_OPTIONS=halt_on_error=0 under thread --sanitize=thread
}

for part in "${parts[@]}"; do
    echo "sanitize: $part"
    "$part"
done
