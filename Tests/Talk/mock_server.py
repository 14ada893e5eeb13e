"""Plays the server for the page /talk: it decodes what is said, says it back like the parrot, and does what tests ask of it.

    python mock_server.py --port 5056

then http://127.0.0.1:5056/talk. Tests ask below /mock. The token is "operator" once a login is required.
"""
import asyncio
import json
import math
import pathlib
import sys
import time

import numpy
from aiohttp import WSMsgType, web

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for Browser, which both suites use
from Browser.serving import parser, run
from Browser.web_files import page, problem
from opus import FRAME, RATE, Decoder, Encoder

LEAD = 0.3  # s of an answer that are sent ahead
LOUD = 500  # int16, above which a frame is speech
BEGIN, END = 3, 25  # frames of speech that begin a turn, of silence that end it
KEPT = 120 * RATE  # samples of what was heard that are kept
STATUS = {"opus": True, "model": "parrot", "voice": "marin", "sample_rate": RATE}
SETTINGS = {"login": False, "status": 200, "body": STATUS, "hello": True, "parrot": True, "delay": 0.2, "refuse": 0, "abort": True}


def tone(seconds, frequency):
    at = numpy.arange(int(seconds * RATE)) / RATE
    return (8_000 * numpy.sin(2 * math.pi * frequency * at)).astype(numpy.int16)


def packets(samples):
    encoder = Encoder()
    return [encoder.encode(samples[at:at + FRAME]) for at in range(0, len(samples) - FRAME + 1, FRAME)]


class Talk:
    """One call."""

    def __init__(self, mock, socket, query):
        self.mock, self.socket, self.query = mock, socket, dict(query)
        self.decoder = Decoder()
        self.messages, self.packets, self.sizes, self.bad = [], 0, [], 0
        self.heard, self.samples = [], 0
        self.marks_sent, self.close_code = [], None
        self.loud, self.quiet, self.speaks, self.words = 0, 0, False, []
        self.answering, self.turns = None, 0

    async def send(self, **message):
        if not self.socket.closed:
            await self.socket.send_str(json.dumps({"session_id": "mock-1", **message}))

    async def mark(self, name):
        self.marks_sent.append(name)
        await self.send(type="mark", name=name)

    async def text(self, text):
        message = json.loads(text)
        self.messages.append(message)
        if message["type"] == "hello" and self.mock.settings["hello"]:
            answer = {"type": "hello", "transport": "websocket", "session_id": "mock-1",
                      "audio_params": {"format": "opus", "sample_rate": RATE, "channels": 1, "frame_duration": 20}}
            if isinstance(self.mock.settings["hello"], dict):
                answer |= self.mock.settings["hello"]
            await self.socket.send_str(json.dumps(answer))
        if message["type"] == "abort" and self.mock.settings["abort"]:
            self.silence()
            await self.send(type="clear")
            await self.send(type="tts", state="stop")

    async def packet(self, packet):
        self.packets += 1
        self.sizes.append(len(packet))
        samples = self.decoder.decode(packet)
        if samples is None:
            self.bad += 1
            return
        if self.samples < KEPT:
            self.heard.append(samples)
            self.samples += len(samples)
        if self.mock.settings["parrot"]:
            await self.listen(packet, samples)

    async def listen(self, packet, samples):
        is_loud = numpy.sqrt(numpy.mean(numpy.square(samples.astype(float)))) > LOUD
        self.loud = self.loud + 1 if is_loud else 0
        self.quiet = 0 if is_loud else self.quiet + 1
        if self.speaks or self.loud:
            self.words.append(packet)
        if not self.speaks and self.loud >= BEGIN:
            self.speaks = True
            await self.interrupt()
        elif self.speaks and self.quiet >= END:
            self.speaks, words, self.words = False, self.words, []
            self.turns += 1
            await self.send(type="speech", state="stopped")
            await self.send(type="stt", text=f"Words of turn {self.turns}.")
            self.begin(words, [f"Back to you: turn {self.turns}."], self.mock.settings["delay"])
        elif not self.speaks and not self.loud:
            self.words = []

    async def interrupt(self):
        self.silence()
        await self.send(type="speech", state="started")
        await self.send(type="clear")

    def silence(self):
        if self.answering:
            self.answering.cancel()
        self.answering = None

    def begin(self, audio, texts, delay=0.0, lead=LEAD, holds=False):
        self.silence()
        self.answering = asyncio.create_task(self.answer(audio, texts, delay, lead, holds))

    async def answer(self, audio, texts, delay, lead, holds):
        await asyncio.sleep(delay)
        await self.send(type="tts", state="start")
        begun, size = time.monotonic(), max(1, math.ceil(len(audio) / max(1, len(texts))))
        for index, packet in enumerate(audio):
            if index % size == 0 and index // size < len(texts):
                await self.send(type="tts", state="sentence_start", text=texts[index // size])
            ahead = index * 0.02 - (time.monotonic() - begun) - lead
            if ahead > 0:
                await asyncio.sleep(ahead)
            await self.socket.send_bytes(packet)
            if index % size == size - 1 or index == len(audio) - 1:
                await self.mark(f"m{len(self.marks_sent) + 1}")
        if not holds:
            await self.send(type="tts", state="stop")

    def told(self):
        return {"query": self.query, "messages": self.messages, "packets": self.packets, "bad": self.bad, "sizes": self.sizes[-200:],
                "samples": self.samples, "marks_sent": self.marks_sent, "close_code": self.close_code, "turns": self.turns,
                "closed": self.socket.closed}


class Mock:
    def __init__(self):
        self.settings = dict(SETTINGS)
        self.talks = []
        self.asked = 0

    @property
    def talk(self):
        return self.talks[-1]

    def stranger(self, request):
        return self.settings["login"] and request.cookies.get("trunkline") != "operator"

    async def status(self, request):
        self.asked += 1
        if self.stranger(request):
            return problem(401, "log in first")
        return web.json_response(self.settings["body"], status=self.settings["status"])

    async def socket(self, request):
        if self.stranger(request):
            return problem(401, "log in first")
        if self.settings["refuse"]:
            return web.Response(status=self.settings["refuse"])
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        talk = Talk(self, socket, request.query)
        self.talks.append(talk)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await talk.text(message.data)
            elif message.type == WSMsgType.BINARY:
                await talk.packet(message.data)
        talk.close_code = socket.close_code
        talk.silence()
        return socket

    # What tests bring about

    async def reset(self, body):
        self.settings = SETTINGS | body
        for talk in self.talks:
            await talk.socket.close()
        self.talks = []

    async def say(self, body):
        """`seconds` of a tone, or what was heard (`back`), with `texts`; `holds`: the answer does not end."""
        audio = packets(numpy.concatenate(self.talk.heard)) if body.get("back") else packets(tone(body["seconds"], body.get("frequency", 440)))
        self.talk.begin(audio, body.get("texts", []), lead=body.get("lead", LEAD), holds=body.get("holds", False))

    async def interrupt(self, body):
        await self.talk.interrupt()

    async def send(self, body):
        for message in body["messages"]:
            await self.talk.send(**message)

    async def text(self, body):
        await self.talk.socket.send_str(body["text"])

    async def binary(self, body):
        for one in body["hex"]:
            await self.talk.socket.send_bytes(bytes.fromhex(one))

    async def close(self, body):
        await self.talk.socket.close(code=body["code"], message=body.get("reason", "").encode())

    async def drop(self, body):
        self.talk.socket._req.transport.abort()

    async def set(self, body):
        self.settings |= body

    async def got(self, body):
        return {"calls": len(self.talks), "asked": self.asked, **(self.talk.told() if self.talks else {})}

    async def mock(self, request):
        what = request.match_info["what"]
        if what == "heard":
            return web.Response(body=numpy.concatenate(self.talk.heard).tobytes() if self.talk.heard else b"")
        body = await request.json() if request.can_read_body else {}
        return web.json_response(await getattr(self, what)(body) or {})

    def application(self):
        app = web.Application()
        add = app.router.add_route
        add("GET", "/talk/status", self.status)
        add("GET", "/ws/talk", self.socket)
        add("*", "/mock/{what}", self.mock)
        add("GET", "/{path:.+}", page)
        return app


def main():
    words = parser(__doc__)
    words.add_argument("--set", type=json.loads, default={}, help="settings as JSON, such as '{\"parrot\": false}'")
    options = words.parse_args()
    mock = Mock()
    mock.settings |= options.set
    run(mock.application(), options.port)


if __name__ == "__main__":
    main()
