"""What is said reaches the server, what it answers is heard, and an interruption ends it at once."""
import numpy
import pytest
from playwright.sync_api import expect

import sound
from Browser.waiting import until
from support import PLAYED_RATE, played

# Measured 0.7 and more: the browser's echo and noise cancelling changes the sound. Another sentence reaches 0.3.
ALIKE = 0.5
UNLIKE = 0.4
# 100 ms, as frames of what is played.
STOP_MOST = PLAYED_RATE // 10


def at_8_khz(samples, rate):
    whole = len(samples) - len(samples) % (rate // 100)
    return sound.resample(samples[:whole].astype(float), rate, 8_000)


def fact(page, name):
    return page.locator(f"[data-fact={name}]").text_content()


def number(page, name):
    """The number of a figure; None while there is none."""
    text = fact(page, name).split(" ")[0].replace(",", "")
    return None if text == "–" else float(text)


@pytest.mark.mock
def test_the_words_reach_the_server(talk, server, words):
    server.mock("set", parrot=False)
    talk()
    got = server.until(lambda got: got["packets"] >= 500, seconds=30)
    heard = at_8_khz(server.heard(), 24_000)
    assert sound.likeness(words, heard) >= ALIKE
    assert sound.likeness(sound.speech("question")[:len(words)], heard) <= UNLIKE, "another sentence is no proof"
    assert got["bad"] == 0
    assert got["samples"] == 480 * got["packets"], "each packet is 20 ms"


@pytest.mark.mock
def test_a_microphone_of_another_rate(talk, server, words):
    """Some browsers refuse to bring a microphone of 44.1 or 48 kHz into a context of 24: the page converts."""
    server.mock("set", parrot=False)
    page = talk(script="""const make = AudioContext.prototype.createMediaStreamSource;
      AudioContext.prototype.createMediaStreamSource = function(stream) {
        window.rate = this.sampleRate;
        if (this.sampleRate === 24000) throw new DOMException('other rates', 'NotSupportedError');
        return make.call(this, stream);
      };""")
    assert page.evaluate("window.rate") in (44_100, 48_000)
    got = server.until(lambda got: got["packets"] >= 500, seconds=30)
    assert sound.likeness(words, at_8_khz(server.heard(), 24_000)) >= ALIKE
    assert got["samples"] == 480 * got["packets"]


@pytest.mark.mock
def test_hello_and_listen(talk, server):
    page = talk()
    got = server.until(lambda got: got["packets"] >= 10)
    hello, listen = got["messages"][:2]
    assert hello == {"type": "hello", "version": 1, "features": {"aec": True, "marks": True}, "transport": "websocket",
                     "audio_params": {"format": "opus", "sample_rate": 24000, "channels": 1, "frame_duration": 20}}
    assert listen == {"session_id": "mock-1", "type": "listen", "state": "start", "mode": "realtime"}
    device, client = got["query"]["device-id"], got["query"]["client-id"]
    assert len(device) == 36 and len(client) == 36 and device != client
    page.reload()
    page.get_by_role("button", name="Start talking").click()
    again = server.until(lambda got: got["calls"] == 2 and "query" in got)["query"]
    assert again["device-id"] == device, "the device keeps its name"
    assert again["client-id"] != client


def test_the_parrot_is_heard(talk, words):
    """On a real server, too: what comes out of the loudspeaker is what went into the microphone."""
    page = talk(heard=True)
    until(page, "heard.messages.some((one) => one.type === 'tts' && one.state === 'start')", seconds=40)
    until(page, "heard.messages.some((one) => one.type === 'tts' && one.state === 'stop')", seconds=30)
    page.wait_for_timeout(1_000)
    samples, _ = played(page)
    assert sound.rms(samples) > 0.01
    assert sound.likeness(words, at_8_khz(samples, PLAYED_RATE)) >= ALIKE
    assert page.evaluate("window.violations ?? []") == []


def test_the_latency_is_told(talk):
    page = talk()
    until(page, "document.querySelector('[data-fact=answer]').textContent !== '–'", seconds=40)
    assert 0 < number(page, "answer") < 10_000
    assert number(page, "median") == number(page, "answer")
    until(page, "document.querySelector('[data-fact=roundTrip]').textContent !== '–'")
    assert 0 <= number(page, "roundTrip") < 5_000


@pytest.mark.mock
def test_the_latency_is_that_of_the_first_sound(talk, server):
    """An answer that begins with half a second of silence is heard half a second later."""
    server.mock("set", parrot=False)
    page = talk()
    server.mock("send", messages=[{"type": "speech", "state": "started"}, {"type": "speech", "state": "stopped"}])
    server.mock("say", seconds=0.5, frequency=0, holds=True)
    page.wait_for_timeout(300)
    assert number(page, "answer") is None, "silence is no answer"
    server.mock("say", seconds=1)
    until(page, "document.querySelector('[data-fact=answer]').textContent !== '–'")
    assert number(page, "answer") > 300


@pytest.mark.mock
def test_a_tone_is_played_whole(talk, server):
    server.mock("set", parrot=False)
    page = talk(heard=True)
    server.until(lambda got: got["packets"] > 10)
    server.mock("say", seconds=3, frequency=440, texts=["A tone."])
    until(page, "document.body.dataset.state === 'agent'")
    until(page, "document.body.dataset.state === 'listening'")
    page.wait_for_timeout(300)
    samples, _ = played(page)
    sounding = numpy.flatnonzero(numpy.abs(samples) > 0.01)
    tone = samples[sounding[0]:sounding[-1]].astype(float)
    assert abs(len(tone) - 3 * PLAYED_RATE) < PLAYED_RATE * 0.03
    # 8,000 / 32,768 / sqrt(2)
    assert sound.rms(tone) == pytest.approx(0.172, rel=0.1)
    spectrum = numpy.abs(numpy.fft.rfft(tone))
    assert numpy.argmax(spectrum) * PLAYED_RATE / len(tone) == pytest.approx(440, abs=1)
    # A gap or a jump would spread it: nearly all energy is in the tone.
    near = slice(int(430 * len(tone) / PLAYED_RATE), int(450 * len(tone) / PLAYED_RATE))
    assert numpy.sum(spectrum[near] ** 2) / numpy.sum(spectrum ** 2) > 0.99
    assert number(page, "gaps") == 0


@pytest.mark.mock
@pytest.mark.parametrize("lead", [0.3, 60])
def test_an_interruption_stops_the_sound(talk, server, lead):
    """Also when the whole answer waits in the page."""
    server.mock("set", parrot=False)
    page = talk(heard=True)
    server.until(lambda got: got["packets"] > 10)
    server.mock("say", seconds=20, texts=["One two three four five six seven eight nine ten."] * 10, lead=lead)
    until(page, "document.body.dataset.state === 'agent'")
    page.wait_for_timeout(700)
    server.mock("interrupt")
    until(page, "heard.messages.some((one) => one.type === 'clear')")
    page.wait_for_timeout(600)
    samples, first = played(page)
    frame = page.evaluate("heard.messages.find((one) => one.type === 'speech' && one.state === 'started').frame")
    before = samples[:frame - first]
    assert sound.rms(before[-PLAYED_RATE // 4:]) > 0.1, "it was sounding until then"
    after = numpy.flatnonzero(samples[frame - first:])
    assert len(after) == 0 or after[-1] <= STOP_MOST, f"{after[-1]} samples were played after the clear"
    # What the page says of it is that, not less: to within two blocks of the sound card's.
    told = number(page, "silence") / 1_000 * PLAYED_RATE
    assert told <= STOP_MOST
    assert (after[-1] if len(after) else 0) <= told + 2 * 512
    expect(page.get_by_text("interrupted")).to_be_visible()
    assert number(page, "interruptions") == 1


@pytest.mark.mock
def test_a_clear_after_the_answer_cuts_nothing(talk, server):
    server.mock("set", parrot=False)
    page = talk()
    server.until(lambda got: got["packets"] > 10)
    server.mock("say", seconds=0.5, texts=["Done."])
    server.until(lambda got: any(one["type"] == "mark" for one in got["messages"]))
    until(page, "document.body.dataset.state === 'listening'")
    server.mock("interrupt")
    until(page, "document.body.dataset.state === 'caller'")
    page.wait_for_timeout(200)
    assert page.locator(".cut").count() == 0
    assert number(page, "interruptions") == 0


@pytest.mark.mock
def test_after_a_clear_the_next_answer_sounds(talk, server):
    server.mock("set", parrot=False)
    page = talk(heard=True)
    server.until(lambda got: got["packets"] > 10)
    server.mock("say", seconds=5, frequency=440, lead=60)
    until(page, "document.body.dataset.state === 'agent'")
    server.mock("interrupt")
    server.mock("send", messages=[{"type": "speech", "state": "stopped"}])
    server.mock("say", seconds=1, frequency=880)
    until(page, "document.body.dataset.state === 'agent'")
    page.wait_for_timeout(1_500)
    samples, first = played(page)
    frame = page.evaluate("heard.messages.find((one) => one.type === 'clear').frame")
    rest = samples[frame - first + STOP_MOST:].astype(float)
    spectrum = numpy.abs(numpy.fft.rfft(rest))
    assert numpy.argmax(spectrum) * PLAYED_RATE / len(rest) == pytest.approx(880, abs=2), "the old answer came back"
    near = lambda hertz: slice(int((hertz - 20) * len(rest) / PLAYED_RATE), int((hertz + 20) * len(rest) / PLAYED_RATE))
    assert numpy.sum(spectrum[near(440)] ** 2) < 1e-3 * numpy.sum(spectrum[near(880)] ** 2)
