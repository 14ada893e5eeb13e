"""What can be in the way, and what the page says of it."""
import pytest
from playwright.sync_api import expect

from Browser.waiting import until


def problem(page):
    return page.locator(".problem-box h2")


def start(page):
    page.get_by_role("button", name="Start talking").click()


def ready(page):
    until(page, "document.body.dataset.state === 'ready'")


def test_the_microphone_is_denied(open_page):
    page = open_page(allowed=False)
    start(page)
    expect(problem(page)).to_have_text("The microphone was not allowed")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.context.grant_permissions(["microphone"])
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Hang up")).to_be_visible()
    until(page, "!['microphone', 'connecting'].includes(document.body.dataset.state)")
    expect(page.locator(".problem-box")).to_be_hidden()


@pytest.mark.mock
def test_no_call_is_opened_without_a_microphone(open_page, server):
    page = open_page(allowed=False)
    start(page)
    expect(problem(page)).to_have_text("The microphone was not allowed")
    assert server.got["calls"] == 0


@pytest.mark.parametrize("name, title", [
    ("NotFoundError", "No microphone was found"), ("NotReadableError", "The microphone cannot be used"),
    ("OverconstrainedError", "No microphone was found"), ("TypeError", "The microphone did not start")])
def test_no_microphone(open_page, name, title):
    page = open_page(script=f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('for a test', '{name}'));")
    start(page)
    expect(problem(page)).to_have_text(title)


def test_the_microphone_goes_away(talk):
    page = talk(script="""const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wishes) => (window.stream = await ask(wishes));""")
    page.evaluate("stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(problem(page)).to_have_text("The microphone went away")
    until(page, "lastSocket.readyState >= 2")


def test_the_sound_does_not_run(open_page):
    """As on a machine without any device for sound, where a context stays suspended."""
    page = open_page(script="""window.AudioContext = class extends AudioContext {
        constructor(...values) { super(...values); super.suspend(); }
        async resume() {}
      };""")
    start(page)
    expect(problem(page)).to_have_text("The browser\u2019s sound does not run", timeout=20_000)
    until(page, "lastSocket.readyState >= 2")


@pytest.mark.parametrize("script, title", [
    ("delete window.AudioEncoder;", "This browser has no audio encoder for pages (WebCodecs)"),
    ("delete window.AudioDecoder;", "This browser has no audio encoder for pages (WebCodecs)"),
    ("delete window.AudioWorkletNode;", "This browser has no AudioWorklet"),
    ("AudioEncoder.isConfigSupported = async () => ({supported: false});", "This browser cannot encode Opus"),
    ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined});", "This browser gives pages no microphone")])
def test_the_browser_lacks_something(open_page, script, title):
    page = open_page(script=script)
    expect(problem(page)).to_have_text(title)
    expect(page.get_by_role("button", name="Start talking")).to_be_disabled()


def test_an_insecure_page(open_page, console):
    page = open_page(host="plain.test")
    expect(problem(page)).to_have_text("This page needs a secure connection")
    expect(page.get_by_role("button", name="Start talking")).to_be_disabled()


@pytest.mark.mock
def test_a_login_is_needed(open_page, server, console):
    console.expected = ["401"]
    server.mock("set", login=True)
    page = open_page()
    expect(problem(page)).to_have_text("Please log in first")
    expect(page.get_by_role("link", name="Log in on the dashboard")).to_have_attribute("href", "/dashboard")
    expect(page.get_by_role("button", name="Start talking")).to_be_disabled()
    page.context.add_cookies([{"name": "trunkline", "value": "operator", "url": server.url}])
    page.get_by_role("button", name="Try again").click()
    ready(page)
    expect(page.locator(".problem-box")).to_be_hidden()


@pytest.mark.mock
def test_a_login_that_was_lost_meanwhile(open_page, server, console):
    console.expected = ["401", "HTTP Authentication failed"]
    page = open_page()
    server.mock("set", login=True)
    start(page)
    expect(problem(page)).to_have_text("Please log in first")
    page.context.add_cookies([{"name": "trunkline", "value": "operator", "url": server.url}])
    page.get_by_role("button", name="Try again").click()
    ready(page)
    start(page)
    expect(page.get_by_role("button", name="Hang up")).to_be_visible()


@pytest.mark.mock
@pytest.mark.parametrize("settings, detail", [
    ({"status": 503, "body": {"error": "this server was built without libopus"}}, "this server was built without libopus"),
    ({"status": 503, "body": {"error": "no calls are taken: the server is being stopped"}}, "the server is being stopped"),
    ({"body": {"opus": False, "model": "parrot"}}, "It was built without Opus.")])
def test_a_server_that_cannot(open_page, server, console, settings, detail):
    console.expected = ["503"]
    server.mock("set", **settings)
    page = open_page()
    expect(problem(page)).to_have_text("This server takes no calls from browsers at the moment")
    expect(page.locator(".problem-box")).to_contain_text(detail)
    server.mock("reset")
    page.get_by_role("button", name="Try again").click()
    ready(page)


@pytest.mark.mock
def test_a_server_with_an_odd_answer(open_page, server, console):
    console.expected = ["500"]
    server.mock("set", status=500, body={})
    page = open_page()
    expect(problem(page)).to_have_text("The server gave an answer that this page does not understand")


@pytest.mark.mock
def test_the_server_is_gone(open_page, server, console):
    console.expected = ["ERR_FAILED", "ERR_INTERNET_DISCONNECTED"]
    page = open_page()
    page.context.set_offline(True)
    start(page)
    expect(problem(page)).to_have_text("The server cannot be reached")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    ready(page)


@pytest.mark.mock
def test_a_refused_upgrade(open_page, server, console):
    console.expected = ["WebSocket connection"]
    server.mock("set", refuse=403)
    page = open_page()
    start(page)
    expect(problem(page)).to_have_text("The call could not be opened")


@pytest.mark.mock
@pytest.mark.parametrize("code, reason, title", [
    (1001, "", "The server is being stopped"), (1008, "the day's budget is used up", "The server refused the call"),
    (1011, "", "The server had an error"), (1013, "", "All lines are busy"), (4321, "", "The connection was lost")])
def test_the_server_closes(talk, server, code, reason, title):
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    server.mock("close", code=code, reason=reason)
    expect(problem(page)).to_have_text(title)
    if reason:
        expect(page.locator(".problem-box")).to_contain_text(reason)
    # It does not come back by itself, and does when it is asked to.
    page.wait_for_timeout(1_500)
    assert server.got["calls"] == 1
    page.get_by_role("button", name="Call again").click()
    server.until(lambda got: got["calls"] == 2 and got["packets"] > 5)


@pytest.mark.mock
def test_a_call_that_ends_well(talk, server):
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    server.mock("send", messages=[{"type": "end", "reason": "agent_hung_up"}])
    server.mock("close", code=1000)
    expect(page.get_by_text("Agent ended the call.")).to_be_visible()
    expect(page.locator(".problem-box")).to_be_hidden()


@pytest.mark.mock
def test_the_connection_breaks(talk, server):
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    server.mock("drop")
    expect(problem(page)).to_have_text("The connection was lost")
    expect(page.get_by_role("button", name="Call again")).to_be_visible()


@pytest.mark.mock
def test_no_hello(open_page, server):
    server.mock("set", hello=False)
    page = open_page()
    start(page)
    expect(problem(page)).to_have_text("The server did not answer in time", timeout=20_000)
    server.until(lambda got: got["closed"])


@pytest.mark.mock
@pytest.mark.parametrize("hello", [{"transport": "udp"}, {"audio_params": {"format": "pcm"}}, {"session_id": 7}])
def test_another_protocol(open_page, server, hello):
    server.mock("set", hello=hello)
    page = open_page()
    start(page)
    expect(problem(page)).to_have_text("The server speaks another protocol")
    assert server.until(lambda got: got["closed"])["packets"] == 0
