"""axe on every state of the page, in light and in dark, wide and on a telephone: nothing serious, nothing critical."""
import pytest
from playwright.sync_api import expect

from Browser.accessibility import violations
from Browser.waiting import until

LOOKS = pytest.mark.parametrize("scheme, width", [("light", 1200), ("dark", 1200), ("light", 375), ("dark", 375)])


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@LOOKS
def test_before_a_call(open_page, scheme, width):
    page = open_page(scheme=scheme, width=width)
    page.get_by_text("Connection", exact=True).click()
    assert violations(page) == []
    assert fits(page)


@LOOKS
def test_a_problem(open_page, scheme, width):
    page = open_page(scheme=scheme, width=width, allowed=False)
    page.get_by_role("button", name="Start talking").click()
    expect(page.locator(".problem-box")).to_be_visible()
    assert violations(page) == []
    assert fits(page)


@pytest.mark.mock
@LOOKS
def test_in_a_call(talk, server, scheme, width):
    server.mock("set", parrot=False)
    page = talk(scheme=scheme, width=width)
    server.until(lambda got: got["packets"] > 5)
    assert violations(page) == []
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_text("You are muted")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Mute").click()
    server.mock("send", messages=[{"type": "stt", "text": "Hello."}, {"type": "alert", "status": "Warning", "message": "a minute is left"}])
    server.mock("say", seconds=6, texts=["A word " * 40, "And more."], lead=60)
    until(page, "document.body.dataset.state === 'agent'")
    assert violations(page) == []
    server.mock("interrupt")
    expect(page.locator(".cut")).to_be_visible()
    assert violations(page) == []
    assert fits(page)
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_role("button", name="Call again")).to_be_visible()
    assert violations(page) == []


def test_by_keyboard_alone(talk, open_page):
    page = open_page()
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Start talking":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Hang up")).to_be_focused()
    until(page, "!['microphone', 'connecting'].includes(document.body.dataset.state)")
    expect(page.locator("#announcer")).to_have_text("The call began.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Mute")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Call again")).to_be_focused()
