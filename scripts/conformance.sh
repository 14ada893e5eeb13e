#!/usr/bin/env bash
# Runs Autobahn|Testsuite against our legs in both roles; all 301 cases must pass strictly. With a second argument over
# TLS as well. Skips with one line where the suite's kit is absent.
set -euo pipefail
peer=$(realpath "$1")
with_tls=${2:-}
kit=$(realpath "$(dirname "$0")/../../shared/autobahn" 2>/dev/null || true)
if [ ! -f "$kit/ab.py" ]; then
  echo "conformance: skipped, no Autobahn kit in ../shared/autobahn"
  exit 0
fi
bash "$kit/setup.sh" >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 "$kit/ab.py" server --url ws://127.0.0.1:9001 --start "$peer server --port 9001" --agent server --cases core --shards 2
python3 "$kit/ab.py" client --start "$peer client {url} {agent}" --port 9011 --agent client --cases core
[ -n "$with_tls" ] || exit 0
"$peer" certificate "$work"
python3 "$kit/ab.py" server --url wss://127.0.0.1:9443 --start "$peer server --port 9443 --tls $work" --agent server-tls --cases core
python3 "$kit/ab.py" client --cert "$work/loopback-certificate.pem" --key "$work/loopback-key.pem" \
  --start "$peer client {url} {agent} --ca-file $work/loopback-certificate.pem" --port 9012 --agent client-tls --cases core
