"""Pages to test with: against the mock server, or against a real one when TRUNKLINE_URL (and TRUNKLINE_TOKEN) is set."""
import os
import re

import pytest
from playwright.sync_api import expect, sync_playwright

from support import CHROMIUM, Server

REAL = os.environ.get("TRUNKLINE_URL", "").rstrip("/")
WATCH = """addEventListener('securitypolicyviolation', (event) => {
  (window.violations ??= []).push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});"""

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
def server():
    server = Real() if REAL else Server("--scene", "still", "--speed", "3")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"])
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
    """Opens a page at a place: `open_page("#/live", token="operator", width=..., scheme=...)`."""
    contexts = []

    def open_page(place="", token="operator", width=1360, height=900, scheme="light", wait="h1"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce",
                                      accept_downloads=True, locale="en-GB")
        contexts.append(context)
        context.add_init_script(WATCH)
        token = os.environ.get("TRUNKLINE_TOKEN") if REAL else token
        if token:
            answer = context.request.post(f"{server.url}/login", data={"token": token})
            assert answer.ok, f"the login was refused: {answer.status}"
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and console.take(f"{message.text} {message.location.get('url', '')}"))
        page.on("pageerror", lambda error: console.take(str(error)))
        page.goto(f"{server.url}/dashboard{place}")
        page.wait_for_selector(wait)
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
def call(server):
    """A call of its own for a test: the bicycle shop's, from its beginning."""
    sid = server.mock("begin", scene=0)["sid"]
    yield sid
    server.mock("end", call_sid=sid)
