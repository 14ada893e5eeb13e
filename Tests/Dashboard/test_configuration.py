"""Saving is told as it is, and nothing that was written is lost."""
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.mock


@pytest.fixture
def page(open_page):
    page = open_page("#/configuration")
    expect(page.get_by_label("Instructions", exact=True)).to_be_visible()
    yield page
    page.evaluate("fetch('/configuration', { method: 'DELETE' })")


def status(page):
    return page.locator(".save-status")


def test_saving(page, server):
    expect(status(page)).to_have_text("As the server’s own settings have it; nothing was changed here.")
    expect(page.get_by_role("button", name="Save for new calls")).to_be_disabled()
    server.mock("commands")
    page.get_by_label("Instructions", exact=True).fill("Be kind.")
    expect(status(page)).to_have_text("Not saved yet. This browser keeps the draft.")
    page.get_by_role("combobox", name="Voice").select_option("cedar")
    page.get_by_label("Turn detection").select_option("semantic_vad")
    page.get_by_label("Eagerness").select_option("low")
    expect(page.get_by_label("Threshold")).to_be_hidden()
    page.get_by_role("switch", name="get_weather").uncheck(force=True)
    page.get_by_role("button", name="Save for new calls").click()
    expect(status(page)).to_contain_text("by ada; kept in the database: it survives a restart")
    body = server.mock("commands")[-1]["body"]
    assert body["session"]["instructions"] == "Be kind." and body["session"]["voice"] == "cedar"
    assert body["session"]["turn_detection"]["type"] == "semantic_vad" and body["session"]["turn_detection"]["eagerness"] == "low"
    assert "get_weather" not in body["tools"] and "look_up_order" in body["tools"]
    page.reload()
    expect(page.get_by_label("Instructions", exact=True)).to_have_value("Be kind.")


def test_a_refusal_tells_why(page, console):
    console.expected = ["422"]
    page.get_by_label("Pause that ends a turn (ms)").fill("9000")
    page.get_by_role("button", name="Save for new calls").click()
    expect(status(page)).to_have_text("Not saved: see what is wrong below.")
    expect(page.get_by_role("alert").filter(has_text="0 to 5,000 is allowed")).to_be_visible()
    expect(page.get_by_label("Pause that ends a turn (ms)")).to_have_value("9000")


def test_a_draft_survives_reload_and_leaving_warns(page):
    page.get_by_label("Instructions", exact=True).fill("A draft.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_label("Instructions", exact=True)).to_have_value("A draft.")
    expect(page.get_by_text("was restored")).to_be_visible()
    page.get_by_role("link", name="Health").click()
    page.get_by_role("dialog").get_by_role("button", name="Stay").click()
    expect(page.get_by_label("Instructions", exact=True)).to_have_value("A draft.")
    page.get_by_role("link", name="Health").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave, keep the draft").click()
    expect(page.locator("h1")).to_have_text("Health and capacity")
    page.go_back()
    expect(page.get_by_label("Instructions", exact=True)).to_have_value("A draft.")
    page.get_by_role("button", name="Discard changes").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.get_by_label("Instructions", exact=True)).to_have_value(re.compile("bicycle shop"))


def test_a_tool_is_tried_by_a_form_of_its_schema(page, server):
    item = page.locator(".tool-list li", has_text="book_pick_up")
    item.get_by_text("Try it").click()
    item.get_by_role("button", name="Run it").click()
    expect(item.get_by_text("“order” is required.")).to_be_visible()
    item.get_by_label("order").fill("HB-1")
    item.get_by_label("day").fill("2026-12-02")
    item.get_by_label("people").fill("3")
    item.get_by_label("place").select_option("warehouse")
    item.get_by_label("name").fill("Ada")
    server.mock("commands")
    item.get_by_role("button", name="Run it").click()
    expect(item.get_by_text("Succeeded")).to_be_visible()
    assert server.mock("commands") == [{"command": "try", "name": "book_pick_up", "body": {
        "order": "HB-1", "day": "2026-12-02", "people": 3, "place": "warehouse", "contact": {"name": "Ada"}}}]
