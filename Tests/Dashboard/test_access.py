"""Who gets in, and what they may do."""
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.mock


def test_login_and_logout(open_page, server, console):
    console.expected = ["401"]
    server.mock("forgive")
    page = open_page("#/history", token=None)
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in to the call console")
    page.get_by_label("Access token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This token is not known here.")
    page.get_by_label("Access token").fill("operator")
    page.keyboard.press("Enter")
    # The place that was asked for is shown after it.
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    assert page.evaluate("document.cookie") == "", "the cookie is not for scripts"
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in to the call console")


def test_too_many_wrong_tokens(open_page, server, console):
    console.expected = ["401", "429"]
    page = open_page("", token=None)
    for _ in range(6):
        page.get_by_label("Access token").fill("wrong")
        with page.expect_response("**/login"):
            page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Too many wrong tokens. Wait a minute, then try again.")
    server.mock("forgive")


def test_a_lost_session_leads_to_the_login(open_page, console):
    console.expected = ["401"]
    page = open_page("#/live")
    page.context.clear_cookies()
    page.get_by_role("link", name="Health").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in to the call console")


def test_viewers_look_but_do_not_act(open_page, call):
    page = open_page("#/live", token="viewer")
    expect(page.locator(f"tr[data-sid={call}]")).to_be_visible()
    expect(page.get_by_role("button", name="Hang up")).to_have_count(0)
    expect(page.get_by_role("button", name="Make a call")).to_have_count(0)
    page.locator(f"tr[data-sid={call}] .caller-link").click()
    expect(page.get_by_text("You are a viewer")).to_be_visible()
    expect(page.get_by_role("button", name="Listen")).to_be_visible()
    expect(page.get_by_label("Message")).to_have_count(0)
    page.goto(page.url.split("#")[0] + "#/configuration")
    expect(page.get_by_label("Instructions", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Save for new calls")).to_be_disabled()
