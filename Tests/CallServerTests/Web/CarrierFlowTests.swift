import CallPolicy
import CallServer
import Foundation
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk
import WebServer

/// Whole ways of calls through webhooks, the carrier's API and streams, with signatures as the carrier makes them.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CarrierFlowTests {
    private static let call = "CA00000000000000000000000000000001"

    private static func server(
        _ twilio: FakeTwilio,
        _ more: [String: String] = [:],
        model: (inout ModelScript) -> Void = { _ in }
    ) async throws -> ServerFixture {
        var parts = Server.Parts()
        parts.fetcher = twilio
        let settings = [
            "TWILIO_AUTH_TOKEN": FakeTwilio.token, "TWILIO_ACCOUNT_SID": FakeTwilio.account,
            "PUBLIC_URL": "https://a.example", "OUTBOUND_ALLOW": "+1555", "TWILIO_NUMBER": "+15550199",
            "TRANSFER_NUMBERS": "sales=+4930123",
        ]
        return try await ServerFixture(settings.merging(more) { $1 }, parts: parts, model: model)
    }

    /// Posts a form as the carrier does, signed.
    private static func post(_ server: ServerFixture, _ target: String, _ form: [(String, String)]) async throws
        -> HTTPAnswer
    {
        let body = FormFields(form.map { FormFields.Field($0.0, $0.1) }).encoded
        return try await server.ask(
            "POST",
            target,
            headers: [
                FakeTwilio.signature("https://a.example\(target)", form),
                "Content-Type: application/x-www-form-urlencoded",
            ],
            body: body
        )
    }

    /// Opens the stream of a document, as a phone whose carrier signs.
    private static func connect(_ server: ServerFixture, _ document: String, stream: Int = 1) throws -> RawClient {
        let phone = try RawClient(port: server.port)
        let signature = FakeTwilio.signature("wss://a.example/media-stream")
        phone.send(RawBytes.upgrade(to: "/media-stream").replacing("\r\n\r\n", with: "\r\n\(signature)\r\n\r\n"))
        var parameters = JSONObject()
        for match in document.matches(of: /<Parameter name="([^"]*)" value="([^"]*)"\/>/) {
            parameters.append(String(match.1), .string(String(match.2)))
        }
        let start: JSONValue = [
            "event": "start", "sequenceNumber": "1", "streamSid": .string("MZ0000000000000000000000000000000\(stream)"),
            "start": [
                "accountSid": .string(FakeTwilio.account), "callSid": .string(call), "tracks": ["inbound"],
                "streamSid": .string("MZ0000000000000000000000000000000\(stream)"),
                "mediaFormat": ["encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1],
                "customParameters": .object(parameters),
            ],
        ]
        phone.send(RawBytes.text(#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#))
        phone.send(RawBytes.text(start.text))
        return phone
    }

    private static let incoming = [
        ("AccountSid", FakeTwilio.account), ("CallSid", call), ("From", "+15550100"), ("To", "+15550199"),
        ("Direction", "inbound"),
    ]

    /// A caller whose model serves.
    private static func talking(_ server: ServerFixture) async throws -> RawClient {
        let phone = try connect(server, try await post(server, "/incoming-call", incoming).text)
        _ = try await server.ask("/calls/\(call)") { $0.text.contains(#""model_serving":true"#) }
        return phone
    }

    @Test func anIncomingCallIsKnownByItsNumbers() async throws {
        let server = try await Self.server(FakeTwilio())
        let document = try await Self.post(server, "/incoming-call", Self.incoming)
        #expect(document.status == 200)
        let phone = try Self.connect(server, document.text)
        let seen = try await server.ask("/calls/\(Self.call)") { $0.text.contains(#""model_serving":true"#) }
        let json = try JSONValue(parsing: seen.body)
        #expect(json["from"] == "+15550100" && json["to"] == "+15550199" && json["direction"] == "inbound")
        #expect(json["model"] == "gpt-realtime-2.1" && json["speaking"] == "nobody")
        phone.reset()
        await server.stop()
    }

    @Test(arguments: [
        ([("AccountSid", "AC00000000000000000000000000000009"), ("CallSid", call)], 403),
        ([("AccountSid", FakeTwilio.account), ("CallSid", "")], 400), ([("AccountSid", FakeTwilio.account)], 400),
        ([("CallSid", "CA1")], 400), ([("CallSid", String(repeating: "CA", count: 512))], 400),
    ])
    func webhooksOfNoCallOfOursGetNoToken(form: [(String, String)], status: Int) async throws {
        let server = try await Self.server(FakeTwilio())
        let answer = try await Self.post(server, "/incoming-call", form)
        #expect(answer.status == status && !answer.text.contains("trunkline_token"))
        await server.stop()
    }

    @Test func aCallIsMadeAndKnowsWhatItIsFor() async throws {
        let twilio = FakeTwilio()
        let server = try await Self.server(twilio)
        let body =
            #"{"to":"+15550100","variables":{"agent":"Ada"},"parameters":{"customer":"7"},"ring_seconds":20,"#
            + #""machine_detection":true,"policy":{"voice":"sage","say_first":"Hello"}}"#
        let made = try await server.ask("POST", "/calls", body: body)
        #expect(made.status == 201)
        let id = try #require(try JSONValue(parsing: made.body)["call_sid"]?.stringValue)
        let form = try #require(twilio.forms.first?.form)
        #expect(form["To"] == "+15550100" && form["From"] == "+15550199" && form["Timeout"] == "20")
        #expect(form["StatusCallback"] == "https://a.example/status" && form["MachineDetection"] == "Enable")
        let url = try #require(form["Url"])
        let target = String(url.dropFirst("https://a.example".count))
        let document = try await Self.post(
            server,
            target,
            [
                ("AccountSid", FakeTwilio.account), ("CallSid", id), ("From", "+15550199"), ("To", "+15550100"),
                ("Direction", "outbound-api"),
            ]
        )
        for part in [#"name="customer" value="7""#, #"name="direction" value="outbound-api""#, "trunkline_token"] {
            #expect(document.text.contains(part), "\(part) in \(document.text)")
        }
        for (wrong, status) in [
            (#"{"to":"+15550100","policy":{"called":["+1"]}}"#, 422), (#"{"to":"+19005550100"}"#, 403),
            (#"{"to":"+15550199"}"#, 403), (#"{"to":"+1 555"}"#, 422), (#"{"to":"+15550100","ring_seconds":1}"#, 422),
            ("{}", 422),
            (#"{"to":"+15550100","parameters":{"a":1}}"#, 422),
        ] { #expect(try await server.ask("POST", "/calls", body: wrong).status == status, "\(wrong)") }
        #expect(twilio.forms.count == 1)
        await server.stop()
    }

    @Test func tooManyCallsAMinuteAreRefused() async throws {
        let twilio = FakeTwilio()
        let server = try await Self.server(twilio, ["OUTBOUND_PER_MINUTE": "2"])
        var statuses: [Int] = []
        for _ in 0..<4 { statuses.append(try await server.ask("POST", "/calls", body: #"{"to":"+15550100"}"#).status) }
        #expect(statuses == [201, 201, 429, 429] && twilio.forms.count == 2)
        let metrics = try await server.ask("GET", "/metrics").text
        #expect(metrics.contains(#"trunkline_admission_rejected_total{reason="outbound_rate"} 2"#))
        await server.stop()
    }

    @Test func aCallIsGivenAwayAndComesBack() async throws {
        let twilio = FakeTwilio()
        twilio.begin(Self.call)
        let server = try await Self.server(twilio)
        let phone = try Self.connect(server, try await Self.post(server, "/incoming-call", Self.incoming).text)
        let seen = try await server.ask("/calls/\(Self.call)") { $0.text.contains(#""model_serving":true"#) }
        #expect(try JSONValue(parsing: seen.body)["can_transfer"] == true)
        let path = "/calls/\(Self.call)/transfer"
        #expect(try await server.ask("POST", path, body: #"{"to":"nobody"}"#).status == 403)
        #expect(try await server.ask("POST", path, body: #"{"to":"sales"}"#).status == 202)
        let twiml = try #require(twilio.forms.last?.form["Twiml"])
        #expect(
            twiml.contains(#"<Dial timeout="20" action="https://a.example/transfer-ended"><Number>+4930123</Number>"#)
        )
        #expect(await phone.answer().closeCode == 1000)
        let ended = try JSONValue(parsing: try await server.ask("GET", "/calls/\(Self.call)").body)
        #expect(ended["end_reason"] == "transferred" && ended["ended_by"] == "operator")
        let act = ended["actions"]?.arrayValue?.last
        #expect(act?["who"] == "local" && act?["what"] == "transferred" && act?["detail"] == "sales")

        let completed = Self.incoming + [("DialCallStatus", "completed")]
        #expect(
            try await Self.post(server, "/transfer-ended", completed).text.hasSuffix("<Response><Hangup/></Response>")
        )
        let missed = try await Self.post(server, "/transfer-ended", Self.incoming + [("DialCallStatus", "no-answer")])
        #expect(missed.text.contains("<Connect><Stream"))
        let again = try Self.connect(server, missed.text, stream: 2)
        _ = try await server.ask("/calls/\(Self.call)") { $0.text.contains(#""model_serving":true"#) }
        // The agent speaks first, and knows why: that is asked for as a response.
        await Patience.wait { server.modelLog.entries.contains(.responseRequested(connection: 2)) }
        again.reset()
        // The token of the first document is used up for good.
        let replayed = try Self.connect(server, missed.text, stream: 3)
        #expect(await replayed.answer().closeCode == 1008)
        await server.stop()
    }

    /// The stream's end may come before the answer to what caused it: it is a transfer all the same.
    @Test func aStreamThatStopsBeforeTheAnswerIsATransfer() async throws {
        let phones = Locked<RawClient?>(nil)
        let servers = Locked<ServerFixture?>(nil)
        let twilio = FakeTwilio {
            phones.withLock { $0 }?.send(
                RawBytes.text(
                    #"{"event":"stop","sequenceNumber":"2","streamSid":"MZ00000000000000000000000000000001"}"#
                )
            )
            _ = try? await servers.withLock { $0 }?.ask("/calls/\(Self.call)") { $0.text.contains("completed") }
        }
        twilio.begin(Self.call)
        let server = try await Self.server(twilio)
        servers.withLock { $0 = server }
        let phone = try Self.connect(server, try await Self.post(server, "/incoming-call", Self.incoming).text)
        phones.withLock { $0 = phone }
        _ = try await server.ask("/calls/\(Self.call)") { $0.text.contains(#""model_serving":true"#) }
        #expect(try await server.ask("POST", "/calls/\(Self.call)/transfer", body: #"{"to":"sales"}"#).status == 202)
        let ended = try JSONValue(parsing: try await server.ask("GET", "/calls/\(Self.call)").body)
        #expect(ended["end_reason"] == "transferred" && ended["ended_by"] == "operator")
        await server.stop()
    }

    /// What would be refused when it is answered does not ring.
    @Test func nobodyIsCalledWhenThereIsNoRoom() async throws {
        let twilio = FakeTwilio()
        twilio.begin(Self.call)
        let server = try await Self.server(twilio, ["MAX_CONNECTIONS": "1"])
        let phone = try await Self.talking(server)
        #expect(try await server.ask("POST", "/calls", body: #"{"to":"+15550100"}"#).status == 503)
        #expect(twilio.forms.isEmpty)
        phone.reset()
        await server.stop()
        let one = try await Self.server(twilio, ["CALLS_PER_CALLER": "1"])
        let caller = try await Self.talking(one)
        #expect(try await one.ask("POST", "/calls", body: #"{"to":"+15550100"}"#).status == 429)
        #expect(twilio.forms.isEmpty)
        caller.reset()
        await one.stop()
    }

    /// A call that is made is known from the first moment, and what became of it.
    @Test(arguments: [("busy", "busy"), ("no-answer", "no-answer"), ("failed", "failed"), ("canceled", "canceled")])
    func aCallThatNobodyTakesIsTold(carrier: String, status: String) async throws {
        let server = try await Self.server(FakeTwilio())
        let made = try await server.ask("POST", "/calls", body: #"{"to":"+15550100"}"#)
        let id = try #require(try JSONValue(parsing: made.body)["call_sid"]?.stringValue)
        func call() async throws -> JSONValue {
            try JSONValue(parsing: try await server.ask("GET", "/calls/\(id)").body)
        }
        let queued = try await call()
        #expect(queued["status"] == "queued" && queued["to"] == "+15550100" && queued["direction"] == "outbound-api")
        let form = [("AccountSid", FakeTwilio.account), ("CallSid", id)]
        #expect(try await Self.post(server, "/status", form + [("CallStatus", "ringing")]).status == 204)
        #expect(try await call()["status"] == "ringing")
        #expect(try await Self.post(server, "/status", form + [("CallStatus", carrier)]).status == 204)
        let ended = try await call()
        #expect(ended["status"]?.stringValue == status && ended["ended_at"] != nil)
        let metrics = try await server.ask("GET", "/metrics").text
        #expect(metrics.contains("trunkline_outbound_calls_total{status=\"\(status)\"} 1"))
        // A late report changes nothing.
        #expect(try await Self.post(server, "/status", form + [("CallStatus", "ringing")]).status == 204)
        #expect(try await call()["status"]?.stringValue == status)
        await server.stop()
    }

    /// The agent learns that nobody listens.
    @Test func anAnsweringMachineIsToldToTheAgent() async throws {
        let twilio = FakeTwilio()
        let server = try await Self.server(twilio)
        let body = #"{"to":"+15550100","machine_detection":true,"machine_instruction":"Say who called, then end."}"#
        #expect(try await server.ask("POST", "/calls", body: body).status == 201)
        let target = try #require(twilio.forms.first?.form["Url"]).dropFirst("https://a.example".count)
        let outgoing = [
            ("AccountSid", FakeTwilio.account), ("CallSid", Self.call), ("From", "+15550199"), ("To", "+15550100"),
            ("Direction", "outbound-api"),
        ]
        let phone = try Self.connect(server, try await Self.post(server, String(target), outgoing).text)
        _ = try await server.ask("/calls/\(Self.call)") { $0.text.contains(#""model_serving":true"#) }
        let viewer = try await server.viewer()
        let form = [("AccountSid", FakeTwilio.account), ("CallSid", Self.call), ("AnsweredBy", "machine_start")]
        #expect(try await Self.post(server, "/status", form).status == 204)
        #expect(await viewer.texts(until: "Say who called, then end.").last != nil)
        let seen = try await server.ask("/calls/\(Self.call)") { $0.text.contains("answered by machine_start") }
        #expect(seen.status == 200)
        phone.reset()
        await server.stop()
    }

    /// What the carrier does not take is not written down as done, and the call goes on.
    @Test func aTransferThatFailsIsToldAsOne() async throws {
        let server = try await Self.server(FakeTwilio())
        let phone = try await Self.talking(server)
        let answer = try await server.ask("POST", "/calls/\(Self.call)/transfer", body: #"{"to":"sales"}"#)
        #expect(answer.status == 502, "\(answer.text)")
        let call = try JSONValue(parsing: try await server.ask("GET", "/calls/\(Self.call)").body)
        #expect(call["status"] == "in-progress")
        #expect(call["actions"]?.arrayValue?.map { $0["what"] } == ["transfer failed"])
        phone.reset()
        await server.stop()
    }

    @Test func theAgentGivesACallAway() async throws {
        let twilio = FakeTwilio()
        let callID = PhoneScript.pattern(1, []).callID
        twilio.begin(callID)
        var parts = Server.Parts()
        parts.fetcher = twilio
        // Streams are local here; the account is there for the API alone.
        let server = try await ServerFixture(
            [
                "TWILIO_ACCOUNT_SID": FakeTwilio.account, "TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "secret",
                "TRANSFER_NUMBERS": "sales=+4930123",
            ],
            parts: parts,
            model: { $0.toolCalls = [.init(turn: 1, name: "transfer_call", arguments: #"{"to":"sales"}"#)] }
        )
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 500), .pause(milliseconds: 60_000)])
        await outcome.ended()
        let ended = try await server.ask("/calls/\(callID)") { $0.text.contains("completed") }
        let json = try JSONValue(parsing: ended.body)
        #expect(json["end_reason"] == "transferred" && json["ended_by"] == "agent")
        #expect(twilio.forms.last?.form["Twiml"]?.contains("<Number>+4930123</Number>") == true)
        await server.stop()
    }

    /// The stream ends first; then the call itself, which would go on with its document.
    @Test func anOperatorsHangUpEndsTheCall() async throws {
        let twilio = FakeTwilio()
        twilio.begin(Self.call)
        let server = try await Self.server(twilio, ["SAY_AFTER": "Goodbye."])
        let phone = try await Self.talking(server)
        #expect(twilio.status(Self.call) == "in-progress")
        #expect(try await server.ask("POST", "/calls/\(Self.call)/hangup").status == 202)
        #expect(await phone.answer().closeCode == 1000)
        await Patience.wait { twilio.status(Self.call) == "completed" }
        #expect(twilio.forms.count == 1)
        await server.stop()
    }

    @Test func statusCallbacksEndWhatHangs() async throws {
        let server = try await Self.server(FakeTwilio())
        let phone = try await Self.talking(server)
        for status in ["ringing", "in-progress", "nonsense"] {
            #expect(
                try await Self.post(server, "/status", [("CallSid", Self.call), ("CallStatus", status)]).status == 204
            )
        }
        #expect(
            try await Self.post(server, "/status", [("CallSid", "CA9"), ("CallStatus", "completed")]).status == 204
        )
        #expect(
            try await server.ask("POST", "/status", body: "CallSid=\(Self.call)&CallStatus=completed").status == 403
        )
        #expect(await server.server.openCalls() == 1)
        let completed = [("CallSid", Self.call), ("CallStatus", "completed")]
        #expect(try await Self.post(server, "/status", completed).status == 204)
        #expect(await phone.answer().closeCode == 1000)
        await server.stop()
    }
}
