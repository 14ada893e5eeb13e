"""Pages to talk with: against the mock server, or against a real one when TRUNKLINE_URL (and TRUNKLINE_TOKEN) is set. The
microphone is Chromium's fake one and says a sentence again and again, with pauses."""
import json
import os
import re

import numpy
import pytest
from playwright.sync_api import expect, sync_playwright

import sound
from support import CHROMIUM, HOOKS, RECORDER, Server, until

REAL = os.environ.get("TRUNKLINE_URL", "").rstrip("/")
MICROPHONE_RATE = 48_000
PAUSE = 7  # s between two sentences: the parrot ends within them

expect.set_options(timeout=10_000)


def pytest_configure(config):
    config.addinivalue_line("markers", "mock: needs the mock server, which can bring about what a real one cannot")


def pytest_collection_modifyitems(items):
    if REAL:
        for item in items:
            if item.get_closest_marker("mock"):
                item.add_marker(pytest.mark.skip(reason="needs the mock server"))


class Real:
    """A server that runs already."""
    url = REAL

    def stop(self):
        pass


@pytest.fixture(scope="session")
def shared_server():
    server = Real() if REAL else Server()
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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[
            "--no-sandbox", "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={path}",
            "--host-resolver-rules=MAP plain.test 127.0.0.1", "--autoplay-policy=no-user-gesture-required"])
        yield browser
        browser.close()


class Console:
    """What went wrong in a page. Failed requests that a test wants to happen are named in `expected`."""

    def __init__(self):
        self.errors = []
        self.expected = []

    def take(self, text):
        self.errors.append(text)

    def unexpected(self):
        return [error for error in self.errors if not any(re.search(pattern, error) for pattern in self.expected)]


@pytest.fixture
def console():
    return Console()


@pytest.fixture
def open_page(server, browser, console):
    """Opens /talk: `open_page(allowed=False, script=..., scheme=..., width=..., host=...)`; `heard`: what it
    plays is kept, and the policy for its content is off."""
    contexts = []

    def open_page(allowed=True, script="", scheme="light", width=1200, height=820, host=None, heard=False):
        base = server.url if host is None else re.sub(r"//[^:/]+", f"//{host}", server.url)
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce",
                                      locale="en-GB", bypass_csp=heard)
        contexts.append(context)
        if allowed and host is None:
            context.grant_permissions(["microphone"], origin=base)
        context.add_init_script((f"window.recorder = {json.dumps(RECORDER)};" if heard else "") + HOOKS)
        if script:
            context.add_init_script(script)
        if REAL and os.environ.get("TRUNKLINE_TOKEN"):
            answer = context.request.post(f"{base}/login", data={"token": os.environ["TRUNKLINE_TOKEN"]})
            assert answer.ok, f"the login was refused: {answer.status}"
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and console.take(f"{message.text} {message.location.get('url', '')}"))
        page.on("pageerror", lambda error: console.take(str(error)))
        page.goto(f"{base}/talk")
        page.wait_for_selector("h1")
        until(page, "document.body.dataset.state !== 'checking' && document.body.dataset.state !== undefined")
        return page

    yield open_page
    violations = []
    for context in contexts:
        for page in context.pages:
            violations += page.evaluate("window.violations ?? []")
        context.close()
    assert violations == [], "the content security policy was violated"
    assert console.unexpected() == [], "the page reported errors"


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
