"""A live call is followed and led; an ended one is looked into."""
import re

import pytest
from playwright.sync_api import expect

from Browser.waiting import until

pytestmark = pytest.mark.mock
RECORD = "CA" + "0" * 32


def commands(server, sid):
    return [(one["command"], one["body"]) for one in server.mock("commands") if one.get("call_sid") == sid]


def test_the_board_follows_a_call(open_page, server, call):
    page = open_page("#/live")
    row = page.locator(f"tr[data-sid={call}]")
    expect(row.locator(".badge")).to_have_text("In conversation")
    expect(row.locator(".speaker")).to_have_text(re.compile("Caller|Agent"))
    expect(row.locator(".c-cost")).not_to_have_text("$0.00")
    before = row.locator(".c-time").text_content()
    expect(row.locator(".c-time")).not_to_have_text(before)


def test_the_transcript_grows_with_interruptions_tools_and_times(open_page, call):
    page = open_page(f"#/call/{call}")
    transcript = page.locator(".transcript")
    expect(transcript.locator(".line.agent .words").first).to_contain_text("Good morning, you have reached")
    expect(transcript.locator(".dots:visible").first).to_be_visible()
    expect(transcript.locator(".line.caller .words").first).to_contain_text("I ordered a touring bike")
    expect(page.locator(".tool-card").first).to_contain_text('"phone": "+15550142"')
    expect(page.locator(".tool-card .badge").first).to_have_text("Succeeded")
    expect(transcript.locator("del").filter(has_text="on Friday, and then the usual checks")).to_be_visible()
    expect(transcript.locator(".cut:visible")).to_have_text("interrupted")
    expect(page.locator(".timeline .mark.interruption")).not_to_have_count(0)
    expect(page.locator(".timeline .span.caller")).not_to_have_count(0)
    page.get_by_role("tab", name="Answer times").click()
    bar = page.locator(".fall-bar").first
    expect(bar).to_have_attribute("aria-label", re.compile("to commit .* to response .* to first audio"))
    assert page.locator(".fall-bar .stretch.committed_ms").count() > 0


def test_a_live_answer_is_followed_to_the_ear(open_page, call):
    page = open_page(f"#/call/{call}")
    page.get_by_role("tab", name="Answer times").click()
    bar = page.locator(".fall-bar", has=page.locator(".stretch.first_mark_ms")).first
    expect(bar).to_have_attribute("aria-label", re.compile("to commit .* to first frame .* to the ear"))


def test_marks_and_commits_belong_to_their_turns(open_page):
    """By the server's events alone: news of a mark is late, and may be of an answer before the last."""
    page = open_page("#/live")
    turns, marks = page.evaluate("""async () => {
      const { CallModel } = await import('/dashboard/js/call-model.js');
      const model = new CallModel('x');
      model.take({ started_at: new Date(0).toISOString(), status: 'in-progress' });
      const tell = (at, event) => model.event({ at, event });
      tell(1000, { type: 'caller_speech_stopped', item_id: 'a' });
      tell(1200, { type: 'caller_turn_committed', item_id: 'a' });
      tell(1500, { type: 'audio_started', item_id: 'b' });
      tell(2000, { type: 'caller_speech_stopped', item_id: 'c' });
      tell(2010, { type: 'caller_turn_committed', item_id: 'c' });
      tell(2100, { type: 'audio_started', item_id: 'd' });
      tell(2105, { type: 'agent_heard', item_id: 'd', ago_ms: 30 });
      tell(2110, { type: 'agent_heard', item_id: 'b', ago_ms: 450 });
      tell(2120, { type: 'agent_heard', item_id: 'b', ago_ms: 0 });
      tell(2130, { type: 'agent_heard', item_id: 'nobody', ago_ms: 0 });
      tell(3000, { type: 'talked_over', duration_ms: 700 });
      return [model.turns, model.marks];
    }""")
    assert [(turn["committed_ms"], turn["first_mark_ms"]) for turn in turns] == [(1200, 1660), (2010, 2100)]
    assert marks == [{"t": 2300, "kind": "talkover", "label": "both spoke for 700 ms, the agent went on"}]


def test_a_devices_call_cannot_be_transferred(open_page, server):
    sid = server.mock("begin", scene=0, device=True)["sid"]
    page = open_page(f"#/call/{sid}")
    expect(page.get_by_role("button", name="Hang up")).to_be_visible()
    expect(page.get_by_role("button", name="Transfer")).to_have_count(0)
    server.mock("end", call_sid=sid)


def test_what_was_whispered_is_shown(open_page, server, call):
    page = open_page(f"#/call/{call}")
    page.get_by_role("button", name="Whisper").click()
    page.get_by_label("Message").fill("Offer ten percent")
    page.get_by_label("Message").press("Enter")
    expect(page.get_by_label("Message")).to_have_value("")
    page.reload()
    page.get_by_role("tab", name="Details").click()
    expect(page.locator(".facts")).to_contain_text("ada message: Offer ten percent")
    # In the record, too: to whom a call was given.
    page.goto(f"{server.url}/dashboard#/call/{RECORD}")
    expect(page.locator(".line.note", has_text="ada transferred: front desk")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("ada transferred: front desk")


def test_levels_move(open_page, call):
    page = open_page(f"#/call/{call}")
    until(page, "[...document.querySelectorAll('.meter')].some((meter) => Number(meter.getAttribute('aria-valuenow')) > 5)")


def test_following_does_not_fight_reading(open_page, server, call):
    page = open_page(f"#/call/{call}", height=700)
    box = page.locator(".transcript-box")
    for number in range(30):
        server.mock("event", call_sid=call, event={"type": "caller_transcript", "item_id": f"x{number}", "text": f"Line number {number}"})
    expect(page.get_by_text("Line number 29", exact=True)).to_be_in_viewport()
    box.evaluate("(box) => { box.scrollTop = 0; }")
    page.wait_for_timeout(200)
    server.mock("event", call_sid=call, event={"type": "caller_transcript", "item_id": "late", "text": "A late line"})
    expect(page.get_by_role("button", name=re.compile("new line"))).to_be_visible()
    assert box.evaluate("(box) => box.scrollTop") < 60
    page.get_by_role("button", name=re.compile("new line")).click()
    expect(page.get_by_text("A late line")).to_be_in_viewport()


def test_controls_send_what_they_should(open_page, server, call):
    page = open_page(f"#/call/{call}")
    server.mock("commands")
    page.get_by_role("button", name="Mute agent").click()
    page.get_by_role("button", name="Unmute agent").click()
    expect(page.get_by_role("button", name="Mute agent")).to_be_visible()
    page.get_by_role("button", name="Interrupt").click()
    page.get_by_label("Message").fill("Please hold the line.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_label("Message")).to_have_value("")
    page.get_by_role("button", name="Whisper").click()
    page.get_by_label("Message").fill("Offer a discount")
    page.get_by_label("Answer at once").uncheck()
    page.get_by_label("Message").press("Enter")
    expect(page.get_by_label("Message")).to_have_value("")
    page.get_by_role("button", name="Instructions").click()
    page.get_by_role("dialog").get_by_label("Instructions").fill("Speak slowly.")
    page.get_by_role("dialog").get_by_role("button", name="Change").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Transfer").click()
    page.get_by_role("dialog").get_by_role("button", name="front desk").click()
    page.get_by_role("dialog").get_by_role("button", name="Transfer", exact=True).click()
    expect(page.locator(".call-title .badge")).to_have_text("Transferred")
    assert commands(server, call) == [
        ("mute", {}), ("unmute", {}), ("interrupt", {}), ("message", {"text": "Please hold the line.", "mode": "say"}),
        ("message", {"text": "Offer a discount", "mode": "instruct", "respond": False}), ("session", {"instructions": "Speak slowly."}),
        ("transfer", {"to": "front desk"})]


def test_a_waiting_tool_is_answered_by_hand(open_page, server):
    sid = server.mock("begin", scene=1)["sid"]
    page = open_page(f"#/call/{sid}")
    answer = page.get_by_label("Answer by hand")
    # The third call of a tool waits long: it is the one that nobody answers.
    expect(page.locator(".tool-card", has_text="free_slots").get_by_label("Answer by hand")).to_be_visible(timeout=20_000)
    server.mock("commands")
    answer.first.fill('{"slots":["08:30"]}')
    page.get_by_role("button", name="Send this answer").first.click()
    expect(page.locator(".tool-card", has_text="free_slots").locator(".badge")).to_have_text("Succeeded")
    expect(page.locator(".tool-card", has_text="free_slots").locator("pre").last).to_contain_text("08:30")
    [(name, body)] = commands(server, sid)
    assert name == "tool-output" and body["output"] == '{"slots":["08:30"]}' and body["call_id"].startswith("call_")


def test_hanging_up_by_keyboard_only(open_page, server, call):
    page = open_page("#/live")
    row = page.locator(f"tr[data-sid={call}]")
    expect(row).to_be_visible()
    server.mock("commands")
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.dataset.act === 'hangup' && document.activeElement.closest('tr')?.dataset.sid === '{call}'"):
            break
    else:
        pytest.fail("Tab does not reach the button")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus cannot be seen"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.dataset.act") == "hangup", "the focus comes back"
    page.keyboard.press("Enter")
    for _ in range(6):
        if page.evaluate("document.activeElement.textContent") == "Hang up at once":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(f".is-ended tr[data-sid={call}] .badge")).to_have_text("Operator hung up")
    assert commands(server, call) == [("hangup", {"goodbye": False})]


def test_a_call_that_ends_while_it_is_watched(open_page, server, call):
    page = open_page(f"#/call/{call}")
    # The agent's first words are over, and so written down, when the caller begins.
    expect(page.locator(".line.caller").first).to_be_visible()
    page.get_by_role("button", name="Hang up").click()
    page.get_by_role("button", name="Say goodbye first").click()
    expect(page.locator(".call-title .badge")).to_have_text("Operator hung up")
    expect(page.get_by_role("button", name="Hang up")).to_have_count(0)
    # Its record takes the place of what was gathered.
    expect(page.get_by_role("button", name="Delete record")).to_be_visible()
    expect(page.locator(".line.agent").first).to_contain_text("Good morning")


def test_the_inspector_filters_searches_pauses_and_folds_audio(open_page, server, call):
    page = open_page(f"#/call/{call}")
    page.get_by_role("tab", name="Events").click()
    expect(page.locator(".event-type", has_text="response.output_audio_transcript.delta").first).to_be_visible()
    page.get_by_label("Audio too").check()
    # Pieces of audio in a row become one line that tells how long they are together.
    for _ in range(5):
        server.mock("log", call_sid=call, event={"type": "response.output_audio.delta", "item_id": "folded", "delta": "f" * 1600})
    page.get_by_label("Search events").fill('"folded"')
    expect(page.locator(".event-gist")).to_have_text("5 pieces, 0.75 s of audio")
    page.get_by_label("Search events").fill("needle")
    expect(page.locator(".event")).to_have_count(0)
    server.mock("log", call_sid=call, event={"type": "error", "error": {"message": "needle in the hay"}})
    expect(page.locator(".event.bad")).to_have_count(1)
    page.locator(".event.bad").click()
    expect(page.locator(".event-detail pre")).to_contain_text('"message": "needle in the hay"')
    page.get_by_role("button", name="Pause").click()
    server.mock("log", call_sid=call, event={"type": "error", "error": {"message": "needle two"}})
    expect(page.locator(".inspector [role=status]")).to_contain_text(re.compile("paused, [1-9]"))
    expect(page.locator(".event.bad")).to_have_count(1)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".event.bad")).to_have_count(2)


def test_audio_of_a_device_is_folded_by_its_own_format(open_page, server):
    sid = server.mock("begin", scene=0, device=True)["sid"]
    page = open_page(f"#/call/{sid}")
    page.get_by_role("tab", name="Events").click()
    page.get_by_label("Audio too").check()
    page.get_by_label("Search events").fill('"pcm"')
    for _ in range(5):
        # 4,800 bytes: 100 ms of PCM at 24,000 Hz.
        server.mock("log", call_sid=sid, event={"type": "response.output_audio.delta", "item_id": "pcm", "delta": "f" * 6400})
    expect(page.locator(".event-gist")).to_have_text("5 pieces, 0.50 s of audio")
    server.mock("end", call_sid=sid)


def test_events_kept_are_bounded(open_page, server, call):
    page = open_page(f"#/call/{call}")
    page.get_by_role("tab", name="Events").click()
    expect(page.locator(".event").first).to_be_visible()
    page.evaluate("""async () => {
      const { Bounded } = await import('/dashboard/js/bounded.js');
      const list = new Bounded(2000);
      for (let index = 0; index < 100000; index += 1) list.push(index);
      if (list.length > 2000 || list.length + list.dropped !== 100000) throw new Error(`${list.length} ${list.dropped}`);
      const { CallModel } = await import('/dashboard/js/call-model.js');
      const model = new CallModel('x');
      model.take({ started_at: new Date().toISOString(), status: 'in-progress' });
      for (let index = 0; index < 5000; index += 1) {
        model.event({ at: Date.now() + index, event: { type: 'caller_speech_started', item_id: `i${index}` } });
        model.event({ at: Date.now() + index, event: { type: 'caller_speech_stopped', item_id: `i${index}` } });
        model.event({ at: Date.now() + index, event: { type: 'tool_started', call_id: `c${index}`, name: 'x', arguments: '{}' } });
      }
      const sizes = [model.lines.length, model.spans.length, model.tools.length, model.turns.length, model.marks.length];
      if (Math.max(...sizes) > 1500) throw new Error(sizes.join());
    }""")


def test_listening_plays_both_legs(open_page, call):
    page = open_page(f"#/call/{call}")
    page.get_by_role("button", name="Listen").click()
    expect(page.get_by_label("Volume")).to_be_visible()
    until(page, "Number(document.querySelector('.listening').dataset.frames) > 50")
    page.get_by_role("button", name="Stop listening").click()
    expect(page.get_by_label("Volume")).to_be_hidden()


def test_listening_begins_on_the_board(open_page, call):
    page = open_page("#/live")
    page.locator(f"tr[data-sid={call}]").get_by_role("link", name="Listen").click()
    until(page, "Number(document.querySelector('.listening')?.dataset.frames) > 10")


def test_mulaw_is_decoded_as_g711_says(open_page):
    page = open_page("#/live")
    samples = page.evaluate("""async () => {
      const { decode } = await import('/dashboard/js/listen.js');
      const bytes = Uint8Array.from([1, 0, 0, 1, 44, 0xff, 0x7f, 0x80, 0x00, 0xef]);
      const { leg, at, samples } = decode(bytes.buffer);
      return [leg, at, ...samples].map((value) => Math.round(value * (value > 1 ? 1 : 1)) === value ? value : Math.round(value * 32768));
    }""")
    assert samples == [1, 300, 0, 0, 32124, -32124, 132]


def test_a_record_is_played_in_step_with_its_transcript(open_page):
    page = open_page(f"#/call/{RECORD}")
    audio = page.locator("audio")
    expect(audio).to_be_visible()
    until(page, "document.querySelector('audio').readyState >= 1")
    page.locator(".line.caller button.time").first.click()
    until(page, "document.querySelector('audio').currentTime >= 3")
    expect(page.locator(".line[aria-current] .who")).to_have_text("Caller")
    expect(page.locator(".timeline .head")).to_have_count(1)
    assert page.locator(".line.agent del:visible").count() == 1
    page.get_by_role("tab", name="Answer times").click()
    expect(page.locator(".fall-bar").first).to_have_attribute("aria-label", re.compile("to the ear"))


def test_a_call_nobody_knows(open_page, console):
    console.expected = ["404"]
    page = open_page("#/call/CAnone")
    expect(page.get_by_text("The server knows no call of this name.")).to_be_visible()


def test_making_a_call(open_page, server, console):
    console.expected = ["502"]
    page = open_page("#/live")
    server.mock("commands")
    page.get_by_role("button", name="Make a call").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Call this number").fill("+15550100999")
    dialog.get_by_label("First words (optional)").fill("Hello, this is a test.")
    dialog.get_by_role("button", name="Call", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("the number is not verified")
    dialog.get_by_label("Call this number").fill("+15550100123")
    dialog.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="+15550100123", exact=True)).to_be_visible()
    body = server.mock("commands")[-1]["body"]
    assert body["to"] == "+15550100123" and body["policy"] == {"say_first": "Hello, this is a test."} and body["ring_seconds"] == 60
