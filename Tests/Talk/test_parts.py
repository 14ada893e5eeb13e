"""Parts of the page that only compute, run in the page: transcript, figures, resampler, and the machine's late inputs."""
import math

import pytest


def run(page, script):
    """The value of a function's body; `load(name)` gives a module of the page."""
    return page.evaluate("async () => { const load = (name) => import(`/talk/js/${name}.js`); %s }" % script)


@pytest.fixture(scope="module")
def cases():
    return [
        # pieces as [from, at], text, heard, came, expected characters
        ([[0, 0]], "One two three four", 0, 4_000, 0),
        ([[0, 0]], "One two three four", 2_000, 4_000, len("One two")),
        ([[0, 0]], "One two three four", 4_000, 4_000, 18),
        # Each piece came with its sound.
        ([[0, 0], [10, 1_000], [20, 2_000]], "Aaaa bbbb. Cccc dddd. Eeee ffff.", 1_000, 3_000, len("Aaaa bbbb.")),
        # All text came ahead of the sound: fast speech is assumed.
        ([[0, 0], [10, 0], [20, 0]], "Aaaa bbbb. Cccc dddd. Eeee ffff.", 600, 3_000, len("Aaaa bbbb.")),
        ([], "", 500, 500, 0),
        # A script without spaces is cut anywhere.
        ([[0, 0]], "\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d\u3002\u597d", 1_000, 2_000, 5),
    ]


def test_how_much_was_heard(open_page, cases):
    page = open_page()
    for pieces, text, heard, came, expected in cases:
        got = page.evaluate("""async ([pieces, text, heard, came]) => (await import('/talk/js/transcript.js'))
            .heardCharacters(pieces.map(([from, at]) => ({from, at})), text, heard, came)""", [pieces, text, heard, came])
        assert got == expected, (text, heard)


def test_the_transcript_is_bounded(open_page):
    page = open_page()
    lines, removed, length, pieces = run(page, """
        const {Transcript, LINES_MOST, TEXT_MOST, PIECES_MOST} = await load('transcript');
        const transcript = new Transcript();
        for (let index = 0; index < LINES_MOST + 10; index += 1) transcript.callerSaid('word', index);
        const answer = transcript.agentBegan(0);
        for (let index = 0; index < PIECES_MOST + 10; index += 1) transcript.agentSaid(answer, 'x'.repeat(100), index * 10, 0);
        return [transcript.lines.length - LINES_MOST, transcript.removed, answer.line.text.length - TEXT_MOST,
          answer.line.pieces.length - PIECES_MOST];""")
    assert (lines, removed, length, pieces) == (0, 11, 0, 0)


def test_words_that_never_come(open_page):
    page = open_page()
    counts = run(page, """
        const {Transcript, WAITING_MS} = await load('transcript');
        const transcript = new Transcript();
        transcript.callerBegan(0);
        transcript.tick(WAITING_MS - 1);
        const before = transcript.lines.length;
        transcript.tick(WAITING_MS);
        return [before, transcript.lines.length];""")
    assert counts == [1, 0]


@pytest.mark.parametrize("source, target", [(48_000, 24_000), (44_100, 24_000), (16_000, 24_000), (24_000, 48_000)])
def test_the_resampler(open_page, source, target):
    """A tone keeps its height and loudness; what the new rate cannot hold is gone."""
    page = open_page()
    result = run(page, """
        const {Resampler} = await load('resampler');
        const through = (hertz) => {
          const resampler = new Resampler(%d, %d);
          const out = [];
          const block = new Float32Array(128);
          for (let at = 0; at + 128 <= %d; at += 128) {
            for (let index = 0; index < 128; index += 1) block[index] = Math.sin(2 * Math.PI * hertz * (at + index) / %d);
            resampler.push(block, (sample) => out.push(sample));
          }
          const part = out.slice(200, -200);
          let error = 0, squares = 0;
          let a = 0, b = 0;
          part.forEach((sample, index) => {
            const phase = 2 * Math.PI * hertz * index / %d;
            a += 2 * sample * Math.sin(phase) / part.length;
            b += 2 * sample * Math.cos(phase) / part.length;
          });
          part.forEach((sample, index) => {
            const phase = 2 * Math.PI * hertz * index / %d;
            error += (sample - a * Math.sin(phase) - b * Math.cos(phase)) ** 2;
            squares += sample ** 2;
          });
          return {count: out.length, amplitude: Math.hypot(a, b), noise: Math.sqrt(error / part.length), rms: Math.sqrt(squares / part.length)};
        };
        return [through(1000), through(%d)];""" % (source, target, source, source, target, target, 15_000))
    tone, over = result
    assert abs(tone["count"] - target) < target * 0.01
    assert tone["amplitude"] == pytest.approx(1, abs=0.01)
    assert 20 * math.log10(tone["noise"]) < -55
    if target < source:
        assert 20 * math.log10(over["rms"]) < -50, "15 kHz would come back as another tone"


def test_late_inputs_change_nothing(open_page):
    """What arrives after the end of a call: microphone, socket, sound, marks."""
    page = open_page()
    actions = run(page, """
        const {Machine} = await load('machine');
        const names = (actions) => actions.map(({do: name}) => name);
        const machine = new Machine({opus: true});
        machine.start();
        const early = names(machine.hangUp());
        const late = [names(machine.microphoneOpen(1)), names(machine.socketOpen()), names(machine.message({type: 'hello', transport: 'websocket',
          session_id: 's', audio_params: {format: 'opus'}}, 2)), names(machine.packet(new ArrayBuffer(3))), names(machine.message({type: 'clear'}, 3)),
          names(machine.marksPlayed(['m'])), names(machine.closed(1006, '', 4)), names(machine.hangUp()), names(machine.tick(99999))];
        return {early, late, phase: machine.phase, problem: machine.problem};""")
    assert actions["early"] == ["close", "release"]
    assert actions["late"] == [["release"], [], [], [], [], [], [], [], []]
    assert actions["phase"] == "over" and actions["problem"] is None
