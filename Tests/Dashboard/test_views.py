"""Each view is there, says what it is, and fits a telephone."""
import pytest
from playwright.sync_api import expect

from support import Server

VIEWS = {"live": "Live calls", "history": "History", "configuration": "Configuration", "health": "Health and capacity", "setup": "Setup"}


@pytest.mark.parametrize("name", VIEWS)
def test_renders_without_errors(open_page, name):
    page = open_page(f"#/{name}")
    expect(page.get_by_role("heading", level=1)).to_have_text(VIEWS[name])
    expect(page.locator(".link")).to_have_text("Live")
    page.wait_for_timeout(1_000)


@pytest.mark.parametrize("name", VIEWS)
def test_survives_reload_and_back(open_page, name):
    page = open_page("#/live")
    page.get_by_role("navigation").get_by_role("link").nth(list(VIEWS).index(name)).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(VIEWS[name])
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(VIEWS[name])
    expect(page.locator(".place[aria-current]")).to_have_attribute("href", f"#/{name}")
    if name != "live":
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Live calls")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_fits_a_telephone(open_page, name, scheme):
    page = open_page(f"#/{name}", width=375, height=780, scheme=scheme)
    page.wait_for_timeout(800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_colours_can_be_chosen_and_stay(open_page):
    page = open_page("#/live", scheme="light")
    ground = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = ground()
    page.get_by_role("button", name="Colours: As the system").click()
    page.get_by_role("button", name="Colours: Light").click()
    expect(page.get_by_role("button", name="Colours: Dark")).to_be_visible()
    dark = ground()
    assert dark != light
    page.reload()
    page.wait_for_selector("h1")
    assert ground() == dark


def test_an_unknown_place_leads_to_the_board(open_page):
    page = open_page("#/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("Live calls")


@pytest.mark.mock
def test_a_lost_connection_is_told_and_mended(open_page, server, console):
    console.expected = ["WebSocket"]
    page = open_page("#/live")
    expect(page.locator(".link")).to_have_text("Live")
    server.mock("drop", refuse=True)
    expect(page.locator(".link")).to_have_text("Connection lost")
    expect(page.get_by_text("Connection to the server lost")).to_be_visible()
    page.get_by_role("button", name="Try now").click()
    server.mock("drop", refuse=False)
    # It comes back by itself; the longest wait between two tries is 15 s.
    expect(page.locator(".link")).to_have_text("Live", timeout=25_000)
    expect(page.get_by_text("Connection to the server lost")).to_have_count(0)


@pytest.mark.mock
def test_draining_is_told_everywhere(open_page, server):
    page = open_page("#/health")
    page.get_by_role("button", name="Drain", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Drain").click()
    expect(page.get_by_text("Draining: no new calls are taken")).to_be_visible()
    page.get_by_role("button", name="Take calls again").click()
    expect(page.get_by_text("Draining: no new calls are taken")).to_have_count(0)


@pytest.mark.mock
def test_lost_recordings_are_told(open_page, server):
    lost = {"healthy": False, "refused": 2, "dropped": 31, "disk_errors": 7, "last_error": "a recording cannot be written"}
    fine = {"healthy": True, "refused": 0, "dropped": 0, "disk_errors": 0, "last_error": None}
    records = {"enabled": True, "healthy": True, "queued": 0, "dropped": 0, "last_error": None, "recording": True}
    server.mock("overview", records=records | {"recordings": lost, "ends_undelivered": 3})
    page = open_page("#/health")
    panel = page.get_by_role("region", name="Records")
    expect(panel).to_contain_text("Losing audio")
    for row in ["Calls not recorded2", "Pieces of audio lost31", "Recording writes failed7", "Ends of calls not delivered3"]:
        expect(panel).to_contain_text(row)
    expect(page.get_by_text("Recordings are not whole: a recording cannot be written.")).to_be_visible()
    server.mock("overview", records=records | {"recordings": fine, "ends_undelivered": 0})
    page.reload()
    expect(page.get_by_role("region", name="Records")).to_contain_text("Audio recordingOn")
    expect(page.get_by_text("Recordings are not whole")).to_have_count(0)


@pytest.mark.mock
def test_talking_is_for_operators(open_page):
    link = open_page("#/live").get_by_role("navigation").get_by_role("link", name="Talk in browser")
    expect(link).to_have_attribute("href", "/talk")
    expect(open_page("#/live", token="viewer").get_by_role("link", name="Talk in browser")).to_have_count(0)


@pytest.mark.mock
def test_an_empty_board_leads_to_talking(pages):
    empty = Server("--scene", "empty", "--open")
    page = pages.page(pages.context(1360, 900, "light"))
    page.goto(f"{empty.url}/dashboard#/live")
    board = page.get_by_role("region", name="In progress")
    expect(board.get_by_text("No call at the moment")).to_be_visible()
    expect(board.get_by_role("link", name="Talk in the browser")).to_have_attribute("href", "/talk")
    page.close()
    empty.stop()


@pytest.mark.mock
def test_devices_are_paired_by_their_code(open_page, server, console):
    console.expected = ["404"]
    server.mock("device", code="654321", device="aa:bb:cc:dd:ee:01")
    page = open_page("#/setup")
    panel = page.get_by_role("region", name="Devices")
    expect(panel.locator("li", has_text="aa:bb:cc:dd:ee:01")).to_contain_text("since")
    panel.get_by_label("Code on the device").fill("000000")
    panel.get_by_role("button", name="Pair it").click()
    expect(panel.get_by_role("alert")).to_contain_text("no device shows this code")
    panel.get_by_label("Code on the device").fill("654321")
    panel.get_by_role("button", name="Pair it").click()
    remove = panel.get_by_role("button", name="Remove the device aa:bb:cc:dd:ee:01")
    expect(remove).to_be_visible()
    remove.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(panel.get_by_text("aa:bb:cc:dd:ee:01")).to_have_count(0)
    # A device that comes later appears by itself.
    server.mock("device", code="111111", device="aa:bb:cc:dd:ee:02")
    expect(panel.get_by_text("aa:bb:cc:dd:ee:02")).to_be_visible(timeout=10_000)
    expect(open_page("#/setup", token="viewer").get_by_role("region", name="Devices")).to_have_count(0)


@pytest.mark.mock
def test_setup_tells_what_to_do_and_sets_a_webhook(open_page, server):
    page = open_page("#/setup")
    expect(page.locator(".check-row")).to_have_count(8)
    expect(page.get_by_text("see that the proxy passes WebSocket upgrades on")).to_be_visible()
    server.mock("commands")
    page.get_by_label("Number of the Twilio account").fill("+15550100")
    page.get_by_role("button", name="Set its webhook").click()
    expect(page.get_by_text("Calls of this number come here now.")).to_be_visible()
    assert {"command": "webhook", "body": {"number": "+15550100"}} in server.mock("commands")
