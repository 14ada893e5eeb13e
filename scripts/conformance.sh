#!/usr/bin/env bash
# Runs Autobahn|Testsuite against our legs in both roles. Runs: tcp, tls, one-byte (every read and write of a socket is one
# byte long), compression (which is refused: each of its 216 cases must end as unimplemented, with a proper close). All
# 301 other cases must pass strictly. Skips with one line where the suite's kit is absent.
set -euo pipefail
peer=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
kit=$(realpath "$here/../../shared/autobahn" 2>/dev/null || true)
if [ ! -f "$kit/ab.py" ]; then
  echo "conformance: skipped, no Autobahn kit in ../shared/autobahn"
  exit 0
fi
bash "$kit/setup.sh" >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

server() { python3 "$kit/ab.py" server --url ws://127.0.0.1:9001 --agent "$1" --start "${*:2} server --port 9001" "${cases[@]}"; }
client() { python3 "$kit/ab.py" client --port 9011 --agent "$1" --start "${*:2} client {url} {agent}" "${cases[@]}"; }

over_tls() {
  "$peer" certificate "$work"
  python3 "$kit/ab.py" server --url wss://127.0.0.1:9443 --start "$peer server --port 9443 --tls $work" --agent server-tls \
    "${cases[@]}"
  python3 "$kit/ab.py" client --cert "$work/loopback-certificate.pem" --key "$work/loopback-key.pem" \
    --start "$peer client {url} {agent} --ca-file $work/loopback-certificate.pem" --port 9012 --agent client-tls \
    "${cases[@]}"
}

# The suite counts a case that was not negotiated as "unimplemented"; anything else is a fault.
refused() {
  python3 - "$1" <<'PYTHON'
import glob, json, sys
verdicts = [
    case
    for path in glob.glob(sys.argv[1] + "/**/index.json", recursive=True)
    for agent in json.load(open(path)).values()
    for case in agent.values()
]
proper = [c for c in verdicts if c["behavior"] == "UNIMPLEMENTED" and c["behaviorClose"] in ("OK", "INFORMATIONAL")]
print(f"compression: {len(proper)} of {len(verdicts)} cases unimplemented with a proper close, 216 expected")
sys.exit(len(proper) != 216 or len(verdicts) != 216)
PYTHON
}

for run in "$@"; do
  echo "conformance: $run"
  cases=(--cases core --timeout 3600)
  case $run in
  tcp)
    server server "$peer"
    client client "$peer"
    ;;
  tls) over_tls ;;
  one-byte)
    clang -std=c17 -O2 -shared -fPIC "$here/../Tests/Conformance/torn.c" -o torn.so -ldl
    # The largest messages (4 to 16 MiB) come in sevens: byte by byte the suite's own time limits end them.
    for bytes in 1 7; do
      some='9.1.5,9.1.6,9.2.4,9.2.5,9.2.6'
      [ $bytes = 7 ] || some='quick,9.1.1,9.1.2,9.1.3,9.1.4,9.2.1,9.2.2,9.2.3,9.3.*,9.4.*,9.5.*,9.6.*,9.7.*,9.8.*'
      cases=(--cases "$some" --timeout 3600)
      for role in server client; do
        $role "$role-torn-$bytes" env "TORN_BYTES=$bytes" "LD_PRELOAD=$work/torn.so" "$peer"
      done
    done
    ;;
  compression)
    # The suite's own summary takes "unimplemented" for a failure.
    for role in server client; do
      cases=(--cases deflate --timeout 3600 --out "$work/compression-$role")
      $role "$role-compression" "$peer" >/dev/null || true
      refused "$work/compression-$role"
    done
    ;;
  *)
    echo "conformance: no run is called $run"
    exit 2
    ;;
  esac
done
