"""Plays the server for the dashboard: its API with calls that go on by themselves, and a long history.

    python mock_server.py --port 5055 --scene busy

Tokens: "operator" and "viewer". What a test wants to bring about is under /mock.
"""
import asyncio
import datetime
import json
import pathlib
import struct
import sys

from aiohttp import WSMsgType, web

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for Browser, which both suites use
from Browser.serving import parser, run
from Browser.web_files import page, problem
from mock_calls import Call, now, tone, wav
from mock_history import History, stamp
from mock_words import HOSTILE, RULES, TOOLS

ROLES = {"operator": ("ada", "operator"), "viewer": ("grace", "viewer")}
COMMANDS = ["hangup", "transfer", "message", "interrupt", "mute", "unmute", "session", "tool-output"]

SESSION = {
    "instructions": "You answer the telephone of a bicycle shop. Be brief and friendly.\n\nNever promise a delivery date that the "
                    "order system did not give you. When a caller is upset, offer to put them through to a person.",
    "voice": "marin", "speed": 1.0, "greeting": "", "say_first": "Good morning, Harbour Bicycles. How can I help you?",
    "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
                       "idle_timeout_ms": None, "eagerness": "auto", "interrupt_response": True, "create_response": True},
    "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en", "prompt": ""}, "noise_reduction": "near_field",
    "max_output_tokens": "inf"}


class Mock:
    def __init__(self, options):
        self.scene, self.speed, self.open = options.scene, options.speed, options.open
        self.endless = options.scene == "still"
        self.history = History(options.history, now())
        self.calls, self.number = {}, 0
        self.commands, self.live, self.logs = [], {}, {}
        self.listeners = set()
        self.paired, self.waiting = {"24:0a:c4:00:01:10"}, {"123456": ("24:0a:c4:00:01:7e", stamp(now()))}
        self.wrong = 0
        self.refuses_sockets = False
        self.started = now()
        self.configuration = {"session": json.loads(json.dumps(SESSION)), "enabled": [tool["name"] for tool in TOOLS if "name" in tool]}
        self.saved = {"where": "nothing", "at": None, "by": None}
        self.overview = {"draining": False, "parrot": False, "day_budget_usd": 40.0, "public_url": "https://calls.example.test"}

    # Telling

    async def tell(self, sockets, message):
        text = json.dumps(message)
        for socket in list(sockets):
            try:
                await socket.send_str(text)
            except (ConnectionError, RuntimeError):
                pass

    async def changed(self, call):
        await self.tell(self.live, {"type": "call", "call": call.summary()})

    async def event(self, sid, event):
        message = {"type": "event", "call_sid": sid, "at": stamp(now()), "clock_us": 0, "event": event}
        await self.tell([socket for socket, wish in self.live.items() if wish == sid], message)

    async def log(self, sid, event):
        isAudio = event["type"].endswith("audio.delta")
        await self.tell([socket for socket, (wish, audio) in self.logs.items() if wish == sid and (audio or not isAudio)], {"call_sid": sid, **event})

    def begin(self, **options):
        call = Call(self, self.number, **options)
        self.number += 1
        self.calls[call.sid] = call
        call.task = asyncio.create_task(call.run())
        return call

    async def play(self):
        if self.scene == "empty":
            return
        if self.scene == "still":
            self.begin(scene=0)
            self.begin(scene=1)
            self.begin(scene=0, hostile=True)
            return
        while True:
            if sum(call.is_live for call in self.calls.values()) < 7 and not self.overview["draining"]:
                self.begin()
            for sid in [call.sid for call in self.calls.values() if not call.is_live][:-40]:
                del self.calls[sid]
            await asyncio.sleep(4 / self.speed)

    async def meter(self):
        while True:
            for socket, wish in list(self.live.items()):
                call = self.calls.get(wish)
                if call and call.is_live:
                    await self.tell([socket], call.levels())
            await asyncio.sleep(0.1)

    # Who asks

    def visitor(self, request):
        if self.open:
            return ("this machine", "operator")
        return ROLES.get(request.cookies.get("trunkline", ""))

    @web.middleware
    async def guard(self, request, handler):
        path = request.path
        if path.startswith(("/dashboard", "/mock", "/session", "/login", "/logout", "/tools")) and request.method == "GET" or path in ("/login", "/logout") or path.startswith("/mock"):
            return await handler(request)
        visitor = self.visitor(request)
        if visitor is None:
            return problem(401, "log in first")
        if request.method != "GET" and visitor[1] != "operator":
            return problem(403, "you may look, but not act")
        return await handler(request)

    async def session(self, request):
        user, role = self.visitor(request) or (None, None)
        return web.json_response({"user": user, "role": role, "can_log_in": not self.open})

    async def login(self, request):
        token = (await request.json()).get("token")
        if self.wrong >= 5:
            return problem(429, "too many wrong tokens: wait a minute")
        if token not in ROLES:
            self.wrong += 1
            return problem(401, "the token is wrong")
        response = web.json_response({"user": ROLES[token][0], "role": ROLES[token][1]})
        response.set_cookie("trunkline", token, httponly=True, samesite="Strict", path="/")
        return response

    async def logout(self, request):
        response = web.Response(status=204)
        response.del_cookie("trunkline", path="/")
        return response

    # Calls

    async def get_overview(self, request):
        live = sum(call.is_live for call in self.calls.values())
        return web.json_response({
            "version": "0.9.0", "environment": "test", "started_at": stamp(self.started), "calls_active": live, "calls_max": 500,
            "day_cost_usd": round(12.481 + sum(call.facts["cost_usd"] for call in self.calls.values()), 4), "turn_longest_us": 1840,
            "events_lost": 0, "viewers": len(self.live) + len(self.logs),
            "records": {"enabled": True, "healthy": True, "queued": 2, "dropped": 0, "last_error": None, "recording": True,
                        "recordings": {"healthy": True, "refused": 0, "dropped": 0, "disk_errors": 0, "last_error": None},
                        "ends_undelivered": 0},
            **self.overview})

    def board(self):
        calls = list(self.calls.values())
        live = [call.summary() for call in calls if call.is_live]
        ended = [call.summary() for call in calls if not call.is_live][-100:]
        if self.scene != "empty":
            ended += [self.summary_of_history(index) for index in range(min(8, self.history.total))]
        return live + ended

    def summary_of_history(self, index):
        call = self.history.summary(index)
        call.pop("turns"), call.pop("snippet")
        return call | {"model_serving": False, "agent_muted": False, "speaking": "nobody", "audio_bytes_per_ms": 8, "can_transfer": False}

    async def get_calls(self, request):
        return web.json_response({"calls": self.board()})

    async def get_call(self, request):
        call = self.calls.get(request.match_info["sid"])
        return web.json_response(call.detail()) if call else problem(404, "no such call")

    async def command(self, request):
        sid, name = request.match_info["sid"], request.match_info["command"]
        body = await request.json() if request.can_read_body else {}
        call = self.calls.get(sid)
        if name not in COMMANDS or call is None or not call.is_live:
            return problem(404, "no such call in progress")
        if name == "message" and not body.get("text"):
            return problem(422, "text is missing")
        self.commands.append({"call_sid": sid, "command": name, "body": body})
        call.actions.append({"who": self.visitor(request)[0], "what": name, "detail": body.get("text", body.get("to", "")), "at": stamp(now())})
        if name == "hangup":
            await call.end("operator_hung_up", "operator")
        elif name in ("mute", "unmute"):
            call.facts["agent_muted"] = name == "mute"
            await call.event("agent_muted", muted=name == "mute")
        elif name == "transfer":
            await call.end("transferred", "operator", f"to {body.get('to')}")
        elif name == "tool-output":
            if call.answer is None or call.answer.done():
                return problem(404, "this function call is not waiting")
            call.answer.set_result(body.get("output", ""))
        return web.json_response({"status": "accepted"}, status=202)

    async def make(self, request):
        body = await request.json()
        self.commands.append({"command": "call", "body": body})
        if body.get("to", "").endswith("999"):
            return problem(502, "the carrier refused: the number is not verified (21219)")
        call = self.begin()
        call.facts |= {"from": "+15550100001", "to": body["to"], "direction": "outbound-api"}
        return web.json_response({"call_sid": call.sid, "status": "queued"}, status=201)

    # Sockets

    async def socket(self, request):
        if self.refuses_sockets:
            raise web.HTTPServiceUnavailable()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async def until_closed(self, socket):
        async for message in socket:
            if message.type == WSMsgType.ERROR:
                break

    async def ws_live(self, request):
        socket = await self.socket(request)
        await socket.send_str(json.dumps({"type": "snapshot", "now": stamp(now()), "calls": self.board()}))
        self.live[socket] = request.query.get("call")
        try:
            await self.until_closed(socket)
        finally:
            self.live.pop(socket, None)
        return socket

    async def ws_logs(self, request):
        socket = await self.socket(request)
        self.logs[socket] = (request.query.get("call"), request.query.get("audio") == "1")
        try:
            await self.until_closed(socket)
        finally:
            self.logs.pop(socket, None)
        return socket

    async def ws_listen(self, request):
        socket = await self.socket(request)
        self.listeners.add(socket)
        await socket.send_str(json.dumps({"type": "hello", "encoding": "mulaw", "rate": 8000}))
        call = self.calls.get(request.query.get("call"))
        legs = [tone(330, 160), tone(494, 160)]
        at = 0

        async def send():
            nonlocal at
            while call and call.is_live:
                for leg, on in enumerate([call.caller_speaks, call.agent_speaks]):
                    await socket.send_bytes(struct.pack(">BI", leg, at) + (legs[leg] if on else b"\xff" * 160))
                at += 20
                await asyncio.sleep(0.02)
            await socket.close()
        task = asyncio.create_task(send())
        try:
            await self.until_closed(socket)
        finally:
            task.cancel()
            self.listeners.discard(socket)
        return socket

    # History

    async def get_history(self, request):
        found = self.history.find(request.query)
        at, limit = int(request.query.get("cursor", 0)), int(request.query.get("limit", 50))
        return web.json_response({"calls": found[at:at + limit], "next": str(at + limit) if at + limit < len(found) else None,
                                  "total": None if at else min(len(found), 50_001)})

    async def get_record(self, request):
        call = self.calls.get(request.match_info["sid"])
        if call and not call.is_live:
            return web.json_response(call.record())
        index = self.history.index(request.match_info["sid"])
        return problem(404, "no such record") if index is None else web.json_response(self.history.record(index))

    async def delete_record(self, request):
        index = self.history.index(request.match_info["sid"])
        if index is None:
            return problem(404, "no such record")
        self.history.deleted.add(index)
        self.commands.append({"command": "delete", "sid": request.match_info["sid"]})
        return web.json_response({"deleted": 1})

    async def delete_caller(self, request):
        found = [self.history.index(call["call_sid"]) for call in self.history.find({"number": request.query.get("number", "?")})]
        self.history.deleted.update(found)
        self.commands.append({"command": "delete-number", "number": request.query.get("number")})
        return web.json_response({"deleted": len(found)})

    async def export(self, request):
        found = self.history.find(request.query)
        if request.path.endswith("csv"):
            text = "call_sid,from,duration_ms\n" + "".join(f"{call['call_sid']},{call['from']},{call['duration_ms']}\n" for call in found)
            return web.Response(text=text, content_type="text/csv")
        return web.Response(text="".join(json.dumps(call) + "\n" for call in found), content_type="application/jsonl")

    async def recording(self, request):
        index = self.history.index(request.match_info["file"].removesuffix(".wav"))
        if index is None:
            return problem(404, "no such recording")
        data = wav(self.history.record(index)["duration_ms"])
        headers = {"Accept-Ranges": "bytes", "Content-Type": "audio/wav"}
        part = request.http_range
        if part.start is None and part.stop is None:
            return web.Response(body=data, headers=headers)
        first, end = part.start or 0, min(part.stop or len(data), len(data))
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(data)}"
        return web.Response(status=206, body=data[first:end], headers=headers)

    # Everything else

    def document(self):
        return {"session": self.configuration["session"], "tools": [
            {"name": tool["name"], "description": tool["description"], "enabled": tool["name"] in self.configuration["enabled"]}
            for tool in TOOLS if "name" in tool], "voices": ["alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse"],
            "models": {"current": "gpt-realtime"}, "saved": self.saved, "transfers": ["front desk", "workshop"]}

    async def get_configuration(self, request):
        return web.json_response(self.document())

    async def put_configuration(self, request):
        body = await request.json()
        self.commands.append({"command": "configuration", "body": body})
        threshold = body["session"]["turn_detection"].get("silence_duration_ms") or 0
        if threshold > 5000 or not body["session"]["instructions"].strip():
            return problem(422, "the session is wrong", problems=["turn_detection.silence_duration_ms: 0 to 5,000 is allowed"])
        self.configuration = {"session": body["session"], "enabled": body["tools"]}
        self.saved = {"where": "database", "at": stamp(now()), "by": self.visitor(request)[0]}
        return web.json_response(self.document())

    async def delete_configuration(self, request):
        self.configuration = {"session": json.loads(json.dumps(SESSION)), "enabled": [tool["name"] for tool in TOOLS if "name" in tool]}
        self.saved = {"where": "nothing", "at": None, "by": None}
        return web.json_response(self.document())

    async def tools(self, request):
        return web.json_response({"tools": TOOLS})

    async def try_tool(self, request):
        body = await request.json()
        self.commands.append({"command": "try", "name": request.match_info["name"], "body": body})
        if request.match_info["name"] == "collection_days":
            return web.json_response({"error": HOSTILE})
        return web.json_response({"output": json.dumps({"given": body, "order": "HB-20418", "state": "in assembly"})})

    async def health(self, request):
        live = sum(call.is_live for call in self.calls.values())
        service = lambda name, status, message, **details: {"service": name, "status": status, "message": message, "details": details}
        return web.json_response({"status": "warning", "services": [
            service("system", "warning", "memory is scarce", cpu_percent=31.4, memory_percent=87.2, disk_percent=44.0, memory_available_gb=1.9),
            service("websocket", "healthy", "calls are taken", active_connections=live, max_connections=500, log_viewers=len(self.logs)),
            service("openai", "healthy", "the model answers", active_sessions=live, dials=48, dials_failed=1)],
            "errors": {"total_errors": 7, "error_counts": {"model_stalled": 5, "tool_failed": 2}, "recent_errors": [
                {"timestamp": stamp(now() - datetime.timedelta(minutes=3 * n)), "type": "model_stalled" if n % 3 else "tool_failed", "context": f"call {n}",
                 "message": "no event for 9,000 ms while a response was open" if n % 3 else HOSTILE} for n in range(6, -1, -1)]}})

    async def setup(self, request):
        await asyncio.sleep(0.3)
        check = lambda name, title, status, detail, advice="": {"name": name, "title": title, "status": status, "detail": detail, "advice": advice}
        return web.json_response({"checks": [
            check("key", "Model key", "ok", "set (not shown)"), check("limits", "Machine limits", "ok", "65536 descriptors, 3100 wanted for MAX_CONNECTIONS=500"),
            check("model", "Model reachable", "ok", "gpt-realtime at api.example.test begins a session"),
            check("public_https", "Public address over HTTPS", "ok", "https://calls.example.test leads here"),
            check("public_wss", "Public address over WSS", "failed", "https://calls.example.test answers with status 426", "see that the proxy passes WebSocket upgrades on"),
            check("signature", "Signatures", "skipped", "PUBLIC_URL is not set"), check("account", "Carrier account", "ok", "active, 2 numbers"),
            check("webhook", "Webhooks", "warning", "1 of 2 numbers leads elsewhere", "set the webhook of the other one below")]})

    async def webhook(self, request):
        body = await request.json()
        self.commands.append({"command": "webhook", "body": body})
        return problem(502, "the account has no number 0000") if body["number"].endswith("0000") else web.json_response({"status": "set"})

    async def get_devices(self, request):
        return web.json_response({"paired": sorted(self.paired), "waiting": [{"device": name, "since": since} for name, since in self.waiting.values()]})

    async def pair(self, request):
        code = (await request.json())["code"]
        if code not in self.waiting:
            return problem(404, "no device shows this code, or it was shown too long ago")
        name, _ = self.waiting.pop(code)
        self.paired.add(name)
        return web.json_response({"device": name, "kept": True})

    async def unpair(self, request):
        if request.match_info["device"] not in self.paired:
            return problem(404, "no such device is paired")
        self.paired.remove(request.match_info["device"])
        return web.json_response({"kept": True})

    async def drain(self, request):
        self.overview["draining"] = request.path == "/drain"
        return web.json_response({"status": "accepted"}, status=202)

    # What tests bring about

    async def mock(self, request):
        what = request.match_info["what"]
        body = await request.json() if request.can_read_body else {}
        if what == "commands":
            answer, self.commands = self.commands, []
            return web.json_response(answer)
        if what == "calls":
            return web.json_response([{"sid": call.sid, "live": call.is_live, "hostile": call.is_hostile} for call in self.calls.values()])
        if what == "begin":
            return web.json_response({"sid": self.begin(**body).sid})
        if what == "end":
            await self.calls[body["call_sid"]].end("caller_hung_up", "caller")
        elif what == "event":
            await self.event(body["call_sid"], body["event"])
        elif what == "log":
            await self.log(body["call_sid"], body["event"])
        elif what == "drop":
            self.refuses_sockets = body.get("refuse", False)
            for socket in [*self.live, *self.logs]:
                await socket.close()
        elif what == "overview":
            self.overview |= body
        elif what == "device":
            self.waiting[body["code"]] = (body["device"], stamp(now()))
        elif what == "forgive":
            self.wrong = 0
        return web.json_response({})

    def application(self):
        app = web.Application(middlewares=[self.guard])
        add = app.router.add_route
        add("GET", "/dashboard", page)
        add("GET", "/dashboard/{file:.+}", page)
        for method, path, handler in [
            ("GET", "/session", self.session), ("POST", "/login", self.login), ("POST", "/logout", self.logout),
            ("GET", "/overview", self.get_overview), ("GET", "/calls", self.get_calls), ("POST", "/calls", self.make),
            ("GET", "/calls/{sid}", self.get_call), ("POST", "/calls/{sid}/{command}", self.command),
            ("GET", "/ws/live", self.ws_live), ("GET", "/ws/logs", self.ws_logs), ("GET", "/ws/listen", self.ws_listen),
            ("GET", "/history", self.get_history), ("DELETE", "/history", self.delete_caller),
            ("GET", "/history/export.csv", self.export), ("GET", "/history/export.jsonl", self.export),
            ("GET", "/history/{sid}", self.get_record), ("DELETE", "/history/{sid}", self.delete_record),
            ("GET", "/recordings/{file}", self.recording), ("GET", "/configuration", self.get_configuration),
            ("PUT", "/configuration", self.put_configuration), ("DELETE", "/configuration", self.delete_configuration),
            ("GET", "/tools", self.tools), ("POST", "/tools/{name}/try", self.try_tool), ("GET", "/health", self.health),
            ("GET", "/setup", self.setup), ("POST", "/setup/webhook", self.webhook),
            ("GET", "/devices", self.get_devices), ("POST", "/devices/pair", self.pair), ("DELETE", "/devices/{device}", self.unpair),
            ("POST", "/drain", self.drain),
            ("POST", "/undrain", self.drain), ("*", "/mock/{what}", self.mock)]:
            add(method, path, handler)

        async def started(app):
            app["tasks"] = [asyncio.create_task(self.play()), asyncio.create_task(self.meter())]
        app.on_startup.append(started)
        return app


def main():
    words = parser(__doc__)
    words.add_argument("--scene", choices=["busy", "still", "empty"], default="busy",
                       help="calls come and go; three calls that never end; none at all")
    words.add_argument("--speed", type=float, default=1.0)
    words.add_argument("--history", type=int, default=10_000)
    words.add_argument("--open", action="store_true", help="nobody has to log in")
    options = words.parse_args()
    run(Mock(options).application(), options.port)


if __name__ == "__main__":
    main()
