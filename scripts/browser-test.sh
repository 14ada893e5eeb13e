#!/usr/bin/env bash
# Tests a page (Dashboard or Talk, a folder of Tests) in Chromium, against its mock server, or against a running server when
# TRUNKLINE_URL (and TRUNKLINE_TOKEN) is set. Installs what is missing: Chromium and libopus from Debian, the rest from PyPI
# into a folder of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=Tests/$1
shift

if ! command -v chromium >/dev/null 2>&1; then
  scripts/setup.sh chromium
fi

python=${PYTHON:-python3}
wanted="import aiohttp, axe_playwright_python, playwright, pytest, pytest_rerunfailures"
if [ "$tests" = Tests/Talk ]; then
  wanted+=", numpy"
  "$python" -c 'import ctypes.util, sys; sys.exit(ctypes.util.find_library("opus") is None)' || scripts/setup.sh libopus0
fi
if ! "$python" -c "$wanted" 2>/dev/null; then
  venv=.build-dashboard/venv
  python=$venv/bin/python
  if ! "$python" -c "$wanted" 2>/dev/null; then
    echo "browser-test: installing what $tests/requirements.txt names into $venv"
    "${PYTHON:-python3}" -m venv "$venv" 2>/dev/null || { scripts/setup.sh python3-venv && python3 -m venv "$venv"; }
    "$python" -m pip install -q --disable-pip-version-check -r "$tests/requirements.txt"
  fi
fi
exec "$python" -m pytest "$tests" -q -p no:cacheprovider "$@"
