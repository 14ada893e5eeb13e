"""The page and the server itself, with its parrot: skipped until the command is built."""
import os
import pathlib
import subprocess
import sys

import pytest

from Browser.command import Trunkline, needs_command

HERE = pathlib.Path(__file__).resolve().parent
pytestmark = [needs_command, pytest.mark.skipif("TRUNKLINE_URL" in os.environ, reason="a server runs already")]


@pytest.fixture
def url(tmp_path):
    server = Trunkline(tmp_path, DATABASE_PATH="none")
    yield server.url
    server.stop()


def test_one_hears_oneself(url):
    """Words reach the model, the answer is heard, the latency is told: what needs no mock, once more."""
    asked = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "test_sound.py"],
                           env={**os.environ, "TRUNKLINE_URL": url}, capture_output=True, text=True, timeout=300)
    assert asked.returncode == 0, asked.stdout
    assert " passed" in asked.stdout
