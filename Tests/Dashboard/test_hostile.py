"""What callers, models and tools say stays text. The fixture also fails when the content security policy reports anything."""
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.mock
HURT = "document.title.includes('owned') || document.querySelector('main img, main script, main svg[onload]') !== null"


def test_texts_of_a_live_call_stay_texts(open_page, server):
    sid = server.mock("begin", scene=0, hostile=True)["sid"]
    page = open_page("#/live")
    row = page.locator(f"tr[data-sid={sid}]")
    expect(row.locator(".caller-link")).to_have_text('"><img src=x onerror=alert(1)>')
    row.locator(".caller-link").click()
    expect(page.locator("h1")).to_have_text('"><img src=x onerror=alert(1)>')
    line = page.locator(".line.caller .words").first
    expect(line).to_contain_text('<img src=x onerror="document.title')
    expect(line).to_contain_text("\u241b[31mred")
    expect(line).to_contain_text("\u27e8U+202E\u27e9esrever")
    expect(page.locator(".tool-card pre").last).to_contain_text("<script>")
    page.get_by_role("tab", name="Events").click()
    page.get_by_label("Search events").fill("onerror")
    page.locator(".event").first.click()
    expect(page.locator(".event-detail pre")).to_contain_text("onerror")
    assert not page.evaluate(HURT)


def test_texts_of_records_errors_and_tools_stay_texts(open_page):
    page = open_page("#/history?text=onerror")
    expect(page.locator(".snippet mark").first).to_have_text("onerror")
    assert not page.evaluate(HURT)
    page.goto(page.url.split("#")[0] + "#/health")
    expect(page.get_by_text("<script>").first).to_be_visible()
    assert not page.evaluate(HURT)
    page.goto(page.url.split("#")[0] + "#/configuration")
    item = page.locator(".tool-list li", has_text="collection_days")
    item.get_by_text("Try it").click()
    item.get_by_role("button", name="Run it").click()
    expect(item.locator("pre")).to_contain_text("<img src=x")
    assert not page.evaluate(HURT)
