"""Marks come back once each, in order, and not before what was sent before them was played, or cleared."""
import pytest

from Browser.waiting import until

pytestmark = pytest.mark.mock


def marks(got):
    return [one["name"] for one in got["messages"] if one["type"] == "mark"]


def played_ms(page):
    return page.evaluate("""() => {
      const {samples} = heard;
      return samples.reduce((sum, block) => sum + block.reduce((count, value) => count + (value !== 0), 0), 0) / 48;
    }""")


@pytest.fixture
def call(talk, server):
    server.mock("set", parrot=False)
    page = talk(heard=True)
    server.until(lambda got: got["packets"] > 10)
    return page


def test_marks_come_when_their_place_was_played(call, server):
    page = call
    # Everything is in the page at once: only playing can hold the marks back.
    server.mock("say", seconds=3, texts=["One.", "Two.", "Three."], lead=60)
    server.until(lambda got: len(got["marks_sent"]) == 3)
    assert marks(server.got) == []
    server.until(lambda got: len(marks(got)) == 1)
    first = played_ms(page)
    assert 950 <= first, f"the first mark came after {first} ms of its second"
    server.until(lambda got: len(marks(got)) == 2)
    assert 1_950 <= played_ms(page)
    got = server.until(lambda got: len(marks(got)) == 3)
    assert 2_950 <= played_ms(page)
    page.wait_for_timeout(300)
    assert marks(server.got) == got["marks_sent"], "each once, in order"
    assert all(one["session_id"] == "mock-1" for one in got["messages"] if one["type"] == "mark")


def test_a_clear_gives_back_all_marks(call, server):
    page = call
    server.mock("say", seconds=10, texts=[f"{number}." for number in range(10)], lead=60)
    server.until(lambda got: len(got["marks_sent"]) == 10 and len(marks(got)) == 1)
    server.mock("interrupt")
    got = server.until(lambda got: len(marks(got)) == 10)
    assert marks(got) == got["marks_sent"]
    assert played_ms(page) < 5_000
    page.wait_for_timeout(300)
    assert marks(server.got) == got["marks_sent"], "none twice"


def test_a_mark_without_sound_comes_at_once(call, server):
    server.mock("send", messages=[{"type": "mark", "name": "alone"}])
    server.until(lambda got: marks(got) == ["alone"])


@pytest.mark.parametrize("obeys", [True, False])
def test_stopping_the_agent(call, server, obeys):
    """It is silent at once, also when the server hears of it late and goes on sending."""
    page = call
    server.mock("set", abort=obeys)
    server.mock("say", seconds=20, texts=["One.", "Two."], lead=0.5)
    until(page, "document.body.dataset.state === 'agent'")
    page.wait_for_timeout(1_000)
    page.get_by_role("button", name="Stop the agent").click()
    got = server.until(lambda got: any(one["type"] == "abort" for one in got["messages"]))
    assert {"session_id": "mock-1", "type": "abort"} in got["messages"]
    until(page, "document.body.dataset.state === 'listening'")
    before = played_ms(page)
    page.wait_for_timeout(1_000)
    assert played_ms(page) - before < 20, "it went on"
    assert page.get_by_role("button", name="Stop the agent").is_disabled()
    # The next answer is heard again.
    server.mock("say", seconds=1)
    until(page, "document.body.dataset.state === 'agent'")
