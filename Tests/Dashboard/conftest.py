"""Pages to test with: against the mock server, or against a real one when TRUNKLINE_URL (and TRUNKLINE_TOKEN) is set."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for Browser, which both suites use
from Browser.chromium import chromium
from Browser.pages import log_in
from Browser.running import REAL, TOKEN, Running
from support import Server

pytest_plugins = ["Browser.plugin"]


@pytest.fixture(scope="session")
def server():
    server = Running() if REAL else Server("--scene", "still", "--speed", "3")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(server, pages):
    """Opens a page at a place: `open_page("#/live", token="operator", width=..., scheme=...)`."""

    def open_page(place="", token="operator", width=1360, height=900, scheme="light", wait="h1"):
        context = pages.context(width, height, scheme, accept_downloads=True)
        token = TOKEN if REAL else token
        if token:
            log_in(context, server.url, token)
        page = pages.page(context)
        page.goto(f"{server.url}/dashboard{place}")
        page.wait_for_selector(wait)
        return page

    return open_page


@pytest.fixture
def call(server):
    """A call of its own for a test: the bicycle shop's, from its beginning."""
    sid = server.mock("begin", scene=0)["sid"]
    yield sid
    server.mock("end", call_sid=sid)
