#!/usr/bin/env bash
# Runs the core and the tests that hurt it under sanitizers: scripts/sanitize.sh [shortage] [address] [thread], all by
# default. Not one report is accepted.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/fuzz-build.sh
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(shortage address thread)
export SWIFT_BACKTRACE=enable=no
# Tests whose verdict is a time: a sanitizer makes everything several times slower.
timed='TruncationTests|LoadTests|SimulationTests|slowReader'

# Fails every allocation of the core in turn, in each script of the fuzzer's corpus.
shortage() {
    mkdir -p .build-fuzz
    fuzz_build refuse .build-fuzz/refuse_allocations -g -O1 -fsanitize=address,undefined \
        -fno-sanitize-recover=undefined -fuse-ld=lld
    .build-fuzz/refuse_allocations Tests/Fuzz/corpus/core/*
}

# under NAME SWIFT-FLAGS...: the tests, and a hundred calls.
under() {
    local name=$1
    shift
    local flags=("$@" -Xswiftc -use-ld=lld -j "$(nproc)" --scratch-path ".build-$name")
    swift build --build-tests "${flags[@]}"
    swift test --skip-build "${flags[@]}" --filter 'CTrunkTests|TrunkTests|HostileTests' --skip "$timed"
    ".build-$name/debug/trunkline" selftest --calls 100 --seconds 5 --only-frames
}

address() {
    ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS="suppressions=$PWD/Tests/Sanitizers/leak.supp:print_suppressions=0" \
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        under address --sanitize=address --sanitize=undefined
}

thread() {
    TSAN_OPTIONS=halt_on_error=1 under thread --sanitize=thread
}

for part in "${parts[@]}"; do
    echo "sanitize: $part"
    "$part"
done
