"""The page and the server itself, with its parrot: skipped until the command is built."""
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = [HERE.parent.parent / ".build" / kind / "trunkline" for kind in ("debug", "release")]
PROGRAM = os.environ.get("TRUNKLINE") or next((str(one) for one in PROGRAMS if one.exists()), "")
pytestmark = [
    pytest.mark.skipif(not PROGRAM, reason="needs the command: make build"),
    pytest.mark.skipif("TRUNKLINE_URL" in os.environ, reason="a server runs already"),
]


def free_port():
    """One that Chromium does not refuse: it has a list of ports of other services."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        if port > 11_000:
            return port


@pytest.fixture
def url(tmp_path):
    port = free_port()
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "DATABASE_PATH": "none", "OPENAI_API_KEY": "",
                   "OPENAI_REALTIME_URL": "", "CONFIG_FILE": ""}
    server = subprocess.Popen([PROGRAM, "serve"], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(url + "/ready", timeout=10).close()
            break
        except OSError:
            time.sleep(0.05)
    yield url
    server.terminate()
    server.wait(timeout=20)


def test_one_hears_oneself(url):
    """Words reach the model, the answer is heard, the latency is told: what needs no mock, once more."""
    asked = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "test_sound.py"],
                           env={**os.environ, "TRUNKLINE_URL": url}, capture_output=True, text=True, timeout=300)
    assert asked.returncode == 0, asked.stdout
    assert " passed" in asked.stdout
