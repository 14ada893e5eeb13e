#!/usr/bin/env bash
# Tests the dashboard in Chromium, against its mock server, or against a running server when TRUNKLINE_URL (and
# TRUNKLINE_TOKEN) is set. Installs what is missing: Chromium from Debian, the rest from PyPI into a folder of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v chromium >/dev/null 2>&1; then
  scripts/setup.sh chromium
fi

python=${PYTHON:-python3}
wanted="import aiohttp, axe_playwright_python, playwright, pytest"
if ! "$python" -c "$wanted" 2>/dev/null; then
  venv=.build-dashboard/venv
  python=$venv/bin/python
  if ! "$python" -c "$wanted" 2>/dev/null; then
    echo "dashboard-test: installing pytest, playwright, axe and aiohttp into $venv"
    "${PYTHON:-python3}" -m venv "$venv" 2>/dev/null || { scripts/setup.sh python3-venv && python3 -m venv "$venv"; }
    "$python" -m pip install -q --disable-pip-version-check -r Tests/Dashboard/requirements.txt
  fi
fi
exec "$python" -m pytest Tests/Dashboard -q -p no:cacheprovider "$@"
