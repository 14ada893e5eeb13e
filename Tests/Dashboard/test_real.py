"""A call through the server itself, followed on the page: skipped until the command is built."""
import json
import re
import sqlite3
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from Browser import command
from support import Server

pytestmark = command.needs_command


class Trunkline(command.Trunkline):
    """The server, and phones that call it."""

    def ended(self, turns=200):
        """The record of the last call, when it is written."""
        for _ in range(turns):
            calls = self.ask("/history")["calls"]
            if calls and calls[0].get("end_reason"):
                return calls[0]
            time.sleep(0.05)
        raise AssertionError("the record was not written")

    def phone(self):
        return self.run("phone", f"ws://127.0.0.1:{self.port}/media-stream", "--interrupt-after", "1000")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Trunkline(tmp_path_factory.mktemp("server"), RECORDING="on")
    yield server
    server.stop()


def test_a_call_is_followed_and_found_again(open_page, server):
    page = open_page("#/live", token=None)
    phone = server.phone()
    row = page.locator("tr[data-sid]").first
    expect(row.locator(".badge")).to_have_text("In conversation")
    expect(row.locator(".speaker")).to_have_text("Caller", timeout=20_000)
    sid = row.get_attribute("data-sid")
    page.goto(f"{server.url}/dashboard#/call/{sid}")
    transcript = page.locator(".transcript")
    expect(transcript.locator(".line.agent").first).to_be_visible(timeout=20_000)
    expect(transcript.locator(".line.caller").first).to_be_visible()
    assert phone.wait(timeout=60) == 0
    record = server.ended()
    assert record["end_reason"] == "caller_hung_up" and record["interruptions"] == 1
    page.goto(f"{server.url}/dashboard#/history")
    expect(page.locator(f"a[href='#/call/{sid}']").first).to_be_visible()
    page.goto(f"{server.url}/dashboard#/call/{sid}")
    expect(page.locator(".line.agent").first).to_be_visible()
    expect(page.locator("audio, .player").first).to_be_attached()


def test_a_call_is_ended_from_the_page(open_page, server):
    # The phone's call has one id for all its calls: an ended one of the same id must not be shown in its place.
    phone = server.phone()
    page = open_page("#/live", token=None)
    row = page.locator("tr[data-sid]").first
    expect(row.locator(".badge")).to_have_text("In conversation")
    page.goto(f"{server.url}/dashboard#/call/{row.get_attribute('data-sid')}")
    expect(page.locator(".transcript .line.agent").first).to_be_visible(timeout=20_000)
    expect(page.locator(".call-title .badge")).to_have_text("In conversation")
    page.get_by_role("button", name="Hang up").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Hang up").last.click()
    phone.wait(timeout=60)
    assert server.ended()["ended_by"] == "operator"


def test_configuration_is_saved_for_the_next_calls(open_page, server):
    page = open_page("#/configuration", token=None)
    page.get_by_role("combobox", name="Voice").select_option("cedar")
    page.get_by_role("button", name="Save for new calls").click()
    expect(page.locator(".save-status")).to_contain_text("kept in the database")
    assert server.ask("/configuration")["session"]["voice"] == "cedar"


def test_the_api_page_sends_what_is_typed(pages, console, server):
    console.expected += ["/status", "/favicon.ico"]  # a page's word is not the carrier's; the page has no icon
    page = pages.page(pages.context(1360, 900, "light"))
    page.goto(f"{server.url}/docs")

    def operation(method, path):
        return page.locator("details", has=page.get_by_text(path, exact=True)).filter(has_text=re.compile(f"^{method}"))

    def send(place, **values):
        place.locator("summary").click()
        for name, value in values.items():
            place.get_by_label(name.replace("_", "-"), exact=True).fill(value)
        with page.expect_response(lambda answer: "/docs" not in answer.url) as answer:
            place.get_by_role("button", name="Send").click()
        return answer.value

    answer = send(operation("GET", "/history"), number="+1 555&7", limit="3")
    assert answer.request.url == f"{server.url}/history?number=%2B1+555%267&limit=3" and answer.status == 200
    answer = send(operation("GET", "/xiaozhi/ota"), Device_Id="aa:bb", Client_Id="a-program")
    assert answer.request.headers["device-id"] == "aa:bb" and answer.status == 200
    answer = send(operation("POST", "/status"), Body="CallSid=CA1&CallStatus=ringing")
    assert answer.request.headers["content-type"] == "application/x-www-form-urlencoded" and answer.status == 403
    assert answer.request.post_data == "CallSid=CA1&CallStatus=ringing"
    answer = send(operation("POST", "/tools/{name}/try"), name="current_time")
    assert answer.request.post_data == "{}" and answer.status == 200 and "output" in answer.json()


def test_a_session_that_a_viewer_saved_is_shown_and_forgotten(open_page, server):
    page = open_page("#/configuration", token=None)
    page.evaluate("""() => new Promise((resolve) => {
      const socket = new WebSocket(`ws://${location.host}/ws/logs`);
      socket.onmessage = resolve;
      socket.onopen = () => socket.send('{"type":"session.update","session":{"instructions":"Speak like a pirate."}}');
    })""")
    page.reload()
    banner = page.locator(".banner.warn")
    expect(banner).to_contain_text("Speak like a pirate.")
    page.get_by_role("button", name="Use the server’s settings").click()
    page.get_by_role("button", name="Return to them").click()
    expect(banner).to_be_hidden()
    assert server.ask("/configuration")["viewer_session"] is None


@pytest.fixture(scope="module")
def long_history(tmp_path_factory):
    """A server with more calls than it tells of at once."""
    folder = tmp_path_factory.mktemp("long")
    server = Trunkline(folder, RECORDING="off", DATABASE_PATH=str(folder / "calls.db"))
    with sqlite3.connect(folder / "calls.db") as database:
        database.executemany(
            """INSERT INTO calls (call_sid, stream_sid, direction, caller, called, started_at, last_at, ended_at, duration_ms,
               end_reason, end_initiator) VALUES (?, ?, 'inbound', ?, '+15550199', ?, ?, ?, 60000, ?, 'caller')""",
            [(f"CA{n:032x}", f"MZ{n:032x}", f"+1555{n:07}", 1_000_000 * n, 1_000_000 * n + 60_000, 1_000_000 * n + 60_000,
              "idle" if n % 2 else "caller_hung_up") for n in range(1, 651)])
    database.close()
    yield server
    server.stop()


@pytest.mark.parametrize("place, calls, last", [("", 650, "+15550000001"), ("?reason=caller_hung_up", 325, "+15550000002")])
def test_all_of_a_long_history_is_shown(open_page, long_history, pages, place, calls, last):
    page = pages.page(pages.context(1360, 900, "light"))
    page.goto(f"{long_history.url}/dashboard#/history{place}")
    expect(page.locator(".view-head [role=status]")).to_contain_text(f"{calls} calls")
    listing = page.locator(".history-list")
    expect(page.locator(".history-table")).to_have_attribute("aria-rowcount", str(calls + 1))
    listing.evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
    row = page.locator(f".history-list .virtual-row[aria-rowindex='{calls + 1}'] .h-caller a")
    expect(row).to_have_text(last, timeout=20_000)


def test_the_mock_tells_what_the_server_tells(server, long_history):
    """The other tests go by the mock's answers: they have the names that the server's have, no more and no fewer."""
    phone = server.phone()
    for _ in range(100):
        live = [call for call in server.ask("/calls")["calls"] if call["status"] == "in-progress"]
        if live:
            break
        time.sleep(0.05)
    real_live, real_detail = live[0], server.ask(f"/calls/{live[0]['call_sid']}")
    request = urllib.request.Request(f"{server.url}/calls/{live[0]['call_sid']}/message", method="POST",
                                     data=json.dumps({"text": "Hello", "mode": "instruct"}).encode())
    urllib.request.urlopen(request, timeout=10).close()
    phone.wait(timeout=60)
    for _ in range(200):
        real = server.ask(f"/history/{live[0]['call_sid']}")
        if real["status"] == "completed" and real["recording"]:
            break
        time.sleep(0.05)
    mock = Server("--scene", "still", "--open")
    try:
        ask = lambda path: json.load(urllib.request.urlopen(mock.url + path, timeout=10))
        first, second = ask("/history?limit=200"), long_history.ask("/history?limit=200")
        assert set(first) == set(second)
        assert isinstance(first["total"], int) and second["total"] == 650
        assert set(first["calls"][0]) == set(second["calls"][0])
        assert ask(f"/history?limit=200&cursor={first['next']}")["total"] is None
        assert long_history.ask(f"/history?limit=200&cursor={second['next']}")["total"] is None
        record = ask(f"/history/{first['calls'][0]['call_sid']}")
        assert set(record) == set(real)
        for name in ["usage", "recording"]:
            assert set(record[name]) == set(real[name]), name
        turn = {who: next(one for one in all["turns"] if one["who"] == "agent") for who, all in [("mock", record), ("real", real)]}
        assert set(turn["mock"]) == set(turn["real"]) and set(turn["mock"]["latency"]) == set(turn["real"]["latency"])
        assert set(record["actions"][0]) <= set(real["actions"][0])
        sid = ask("/mock/calls")[0]["sid"]
        mock_live = next(call for call in ask("/calls")["calls"] if call["call_sid"] == sid)
        # When an answer was measured first is chance.
        assert set(mock_live) - {"latency_ms"} == set(real_live) - {"latency_ms"}
        assert set(ask(f"/calls/{sid}")) - {"latency_ms"} == set(real_detail) - {"latency_ms"}
        overview, told = ask("/overview"), server.ask("/overview")
        assert set(overview) == set(told) and set(overview["records"]) == set(told["records"])
        assert set(overview["records"]["recordings"]) == set(told["records"]["recordings"])
        assert set(ask("/devices")) == set(server.ask("/devices"))
    finally:
        mock.stop()


def test_a_device_is_paired_on_the_page(open_page, server):
    device = {"Device-Id": "aa:bb:cc:dd:ee:ff", "Client-Id": "one", "X-Forwarded-For": "192.0.2.1"}
    request = urllib.request.Request(server.url + "/xiaozhi/ota/", headers=device)
    code = json.load(urllib.request.urlopen(request, timeout=10))["activation"]["code"]
    page = open_page("#/setup", token=None)
    panel = page.get_by_role("region", name="Devices")
    expect(panel.get_by_text("aa:bb:cc:dd:ee:ff")).to_be_visible()
    panel.get_by_label("Code on the device").fill(code)
    panel.get_by_role("button", name="Pair it").click()
    expect(panel.get_by_role("button", name="Remove the device aa:bb:cc:dd:ee:ff")).to_be_visible()
    assert server.ask("/devices")["paired"] == ["aa:bb:cc:dd:ee:ff"]
