"""Pages to talk with: against the mock server, or against a real one when TRUNKLINE_URL (and TRUNKLINE_TOKEN) is set. The
microphone is Chromium's fake one and says a sentence again and again, with pauses."""
import json
import pathlib
import re
import sys

import numpy
import pytest
from playwright.sync_api import expect

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for Browser, which both suites use
import sound
from Browser.chromium import chromium
from Browser.pages import log_in
from Browser.running import REAL, TOKEN, Running
from Browser.waiting import until
from support import HOOKS, RECORDER, Server

pytest_plugins = ["Browser.plugin"]
MICROPHONE_RATE = 48_000
PAUSE = 7  # s between two sentences: the parrot ends within them


@pytest.fixture(scope="session")
def shared_server():
    server = Running() if REAL else Server()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server):
    if not REAL:
        shared_server.mock("reset")
    return shared_server


@pytest.fixture(scope="session")
def words():
    """What the microphone hears, at 8 kHz."""
    return sound.speech("interruption")


@pytest.fixture(scope="session")
def browser(words, tmp_path_factory):
    path = tmp_path_factory.mktemp("microphone") / "words.wav"
    spoken = sound.resample(words, 8_000, MICROPHONE_RATE)
    sound.write(path, numpy.concatenate([numpy.zeros(MICROPHONE_RATE // 2), spoken, numpy.zeros(int(PAUSE * MICROPHONE_RATE))]),
                MICROPHONE_RATE)
    with chromium("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={path}",
                  "--host-resolver-rules=MAP plain.test 127.0.0.1") as browser:
        yield browser


@pytest.fixture
def open_page(server, pages):
    """Opens /talk: `open_page(allowed=False, script=..., scheme=..., width=..., host=...)`; `heard`: what it
    plays is kept, and the policy for its content is off."""

    def open_page(allowed=True, script="", scheme="light", width=1200, height=820, host=None, heard=False):
        base = server.url if host is None else re.sub(r"//[^:/]+", f"//{host}", server.url)
        context = pages.context(width, height, scheme, bypass_csp=heard)
        if allowed and host is None:
            context.grant_permissions(["microphone"], origin=base)
        context.add_init_script((f"window.recorder = {json.dumps(RECORDER)};" if heard else "") + HOOKS)
        if script:
            context.add_init_script(script)
        if REAL and TOKEN:
            log_in(context, base, TOKEN)
        page = pages.page(context)
        page.goto(f"{base}/talk")
        page.wait_for_selector("h1")
        until(page, "document.body.dataset.state !== 'checking' && document.body.dataset.state !== undefined")
        return page

    return open_page


@pytest.fixture
def talk(open_page):
    """Opens the page and a call: `talk(...)` as open_page."""

    def talk(**options):
        page = open_page(**options)
        page.get_by_role("button", name="Start talking").click()
        expect(page.get_by_role("button", name="Hang up")).to_be_visible()
        until(page, "!['microphone', 'connecting'].includes(document.body.dataset.state)")
        assert page.evaluate("document.body.dataset.state") not in ("over", "failed"), page.locator(".problem-box").inner_text()
        return page

    return talk
