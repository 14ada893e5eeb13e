import CallServer
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing

/// Calls seen and led over HTTP.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CallEndpointTests {
    private let callID = PhoneScript.pattern(1, []).callID

    @Test func callIsTalkedIntoMutedAndEnded() async throws {
        let server = try await ServerFixture()
        let outcome = try await server.call()
        let path = "/calls/\(callID)"
        let seen = try await server.ask(path) { $0.status == 200 && $0.text.contains(#""model_serving":true"#) }
        let json = try JSONValue(parsing: seen.body)
        #expect(json["call_sid"]?.stringValue == callID && json["status"] == "in-progress")
        #expect(json["agent_muted"] == false && json["transcript"] == [])
        #expect(try await server.ask("POST", path + "/mute").status == 202)
        _ = try await server.ask(path) { $0.text.contains(#""agent_muted":true"#) }
        #expect(try await server.ask("POST", path + "/unmute").status == 202)
        _ = try await server.ask(path) { $0.text.contains(#""agent_muted":false"#) }
        #expect(try await server.ask("POST", path + "/message", body: #"{"text":"Say this."}"#).status == 202)
        _ = try await server.ask(path) { $0.text.contains(#""who":"agent""#) }
        #expect(try await server.ask("POST", path + "/hangup").status == 202)
        await outcome.ended()
        let ended = try JSONValue(parsing: try await server.ask(path) { $0.text.contains("completed") }.body)
        #expect(ended["end_reason"] == "operator_hung_up" && ended["ended_by"] == "operator")
        #expect(ended["model_serving"] == false)
        // What has ended can be looked at, but not led.
        #expect(try await server.ask("POST", path + "/hangup").status == 404)
        await server.stop()
    }

    /// Ids of calls are an engine's own: the directory knows where each call lives.
    @Test func callsOfSeveralEnginesAreTold() async throws {
        let server = try await ServerFixture(["LOOPS": "2"])
        var outcomes: [PhoneSimulator.Outcome] = []
        for number in 1...8 { outcomes.append(try await server.call(number)) }
        _ = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_calls_active 8\n") }
        for number in 1...8 {
            let path = "/calls/\(PhoneScript.pattern(number, []).callID)/hangup"
            #expect(try await server.ask("POST", path).status == 202)
            await outcomes[number - 1].ended()
        }
        let text = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_calls_active 0\n") }.text
        #expect(text.contains("\ntrunkline_calls_total{outcome=\"operator_hung_up\",initiator=\"operator\"} 8\n"))
        await server.stop()
    }

    @Test(arguments: [
        ("/calls/CA0/hangup", "", 404), ("/calls/CA0/message", #"{"text":"a"}"#, 404), ("/calls/CA0/message", "", 422),
        ("/calls/CA0/message", #"{"text":""}"#, 422), ("/calls/CA0/message", #"{"text":"a","mode":"sing"}"#, 422),
        ("/calls/CA0/message", "[]", 422), ("/calls/CA0/hangup", "{", 400), ("/calls/CA0/mute", "", 404),
        ("/calls/CA0/mute", "{}", 404), ("/calls/CA0/mute", "{", 400), ("/calls/CA0/mute", #"{"a":1}"#, 422),
        ("/calls", #"{"to":"+15550100","ring_seconds":"30"}"#, 422),
        ("/calls", #"{"to":"+15550100","machine_detection":"yes"}"#, 422),
        ("/calls", #"{"to":"+15550100","from":7}"#, 422), ("/calls", #"{"to":"+15550100","nonsense":1}"#, 422),
    ])
    func wrongCommandsAreTold(path: String, body: String, status: Int) async throws {
        let server = try await ServerFixture()
        #expect(try await server.ask("POST", path, body: body).status == status)
        await server.stop()
    }

    /// What is not as the document says is not guessed at, and does nothing.
    @Test func wrongBodiesLeaveACallAlone() async throws {
        let server = try await ServerFixture()
        let outcome = try await server.call()
        let path = "/calls/\(callID)"
        _ = try await server.ask(path) { $0.text.contains(#""model_serving":true"#) }
        for (command, body, status, words) in [
            ("hangup", #"{"goodbye":"yes"}"#, 422, "goodbye must be boolean, not string"),
            ("message", #"{"text":"a","mode":5}"#, 422, "mode must be string, not integer"),
            ("tool-output", #"{"call_id":"call_1"}"#, 422, "output is required"),
            ("tool-output", #"{"call_id":"call_1","output":"x"}"#, 404, "waits for an answer"),
            ("mute", "{", 400, "the body is no JSON"), ("session", #"{"nonsense":1}"#, 422, "nonsense"),
            ("session", #"{"speed":99}"#, 422, "speed must be at most 1.5"),
            ("session", #"{"voice":"fable"}"#, 422, #""problems":["voice"#),
            ("session", #"{"output_audio_format":"pcm16"}"#, 422, "is not g711_ulaw"),
        ] {
            let answer = try await server.ask("POST", "\(path)/\(command)", body: body)
            #expect(answer.status == status && answer.text.contains(words), "\(command) \(body): \(answer.text)")
        }
        let seen = try JSONValue(parsing: try await server.ask("GET", path).body)
        #expect(seen["status"] == "in-progress" && seen["agent_muted"] == false && seen["actions"] == [])
        let fine = #"{"instructions":"Be brief.","voice":"ash","input_audio_format":"g711_ulaw"}"#
        let changed = try await server.ask("POST", path + "/session", body: fine)
        #expect(changed.status == 202 && changed.text.contains("the voice stays"))
        #expect(try await server.ask("POST", path + "/hangup").status == 202)
        await outcome.ended()
        await server.stop()
    }

    /// What people do to the server, beside calls, is in the log under their names.
    @Test func whatPeopleDoIsLogged() async throws {
        let folder = try TemporaryFolder()
        let said = LogLines()
        let token = "anna-0123456789abc"
        let server = try await ServerFixture(
            ["USERS": "anna:operator:\(token)", "DATABASE_PATH": folder.path + "/calls.db"],
            logger: said.logger
        )
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 300), .hangUp(.stop)])
        await outcome.ended()
        _ = try await server.ask("/history") { $0.text.contains("caller_hung_up") }
        for (method, path, words) in [
            ("POST", "/drain", "no new calls are taken"), ("POST", "/undrain", "calls are taken again"),
            ("POST", "/tools/current_time/try", "tool current_time is tried"),
            ("DELETE", "/history/\(callID)", "a call was deleted"),
            ("DELETE", "/history?number=%2B15550100", "0 calls of one number were deleted"),
        ] {
            let headers = ["Authorization: Bearer \(token)"]
            let status = try await server.ask(method, path, headers: headers).status
            #expect((200...299).contains(status) || path.hasPrefix("/tools"), "\(path): \(status)")
            let isThere = said.lines.contains { $0.contains(words) && $0.contains("by=anna") }
            #expect(isThere || status == 404, "\(path)")
        }
        #expect(!said.lines.contains { $0.contains("15550100") })
        await server.stop()
    }

    @Test func pagesOfOtherSitesEndNoCall() async throws {
        let server = try await ServerFixture()
        let outcome = try await server.call()
        _ = try await server.ask("/calls") { $0.text.contains(callID) }
        let path = "/calls/\(callID)/hangup"
        #expect(try await server.ask("POST", path, headers: ["Origin: https://evil.example"]).status == 403)
        #expect(try await server.ask("POST", path, host: "evil.example").status == 401)
        #expect(try await server.ask("POST", path, headers: ["Origin: http://127.0.0.1:3000"]).status == 401)
        #expect(await server.server.openCalls() == 1)
        #expect(try await server.ask("POST", path).status == 202)
        await outcome.ended()
        await server.stop()
    }

    /// A call beside a thousand requests: every frame of both ways is there, in order.
    @Test func requestsHarmNoCall() async throws {
        let server = try await ServerFixture()
        let turn: [PhoneScript.Step] = [
            .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000),
        ]
        let outcome = try await server.call(1, turn + turn + [.hangUp(.stop)])
        let client = try RawClient(port: server.port)
        var answered = 0
        for index in 0..<100 {
            let paths = ["/", "/tools", "/health", "/ready", "/calls", "/metrics", "/twiml", "/docs", "/none"]
            for path in paths where index > 0 {
                client.send("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                answered += await client.answers().count
            }
            answered += try await server.ask("GET", "/openapi.json").status == 200 ? 1 : 0
        }
        #expect(answered == 991)
        await outcome.ended()
        let report = outcome.report
        #expect(!report.checks.isEmpty && report.checks.values.allSatisfy { $0.isPerfect })
        #expect(report.heardItems.values.reduce(0, +) == 2 * 1_000 * 8)
        #expect(server.modelLog.checks[1]?.isPerfect == true)
        await server.stop()
    }
}
