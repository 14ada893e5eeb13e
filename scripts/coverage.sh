#!/bin/bash
# Line coverage of the C codecs by the fuzz corpora, and by what earlier runs of scripts/fuzz.sh have found. With a
# number, fails when the codecs' lines fall below so many percent: scripts/coverage.sh 95.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/fuzz-build.sh

# A profile's format goes with the compiler: its own tools first, then the system's.
compiler=$(command -v "$FUZZ_CC")
tools=$(dirname "$(readlink -f "$compiler")")
profdata= cov=
for folder in "$tools" $(dirname "$(command -v llvm-profdata 2>/dev/null || echo /none/x)") /usr/lib/llvm-*/bin; do
    [ -z "$profdata" ] && [ -x "$folder/llvm-profdata" ] && profdata=$folder/llvm-profdata
    [ -z "$cov" ] && [ -x "$folder/llvm-cov" ] && cov=$folder/llvm-cov
done
if [ -z "$profdata" ] || [ -z "$cov" ]; then
    echo "coverage: skipped, llvm-profdata or llvm-cov is not installed"
    exit 0
fi

build=.build-fuzz/coverage
rm -rf $build && mkdir -p $build
objects=() profiles=()
for target in "${FUZZ_TARGETS[@]}"; do
    fuzz_build "$target" "$build/fuzz_$target" -g -O1 -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping \
        -fuse-ld=lld
    inputs=("Tests/Fuzz/corpus/$target")
    [ -d ".build-fuzz/grown/$target" ] && inputs+=(".build-fuzz/grown/$target")
    LLVM_PROFILE_FILE=$build/$target.profraw "$build/fuzz_$target" -runs=0 -timeout=5 "${inputs[@]}" \
        >"$build/$target.log" 2>&1 || { tail -5 "$build/$target.log" && exit 1; }
    profiles+=("$build/$target.profraw")
    objects+=(-object "$build/fuzz_$target")
done
"$profdata" merge -o $build/all.profdata "${profiles[@]}"
"$cov" export -summary-only -instr-profile=$build/all.profdata "${objects[@]}" >$build/summary.json
python3 - "$build/summary.json" "${1:-0}" "${codecs[@]}" <<'PYTHON'
import json, os, sys

summary, least, codecs = sys.argv[1], float(sys.argv[2]), {os.path.basename(name) for name in sys.argv[3:]}
totals = {True: [0, 0], False: [0, 0]}
for file in sorted(json.load(open(summary))["data"][0]["files"], key=lambda file: file["filename"]):
    name, lines = file["filename"], file["summary"]["lines"]
    if "CSources/CTrunk/" not in name or lines["count"] == 0:
        continue
    is_codec = os.path.basename(name) in codecs
    totals[is_codec][0] += lines["covered"]
    totals[is_codec][1] += lines["count"]
    print(f"{os.path.basename(name):22} {lines['covered']:5} of {lines['count']:5} lines  {lines['percent']:6.2f} %")
for is_codec, label in ((True, "codecs"), (False, "rest of the core")):
    covered, count = totals[is_codec]
    print(f"{label:22} {covered:5} of {count:5} lines  {100 * covered / max(count, 1):6.2f} %")
covered, count = totals[True]
if 100 * covered / max(count, 1) < least:
    sys.exit(f"coverage: the codecs are below {least:g} %")
PYTHON
