"""The page with a call: mute, transcript, hanging up, and what a server may do wrong."""
import numpy
import pytest
from playwright.sync_api import expect

from Browser.waiting import until



def test_a_call_from_beginning_to_end(talk):
    page = talk()
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_role("button", name="Call again")).to_be_visible()
    expect(page.get_by_text("You hung up.")).to_be_visible()
    expect(page.locator(".problem-box")).to_be_hidden()
    page.get_by_role("button", name="Call again").click()
    expect(page.get_by_role("button", name="Hang up")).to_be_visible()
    until(page, "['listening', 'caller', 'agent', 'thinking'].includes(document.body.dataset.state)")


def test_hanging_up_closes_with_1000_and_lets_the_microphone_go(talk, server):
    page = talk(script="""const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wishes) => (window.wishes = wishes, window.stream = await ask(wishes));""")
    assert page.evaluate("wishes.audio.echoCancellation") is True
    until(page, "lastSocket.readyState === 1")
    page.evaluate("lastSocket.addEventListener('close', ({code}) => { window.closedWith = code; })")
    page.get_by_role("button", name="Hang up").click()
    until(page, "window.closedWith !== undefined")
    assert page.evaluate("closedWith") == 1000
    assert page.evaluate("stream.getTracks().every((track) => track.readyState === 'ended')")


@pytest.mark.mock
def test_the_server_hears_of_the_end(talk, server):
    page = talk()
    server.until(lambda got: got["packets"] > 20)
    page.get_by_role("button", name="Hang up").click()
    got = server.until(lambda got: got["closed"])
    assert got["messages"][-1] == {"session_id": "mock-1", "type": "listen", "state": "stop"}
    assert got["close_code"] == 1000
    packets = got["packets"]
    page.wait_for_timeout(300)
    assert server.got["packets"] == packets


@pytest.mark.mock
def test_leaving_the_page_hangs_up(talk, server):
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    page.goto("about:blank")
    got = server.until(lambda got: got["closed"])
    assert got["messages"][-1] == {"session_id": "mock-1", "type": "listen", "state": "stop"}


@pytest.mark.mock
def test_mute_sends_silence(talk, server):
    server.mock("set", parrot=False)
    page = talk()
    loud = lambda: numpy.sqrt(numpy.mean(numpy.square(server.heard()[-24_000:])))
    for _ in range(200):
        if server.got["samples"] > 24_000 and loud() > 0.02:
            break
        page.wait_for_timeout(100)
    assert loud() > 0.02, "the microphone speaks"
    mute = page.get_by_role("button", name="Mute")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("You are muted")).to_be_visible()
    before = server.got["packets"]
    # A whole round of the microphone's words: all of them stay here.
    got = server.until(lambda got: got["packets"] >= before + 600, seconds=30)
    quiet = server.heard()[(before + 25) * 480:]
    assert numpy.max(numpy.abs(quiet)) < 0.001
    assert got["bad"] == 0
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "false")
    for _ in range(200):
        if loud() > 0.02:
            return
        page.wait_for_timeout(100)
    raise AssertionError("nothing is heard after the mute")


@pytest.mark.mock
def test_the_transcript(talk, server):
    server.mock("set", parrot=False)
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    send = lambda *messages: server.mock("send", messages=list(messages))
    send({"type": "speech", "state": "started"})
    expect(page.locator(".line.caller .dots")).to_be_visible()
    send({"type": "speech", "state": "stopped"}, {"type": "tts", "state": "start"}, {"type": "tts", "state": "sentence_start", "text": "Good morning."},
         {"type": "tts", "state": "sentence_start", "text": "How can I help?"}, {"type": "stt", "text": "Hello there"}, {"type": "tts", "state": "stop"})
    expect(page.locator(".line.agent .words")).to_have_text("Good morning. How can I help?")
    # The caller's words came later, and stand where they were said.
    expect(page.locator(".line .words")).to_have_text(["The call began.", "Hello there", "Good morning. How can I help?"])
    send({"type": "alert", "status": "Warning", "message": "two minutes are left", "emotion": "neutral"}, {"type": "llm", "emotion": "happy"})
    expect(page.locator(".line.note").last).to_contain_text("Warning: two minutes are left")
    send({"type": "stt", "text": "<img src=x onerror=\"document.title='owned'\">\u202e"})
    expect(page.locator(".line.caller .words").last).to_have_text("<img src=x onerror=\"document.title='owned'\">\u27e8U+202E\u27e9")
    assert page.evaluate("document.querySelector('main img') === null")


@pytest.mark.mock
def test_only_what_was_not_heard_is_struck_through(talk, server):
    server.mock("set", parrot=False)
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    texts = ["The first sentence.", "The second sentence.", "The third sentence.", "The fourth sentence."]
    server.mock("say", seconds=8, texts=texts)
    server.until(lambda got: sum(one["type"] == "mark" for one in got["messages"]) == 1)
    page.wait_for_timeout(600)
    server.mock("interrupt")
    expect(page.locator(".cut")).to_have_text("interrupted")
    struck = page.locator(".line.agent del").text_content()
    assert struck.endswith("sentence.") and "first" not in struck
    # "The second ..." began 0.6 s before: some of it was heard, and not all.
    assert "The second sentence." not in struck


@pytest.mark.mock
@pytest.mark.parametrize("packet", ["00", "ff" * 40, "03", "", "fc" + "00" * 9_000])
def test_broken_packets_do_not_end_the_sound(talk, server, packet):
    server.mock("set", parrot=False)
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    server.mock("send", messages=[{"type": "tts", "state": "start"}])
    server.mock("binary", hex=[packet] * 3)
    server.mock("send", messages=[{"type": "mark", "name": "after"}])
    server.until(lambda got: any(one["type"] == "mark" for one in got["messages"]))
    server.mock("say", seconds=1)
    until(page, "document.body.dataset.state === 'agent'")


@pytest.mark.mock
def test_odd_messages_are_passed_over(talk, server):
    server.mock("set", parrot=False)
    page = talk()
    server.until(lambda got: got["packets"] > 5)
    for text in ["", "{", "null", "[]", "7", '"clear"', "{}", '{"type": 7}', '{"type": "mark"}', '{"type": "mark", "name": {"a": 1}}',
                 '{"type": "tts", "state": "sentence_start", "text": 7}', '{"type": "speech"}', '{"type": "constructor"}', '{"type": "stt", "text": null}',
                 '{"type": "hello"}', '{"type": "alert", "message": {}}', '{"type": "end", "reason": 7}', '{"type": "mark", "name": "%s"}' % ("m" * 300)]:
        server.mock("text", text=text)
    server.mock("send", messages=[{"type": "mark", "name": "after"}])
    got = server.until(lambda got: any(one["type"] == "mark" for one in got["messages"]))
    assert [one["name"] for one in got["messages"] if one["type"] == "mark"] == ["after"]
    assert page.evaluate("document.body.dataset.state") == "listening"
