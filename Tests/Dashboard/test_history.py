"""Ten thousand calls: looked through, found, taken away, deleted."""
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.mock


def rows(page):
    return page.locator(".history-list .virtual-row").count()


def test_ten_thousand_rows_with_few_in_the_page(open_page):
    page = open_page("#/history")
    expect(page.get_by_role("status").filter(has_text="10,000 calls")).to_be_visible()
    listing = page.locator(".history-list")
    assert listing.evaluate("(list) => list.scrollHeight") >= 10_000 * 52
    most = 0
    for part in range(1, 11):
        listing.evaluate(f"(list) => {{ list.scrollTop = list.scrollHeight * {part / 10}; }}")
        page.wait_for_timeout(60)
        most = max(most, rows(page))
    assert 0 < most < 80
    # The last one comes, however far it was.
    expect(page.locator(".history-list .virtual-row[aria-rowindex='10001'] .h-caller a")).to_be_visible(timeout=30_000)
    expect(page.locator(".history-table")).to_have_attribute("aria-rowcount", "10001")


def test_keys_move_and_open(open_page):
    page = open_page("#/history")
    expect(page.locator(".history-list .virtual-row .h-caller a").first).to_be_visible()
    page.locator(".history-list").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    # The mark moves with the next frame.
    active = page.locator(".virtual-row.is-active[aria-rowindex='4']")
    expect(active).to_be_visible()
    name = active.locator(".h-caller a").text_content()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(name)
    page.go_back()
    expect(page.locator("h1")).to_have_text("History")


def test_search_and_filters_survive_a_reload(open_page):
    page = open_page("#/history")
    page.get_by_label("Search", exact=True).fill("saddle")
    expect(page.locator(".snippet mark").first).to_have_text("saddle")
    page.get_by_label("Ending").select_option("transferred")
    expect(page.locator(".history-list .badge").first).to_have_text("Transferred")
    found = page.locator(".view-head [role=status]").text_content()
    assert re.fullmatch(r"[\d,]+ calls found", found)
    page.reload()
    expect(page.get_by_label("Search", exact=True)).to_have_value("saddle")
    expect(page.locator(".view-head [role=status]")).to_have_text(found)
    page.get_by_label("Search", exact=True).fill("nobody says this")
    expect(page.get_by_text("No call matches")).to_be_visible()
    page.get_by_role("button", name="Clear all filters").click()
    expect(page.locator(".view-head [role=status]")).to_have_text(re.compile("calls$"))


def test_export_has_the_same_filters(open_page):
    page = open_page("#/history?reason=idle")
    expect(page.locator(".history-list .badge").first).to_have_text("Nobody spoke")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = open(download.value.path(), encoding="utf-8").read()
    total = int(page.locator(".view-head [role=status]").text_content().split(" ")[0].replace(",", ""))
    assert text.count("\n") == total + 1


def test_deleting_asks_first(open_page, server):
    page = open_page("#/history")
    page.locator(".history-list .virtual-row .h-caller a").nth(5).click()
    page.wait_for_selector(".call-title")
    page.get_by_role("button", name="Delete record").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    server.mock("commands")
    page.get_by_role("button", name="Delete record").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(page.locator("h1")).to_have_text("History")
    assert [one["command"] for one in server.mock("commands")] == ["delete"]
    number = page.locator(".history-list .virtual-row .h-caller a").nth(9).text_content()
    page.get_by_label("Number").fill(number)
    page.get_by_role("button", name="Delete this caller’s records").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("No call matches")).to_be_visible()
    assert server.mock("commands") == [{"command": "delete-number", "number": number}]
