"""axe on every view, in light and in dark: nothing serious, nothing critical."""
import pytest
from playwright.sync_api import expect

from Browser.accessibility import violations

RECORD = "CA" + "0" * 32
PLACES = ["live", "history", "history?text=saddle", "configuration", "health", "setup"]


@pytest.mark.parametrize("width", [1360, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_view(open_page, place, scheme, width):
    page = open_page(f"#/{place}", scheme=scheme, width=width)
    page.wait_for_timeout(1_000)
    assert violations(page) == []


@pytest.mark.mock
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_live_call(open_page, call, scheme):
    page = open_page(f"#/call/{call}", scheme=scheme)
    expect(page.locator(".line del:visible").first).to_be_visible(timeout=30_000)
    for tab in ["Tools", "Answer times", "Events", "Details"]:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)
        assert violations(page) == [], tab


@pytest.mark.mock
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_record(open_page, scheme):
    page = open_page(f"#/call/{RECORD}", scheme=scheme)
    expect(page.locator(".line.agent").first).to_be_visible()
    for tab in ["Tools", "Answer times", "Events", "Details"]:
        page.get_by_role("tab", name=tab).click()
        assert violations(page) == [], tab


@pytest.mark.mock
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_login_and_dialogs(open_page, server, call, scheme, console):
    page = open_page("", token=None, scheme=scheme)
    assert violations(page) == []
    page = open_page("#/live", scheme=scheme)
    page.get_by_role("button", name="Make a call").first.click()
    page.get_by_text("More", exact=True).click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator(f"tr[data-sid={call}]").get_by_role("button", name="Hang up").click()
    assert violations(page) == []


@pytest.mark.mock
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_banners_drafts_and_refusals(open_page, server, scheme, console):
    console.expected = ["422"]
    server.mock("overview", parrot=True)
    page = open_page("#/configuration", scheme=scheme)
    page.get_by_label("Pause that ends a turn (ms)").fill("9000")
    page.get_by_role("button", name="Save for new calls").click()
    expect(page.locator(".problems")).to_be_visible()
    page.get_by_text("Try it").first.click()
    assert violations(page) == []
    server.mock("overview", parrot=False)
