#!/usr/bin/env bash
# Every `Suite.test` that a document names as a proof must be a function of that suite.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=0
while IFS=. read -r suite test; do
  files=$(grep -rlE "(struct|class|extension|enum) $suite\b" Tests --include='*.swift' || true)
  if [ -z "$files" ] || ! grep -qE "func $test\b" $files; then
    echo "check-docs: $suite.$test is named in docs, but is no test" >&2
    missing=1
  fi
done < <(grep -hoE '`[A-Z][A-Za-z]*Tests\.[a-z][A-Za-z0-9]*`' docs/*.md README.md | tr -d '`' | sort -u)
exit $missing
