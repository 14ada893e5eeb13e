"""Ended calls, made up on the fly: the same number always gives the same call, so that none has to be kept."""
import datetime
import random

from mock_words import BY, HOSTILE, MODEL, REASONS, RULES, SCENES, VOICES

DAY = datetime.timedelta(days=1)


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def number_of(chance):
    return f"+1555{chance.randrange(100, 400):04d}{chance.randrange(1000):03d}"


class History:
    def __init__(self, total, now):
        self.total = total
        self.now = now
        self.deleted, self.made = set(), {}

    def sid(self, index):
        return f"CA{index:032x}"

    def index(self, sid):
        try:
            index = int(sid[2:], 16)
        except ValueError:
            return None
        return index if sid == self.sid(index) and 0 <= index < self.total and index not in self.deleted else None

    def summary(self, index):
        """The newest has number 0."""
        if index not in self.made:
            self.made[index] = self.make(index)
        return dict(self.made[index])

    def make(self, index):
        chance = random.Random(f"call {index}")
        scene = index % len(SCENES)
        turns = sum(1 for line in SCENES[scene] if line[0] != "tool")
        duration = chance.randrange(25_000, 240_000)
        began = self.now - datetime.timedelta(minutes=9 + 7 * index + chance.randrange(5))
        reason = REASONS[chance.randrange(len(REASONS))]
        call = {
            "call_sid": self.sid(index), "stream_sid": f"MZ{index:032x}", "from": number_of(chance), "to": "+15550100001",
            "direction": "inbound" if chance.random() < 0.9 else "outbound-api", "rule": RULES[scene], "model": MODEL,
            "voice": VOICES[chance.randrange(len(VOICES))], "status": "completed", "started_at": stamp(began),
            "ended_at": stamp(began + datetime.timedelta(milliseconds=duration)), "duration_ms": duration,
            "interruptions": chance.randrange(4),
            "reconnects": 1 if chance.random() < 0.05 else 0, "cost_usd": round(duration / 1000 * 0.0011, 4),
            "latency_ms": chance.randrange(420, 1900), "end_reason": reason, "ended_by": BY.get(reason, "system"),
            "end_detail": None, "turns": turns, "snippet": None,
        }
        if index == 3:
            call["rule"] = HOSTILE
        if call["direction"] != "inbound":
            call["from"], call["to"] = call["to"], call["from"]
        return call

    def matches(self, call, index, query):
        if index in self.deleted:
            return False
        if query.get("number") and query["number"] not in (call["from"] + call["to"]):
            return False
        if query.get("reason") and call["end_reason"] != query["reason"]:
            return False
        if query.get("from") and call["started_at"] < query["from"]:
            return False
        if query.get("to") and call["started_at"] >= query["to"]:
            return False
        if query.get("min_duration_ms") and call["duration_ms"] < int(query["min_duration_ms"]):
            return False
        scene = SCENES[index % len(SCENES)]
        if query.get("tool") and not any(line[0] == "tool" and line[1] == query["tool"] for line in scene):
            return False
        text = query.get("text", "").strip().lower()
        if text:
            lines = [line[1] for line in scene if line[0] != "tool"] + ([HOSTILE] if index == 3 else [])
            line = next((line for line in lines if text in line.lower()), None)
            if line is None:
                return False
            at = line.lower().index(text)
            call["snippet"] = f"…{line[max(0, at - 30):at]}\x02{line[at:at + len(text)]}\x03{line[at + len(text):at + 60]}…"
        return True

    def find(self, query):
        found = []
        for index in range(self.total):
            call = self.summary(index)
            if self.matches(call, index, query):
                found.append(call)
        return found

    def record(self, index):
        call = self.summary(index)
        chance = random.Random(f"record {index}")
        scene = SCENES[index % len(SCENES)]
        scale = call["duration_ms"] / 70_000
        t = 600.0
        turns, tools, cuts = [], [], []
        spoke = None
        for number, line in enumerate(scene):
            kind = line[0]
            if kind == "tool":
                tools.append({
                    "call_id": f"call_{number}", "name": line[1], "arguments": line[2],
                    "outcome": "timed_out" if line[3] is None else "failed" if "503" in line[3] else "succeeded",
                    "output": line[3] or "no answer within 20,000 ms", "duration_ms": chance.randrange(80, 900),
                    "at": call["started_at"], "at_ms": int(t)})
                t += 400
                continue
            words = line[1] if index != 3 or kind != "caller" else HOSTILE
            length = max(900, len(words) * 52 * scale * 0.7)
            latency = dict.fromkeys(
                ["speech_end_ms", "committed_ms", "created_ms", "first_delta_ms", "first_sent_ms", "first_mark_ms"])
            if kind in ("agent", "cut"):
                if spoke is not None:
                    at = spoke
                    for name, low, high in [("speech_end_ms", 0, 1), ("committed_ms", 180, 240), ("created_ms", 8, 30),
                                            ("first_delta_ms", 190, 700), ("first_sent_ms", 1, 4), ("first_mark_ms", 90, 190)]:
                        at += chance.randrange(low, high)
                        latency[name] = int(at)
                    t = at
                spoke = None
            began, t = t, t + length
            turns.append({
                "sequence": number, "who": "agent" if kind == "cut" else kind, "text": words, "heard": words,
                "unheard": line[2] if kind == "cut" else "", "interrupted": kind == "cut", "began_ms": int(began),
                "ended_ms": int(t), "item_id": f"item_{index}_{number}", "latency": latency})
            if kind == "cut":
                cuts.append({"at_ms": int(t), "cause": "speech", "heard_ms": int(length), "dropped_ms": chance.randrange(400, 2600),
                             "talk_over_ms": chance.randrange(140, 420)})
                t -= 150
            if kind == "caller":
                spoke = t
            t += 500
        call["duration_ms"] = int(t + 800)
        losses = [{"at_ms": int(t / 2), "outage_ms": 840, "reason": "1006"}] if call["reconnects"] or index == 1 else []
        return call | {
            "turns": turns, "tools": tools, "barge_ins": cuts, "reconnects": losses,
            "errors": [{"at_ms": int(t / 3), "kind": "late_tool_result", "detail": "the answer came after the call went on"}]
            if index % 3 == 1 else [],
            "actions": [{"who": "ada", "what": "transferred", "detail": "front desk", "at": call["started_at"]}] if index % 4 == 0 else [],
            "usage": {"text_in": 5140, "text_cached": 4200, "text_out": 612, "audio_in": 9120, "audio_cached": 7300,
                      "audio_out": 4180, "cost_usd": call["cost_usd"]},
            "recording": {"url": f"/recordings/{call['call_sid']}.wav", "duration_ms": call["duration_ms"],
                          "bytes": call["duration_ms"] * 16 + 58, "dropped": 0, "disk_errors": 0} if index % 2 == 0 else None,
            "parameters": {"from": call["from"], "to": call["to"]},
        }
