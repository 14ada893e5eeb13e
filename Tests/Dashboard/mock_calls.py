"""Calls that go on by themselves: they come, talk, are interrupted, use tools, and end."""
import asyncio
import datetime
import math
import random
import struct

from mock_history import number_of, stamp
from mock_words import BY, HOSTILE, MODEL, RULES, SCENES, VOICES


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Call:
    def __init__(self, server, number, scene=None, hostile=False, device=False):
        self.server = server
        self.chance = random.Random(f"live {number}")
        self.sid = f"CA{0xF0000000 + number:032x}"
        self.scene = SCENES[(number if scene is None else scene) % len(SCENES)]
        self.began = now()
        self.ended = None
        self.transcript, self.tools, self.actions = [], [], []
        self.answer = None
        self.is_hostile = hostile
        self.caller_speaks = self.agent_speaks = False
        self.facts = {
            "call_sid": self.sid, "stream_sid": f"MZ{number:032x}",
            "from": '"><img src=x onerror=alert(1)>' if hostile else number_of(self.chance),
            "to": "+15550100001", "direction": "inbound", "rule": RULES[number % len(RULES)], "model": MODEL,
            "voice": VOICES[number % len(VOICES)], "model_serving": False, "agent_muted": False, "interruptions": 0,
            "reconnects": 0, "cost_usd": 0.0, "audio_bytes_per_ms": 8, "can_transfer": True}
        if device:
            self.facts |= {"from": "24:0a:c4:00:01:10", "to": "", "direction": "", "audio_bytes_per_ms": 48, "can_transfer": False}
        self.task = None

    @property
    def is_live(self):
        return self.ended is None

    def summary(self):
        call = dict(self.facts)
        speaking = {(False, False): "nobody", (True, False): "caller", (False, True): "agent", (True, True): "both"}
        call |= {"status": "in-progress" if self.is_live else "completed", "started_at": stamp(self.began),
                 "duration_ms": int(((self.ended or now()) - self.began).total_seconds() * 1000),
                 "speaking": speaking[(self.caller_speaks, self.agent_speaks)] if self.is_live else "nobody"}
        if not self.is_live:
            call["ended_at"] = stamp(self.ended)
            call["model_serving"] = call["can_transfer"] = False
        return call

    def detail(self):
        return self.summary() | {"transcript": self.transcript, "tools": self.tools, "actions": self.actions}

    def record(self):
        """As it was written down, when it has ended."""
        at = lambda text: max(0, int((datetime.datetime.fromisoformat(text) - self.began).total_seconds() * 1000))
        turns = [{"sequence": n, "who": line["who"], "text": line["text"], "heard": line["text"], "unheard": line["unheard"],
                  "interrupted": line["interrupted"], "began_ms": max(0, at(line["at"]) - 60 * len(line["text"])), "ended_ms": at(line["at"]),
                  "item_id": line["item_id"], "latency": None} for n, line in enumerate(self.transcript)]
        return self.summary() | {"turns": turns, "tools": self.tools, "barge_ins": [], "reconnects": [], "errors": [], "actions": self.actions,
                                 "usage": None, "recording": None}

    async def event(self, type, board=True, **values):
        await self.server.event(self.sid, {"type": type, **values})
        if board:
            await self.server.changed(self)

    async def log(self, type, **values):
        await self.server.log(self.sid, {"type": type, "event_id": f"event_{self.chance.randrange(10**9)}", **values})

    async def wait(self, seconds):
        await asyncio.sleep(seconds / self.server.speed)

    def say(self, who, text, item, unheard="", interrupted=False):
        self.transcript.append({"who": who, "text": text, "unheard": unheard, "interrupted": interrupted, "item_id": item,
                                "at": stamp(now())})

    async def run(self):
        await self.event("planned", rule=self.facts["rule"], model=MODEL, voice=self.facts["voice"])
        await self.event("started", stream_sid=self.facts["stream_sid"])
        await self.event("model_dialled", leg=1, purpose="first")
        await self.wait(0.6)
        self.facts["model_serving"] = True
        await self.event("model_serving", leg=1, session_id="sess_1", after_ms=412)
        await self.log("session.updated", session={"type": "realtime", "model": MODEL, "audio": {"output": {"voice": "marin"}}})
        round_ = 0
        while self.is_live:
            for number, line in enumerate(self.scene):
                await self.line(f"{round_}_{number}", line)
            round_ += 1
            if not self.server.endless and round_ > 0:
                await self.end(*self.chance.choice([("caller_hung_up", "caller"), ("agent_hung_up", "agent")]))

    async def line(self, name, line):
        item = f"item_{self.sid[-4:]}_{name}"
        if line[0] == "caller":
            await self.caller(item, HOSTILE if self.is_hostile else line[1])
        elif line[0] == "keys":
            self.say("keys", line[1], "")
            await self.event("keys", keys=line[1])
            await self.wait(1)
        elif line[0] == "tool":
            await self.tool(f"call_{self.sid[-4:]}_{name}", line)
        else:
            await self.agent(item, line[1], line[2] if line[0] == "cut" else "")

    async def caller(self, item, words):
        self.caller_speaks = True
        await self.event("caller_speech_started", item_id=item)
        await self.log("input_audio_buffer.speech_started", item_id=item, audio_start_ms=12_000)
        await self.wait(len(words) * 0.045)
        self.caller_speaks = False
        await self.event("caller_speech_stopped", item_id=item)
        await self.log("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=15_000)
        await self.wait(0.2)
        await self.event("caller_turn_committed", board=False, item_id=item)
        await self.log("input_audio_buffer.committed", item_id=item)
        await self.log("conversation.item.added", item={"id": item, "type": "message", "role": "user", "content": []})
        await self.wait(0.02)
        await self.log("response.created", response={"id": "resp_" + item, "status": "in_progress"})
        for word in words.split(" "):
            await self.log("conversation.item.input_audio_transcription.delta", item_id=item, delta=word + " ")
        await self.wait(0.15)
        self.say("caller", words, item)
        await self.event("caller_transcript", item_id=item, text=words)
        await self.log("conversation.item.input_audio_transcription.completed", item_id=item, transcript=words)

    async def agent(self, item, words, unheard):
        await self.wait(0.25)
        await self.event("audio_arrived", board=False, item_id=item)
        self.agent_speaks = True
        await self.event("audio_started", item_id=item)
        self.facts["latency_ms"] = self.chance.randrange(480, 1300)
        await self.event("turn_latency", first_audio_ms=self.facts["latency_ms"], created_ms=240)
        whole = f"{words} {unheard}".split(" ")
        said = 0
        for word in whole:
            await self.log("response.output_audio_transcript.delta", item_id=item, delta=word + " ")
            await self.log("response.output_audio.delta", item_id=item, delta="f" * 1600)
            said += len(word) + 1
            if said <= len(words):
                await self.wait(len(word) * 0.05)
            if word is whole[0]:
                await self.event("agent_heard", board=False, item_id=item, ago_ms=40)
        self.agent_speaks = False
        if unheard:
            self.facts["interruptions"] += 1
            await self.event("interrupted", cause="speech", item_id=item, heard_ms=len(words) * 55, dropped_ms=1_240)
            await self.event("truncated", board=False, item_id=item, audio_end_ms=len(words) * 55, received_ms=9_000)
        else:
            await self.event("audio_finished", item_id=item, proven=True)
            await self.event("audio_drained")
        self.say("agent", words, item, unheard, bool(unheard))
        await self.event("agent_transcript", item_id=item, text=words, unheard=unheard, interrupted=bool(unheard), heard_ms=4_000)
        self.facts["cost_usd"] = round(self.facts["cost_usd"] + 0.0113, 4)
        await self.event("usage", response_id="resp_" + item, cost_usd=0.0113, input_tokens=1420, output_tokens=310, cached_tokens=1180)
        await self.log("response.done", response={"id": "resp_" + item, "status": "completed", "usage": {"total_tokens": 1730}})
        await self.event("rate_limits", board=False, limits=[{"name": "tokens", "remaining": 38_412}])
        await self.log("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 40_000, "remaining": 38_412}])
        await self.wait(0.5)

    async def tool(self, call_id, line):
        run = {"call_id": call_id, "name": line[1], "arguments": line[2], "outcome": None, "output": "", "duration_ms": None,
               "at": stamp(now())}
        self.tools.append(run)
        await self.event("tool_started", call_id=call_id, name=line[1], arguments=line[2])
        self.answer = asyncio.get_running_loop().create_future()
        outcome, output = ("succeeded", line[3]) if line[3] is not None else ("timed_out", "no answer within 20,000 ms")
        if self.is_hostile:
            output = HOSTILE
        try:
            output = await asyncio.wait_for(self.answer, (12 if line[3] is None else 1.2) / self.server.speed)
            outcome = "succeeded"
        except asyncio.TimeoutError:
            if output and "503" in output:
                outcome = "failed"
        run |= {"outcome": outcome, "output": output, "duration_ms": int((now() - datetime.datetime.fromisoformat(run["at"])).total_seconds() * 1000)}
        await self.event("tool_finished", call_id=call_id, name=line[1], outcome=outcome, output=output, duration_ms=run["duration_ms"])

    async def end(self, reason, by, detail=""):
        if not self.is_live:
            return
        self.caller_speaks = self.agent_speaks = False
        await self.event("ending", board=False, reason=reason, by=by, detail=detail)
        self.ended = now()
        self.facts |= {"end_reason": reason, "ended_by": by}
        await self.event("ended", reason=reason, by=BY.get(reason, by))
        if self.task and self.task is not asyncio.current_task():
            self.task.cancel()

    def levels(self):
        loud = lambda on: round(abs(math.sin(self.chance.random() * 3)) * 0.8 + 0.1, 3) if on else 0.0
        return {"type": "levels", "caller": loud(self.caller_speaks), "agent": loud(self.agent_speaks)}


def mulaw(sample):
    """One sample from -1 to 1 as µ-law."""
    value = int(max(-1, min(1, sample)) * 32_635)
    sign = 0x80 if value < 0 else 0
    value = min(abs(value) + 132, 32_767)
    exponent = max(0, value.bit_length() - 8)
    return ~(sign | exponent << 4 | value >> (exponent + 3) & 0x0F) & 0xFF


def tone(frequency, count, loudness=0.25):
    return bytes(mulaw(loudness * math.sin(2 * math.pi * frequency * n / 8_000)) for n in range(count))


def wav(milliseconds):
    """A stereo µ-law file: the caller left, the agent right, one after the other."""
    second = 8_000
    left, right, silence = tone(330, second), tone(494, second), b"\xff" * second
    frames = bytearray()
    for number in range(math.ceil(milliseconds / 1000)):
        pair = (left, silence) if number % 2 == 0 else (silence, right)
        frames += b"".join(bytes(both) for both in zip(*pair))
    data = bytes(frames[: milliseconds * 16])
    head = struct.pack("<HHIIHHH", 7, 2, 8_000, 16_000, 2, 8, 0)
    return (b"RIFF" + struct.pack("<I", 4 + 8 + len(head) + 12 + 8 + len(data)) + b"WAVEfmt " + struct.pack("<I", len(head)) + head
            + b"fact" + struct.pack("<II", 4, len(data) // 2) + b"data" + struct.pack("<I", len(data)) + data)
