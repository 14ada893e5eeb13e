"""What both suites have of pytest: the marker `mock`, and pages that fail a test when something went wrong in them. A
suite has a fixture `browser` of its own."""
import pytest
from playwright.sync_api import expect

from Browser.console import Console
from Browser.pages import Pages
from Browser.running import REAL

expect.set_options(timeout=10_000)


def pytest_configure(config):
    config.addinivalue_line("markers", "mock: needs the mock server, which can bring about what a real one cannot")


def pytest_collection_modifyitems(items):
    if REAL:
        for item in items:
            if item.get_closest_marker("mock"):
                item.add_marker(pytest.mark.skip(reason="needs the mock server"))


@pytest.fixture
def console():
    return Console()


@pytest.fixture
def pages(browser, console):
    pages = Pages(browser, console)
    yield pages
    assert pages.close() == [], "the content security policy was violated"
    assert console.unexpected() == [], "the page reported errors"
