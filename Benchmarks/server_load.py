#!/usr/bin/env python3
"""The whole server under load: `trunkline serve` beside the bare relay in one run of bench-relay, with people who watch.

    server_load.py PROGRAMS records   100 calls with records, recordings and 3 dashboards: at most 1.3 of the relay's CPU for a
                                      call, no turn of the loop above 10 ms
    server_load.py PROGRAMS viewers   300 calls with 10 viewers of every event: at most 1.2 of the relay's CPU

No frame may be lost in either. PROGRAMS is the folder of the built commands. Figures move with what else the machine does:
the ratio and the frames are what counts."""
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SCENES = {
    "records": dict(calls=100, viewers=3, path="/ws/live", ratio=1.3, turn_ms=10, recording="on"),
    "viewers": dict(calls=300, viewers=10, path="/ws/logs", ratio=1.2, turn_ms=None, recording="off"),
}
SECONDS = 15


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Viewer(threading.Thread):
    """A WebSocket that reads everything and answers pings."""

    def __init__(self, port, path):
        super().__init__(daemon=True)
        self.messages, self.is_open = 0, True
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: dHJ1bmtsaW5lIGJlbmNocw==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline()
        if b" 101 " not in status:
            raise RuntimeError(f"{path} answered {status.decode().strip()}")
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def run(self):
        try:
            while True:
                first, second = self.file.read(2)
                size = second & 0x7F
                if size == 126:
                    size, = struct.unpack(">H", self.file.read(2))
                elif size == 127:
                    size, = struct.unpack(">Q", self.file.read(8))
                payload = self.file.read(size)
                if first & 0x0F == 9:
                    # A mask of zeros is one, too.
                    self.socket.sendall(bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
                elif first & 0x0F == 8:
                    break
                else:
                    self.messages += 1
        except (OSError, ValueError):
            pass
        self.is_open = False


class Serving:
    """`trunkline serve` in a folder of its own."""

    def __init__(self, program, folder, scene, model_port):
        self.port = free_port()
        self.log = open(folder / "serve.log", "wb")
        self.process = subprocess.Popen([program, "serve"], cwd=folder, stdout=self.log, stderr=self.log, env={
            "PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(self.port), "OPENAI_API_KEY": "bench",
            "OPENAI_REALTIME_URL": f"ws://127.0.0.1:{model_port}/v1/realtime", "DATABASE_PATH": str(folder / "calls.db"),
            "RECORDING": scene["recording"], "RECORDINGS_PATH": str(folder / "recordings")})
        for _ in range(200):
            try:
                self.metrics()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the server did not start: {(folder / 'serve.log').read_text()}")

    def metrics(self):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10).read().decode()
        return {name: float(value) for name, value in re.findall(r"^([^#\s]+) (\S+)$", text, re.M)}

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def main():
    programs, name = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    scene = SCENES[name]
    failures = []

    def holds(condition, words):
        print(f"- {'holds' if condition else 'FAILED'}: {words}", flush=True)
        if not condition:
            failures.append(words)

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model_port = free_port()
        server = Serving(programs / "trunkline", folder, scene, model_port)
        try:
            viewers = [Viewer(server.port, scene["path"]) for _ in range(scene["viewers"])]
            for viewer in viewers:
                viewer.start()
            subprocess.run([programs / "bench-relay", "--calls", str(scene["calls"]), "--seconds", str(SECONDS), "--no-tls",
                            "--against", f"ws://127.0.0.1:{server.port}/media-stream", "--pid", str(server.process.pid),
                            "--model-port", str(model_port), "--json", folder / "result.json"], check=True)
            time.sleep(1)
            metrics = server.metrics()
            result = json.loads((folder / "result.json").read_text())
            relay, other = result["relay"][-1], result["other"][-1]
            ratio = other["cpu_ms_per_call_second"] / relay["cpu_ms_per_call_second"]
            holds(ratio <= scene["ratio"], f"CPU for a second of a call {other['cpu_ms_per_call_second']:.2f} ms, of the bare relay "
                  f"{relay['cpu_ms_per_call_second']:.2f}: {ratio:.2f} (at most {scene['ratio']})")
            holds(not other["failures"], "no frame lost, repeated or out of order"
                  + "".join(f"; {failure}" for failure in other["failures"]))
            longest = max(value for key, value in metrics.items() if key.startswith("trunkline_loop_turn_longest_seconds")) * 1e3
            if scene["turn_ms"]:
                holds(longest <= scene["turn_ms"], f"longest turn of the loop {longest:.1f} ms (at most {scene['turn_ms']})")
            dropped = sum(value for key, value in metrics.items() if re.search("record.*dropped|tap.*dropped", key))
            holds(dropped == 0, f"{dropped:.0f} records and pieces of audio dropped")
            still = sum(viewer.is_open for viewer in viewers)
            holds(still == len(viewers), f"{still} of {len(viewers)} viewers are still there, with "
                  f"{min(viewer.messages for viewer in viewers)} messages or more")
        finally:
            server.stop()
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
