#!/usr/bin/env bash
# Installs Debian packages that are missing. Does nothing when all are there; works as root and with sudo.
set -euo pipefail

if ! command -v swift >/dev/null 2>&1; then
  echo "setup: the Swift toolchain (6.1 or later) is missing: see https://www.swift.org/install" >&2
  exit 1
fi

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
  missing=()
  for library in libuv openssl opus zlib sqlite3; do
    pkg-config --exists "$library" 2>/dev/null || missing+=("$library")
  done
  command -v pkg-config >/dev/null 2>&1 || missing=(pkg-config libuv openssl opus zlib sqlite3)
  [ ${#missing[@]} -eq 0 ] && exit 0
  echo "setup: no apt here; install the development files of: ${missing[*]}" >&2
  exit 1
fi

missing=()
for package in "$@"; do
  installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup: please install as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  run=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
