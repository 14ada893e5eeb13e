"""The server itself: the command, when it is built."""
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = [ROOT / ".build" / kind / "trunkline" for kind in ("debug", "release")]
PROGRAM = os.environ.get("TRUNKLINE") or next((str(one) for one in PROGRAMS if one.exists()), "")
needs_command = pytest.mark.skipif(not PROGRAM, reason="needs the command: make build")


def free_port():
    """One that Chromium does not refuse: it has a list of ports of other services."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        if port > 11_000:
            return port


class Trunkline:
    """The server with its parrot; what else is run beside it ends with it."""

    def __init__(self, folder, **settings):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = []
        self.run("serve", HOST="127.0.0.1", PORT=str(self.port), OPENAI_API_KEY="", OPENAI_REALTIME_URL="",
                 CONFIG_FILE="", **settings)
        for _ in range(200):
            try:
                self.ask("/ready")
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("the server did not start")

    def run(self, *arguments, **settings):
        self.processes.append(subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, env={**os.environ, **settings},
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return self.processes[-1]

    def ask(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=20)
