import CallServer
import Foundation
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// What is kept of calls, through a whole server: history, recordings, exports, deletion, ends that are told.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RecordFlowTests {
    private static let turn: [PhoneScript.Step] = [
        .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000),
    ]
    private static let callID = PhoneScript.pattern(1, []).callID

    private static func settings(_ folder: TemporaryFolder, _ more: [String: String] = [:]) -> [String: String] {
        [
            "DATABASE_PATH": folder.path + "/calls.db", "RECORDING": "on",
            "RECORDINGS_PATH": folder.path + "/recordings",
        ].merging(more) { $1 }
    }

    /// One call from its first word to its end.
    private static func talk(_ server: ServerFixture, number: Int = 1) async throws {
        let outcome = try await server.call(number, turn + turn + [.hangUp(.stop)])
        await outcome.ended()
        #expect(outcome.report.checks.values.allSatisfy { $0.isPerfect })
    }

    @Test func aCallIsFoundHeardAndDeleted() async throws {
        let folder = try TemporaryFolder()
        let server = try await ServerFixture(Self.settings(folder))
        try await Self.talk(server)
        let found = try await server.ask("/history?text=agent") { $0.text.contains("caller_hung_up") }
        let page = try JSONValue(parsing: found.body)
        let call = try #require(page["calls"]?.arrayValue?.first)
        #expect(call["call_sid"]?.stringValue == Self.callID && call["model"] == "gpt-realtime-2.1")
        #expect(call["snippet"]?.stringValue?.contains("\u{2}agent\u{3}") == true && page["next"] == .null)
        #expect(page["total"] == 1)
        #expect(try await server.ask("GET", "/history?cursor=0.0").text == #"{"calls":[],"next":null,"total":null}"#)
        #expect(try await server.ask("GET", "/history?text=nothing-like-it").text.hasPrefix(#"{"calls":[]"#))
        for wrong in ["from=yesterday", "limit=0", "min_duration_ms=x", "cursor=x"] {
            #expect(try await server.ask("GET", "/history?\(wrong)").status == 422, "\(wrong)")
        }
        let answer = try await server.ask("/history/\(Self.callID)") { $0.text.contains(#""url":"/recordings/"#) }
        let detail = try JSONValue(parsing: answer.body)
        let turns = try #require(detail["turns"]?.arrayValue)
        #expect(turns.count >= 4 && Set(turns.compactMap { $0["who"]?.stringValue }) == ["caller", "agent"])
        #expect(turns.contains { $0["latency"]?["first_sent_ms"]?.integerValue != nil })
        try await Self.checkRecording(server, detail)

        let csv = try await server.ask("GET", "/history/export.csv", headers: ["Connection: close"])
        #expect(csv.status == 200 && csv.headers["content-disposition"]?.contains("calls.csv") == true)
        #expect(try await server.ask("DELETE", "/history/none").status == 404)
        #expect(try await server.ask("DELETE", "/history/\(Self.callID)").text == #"{"deleted":1}"#)
        #expect(try await server.ask("GET", "/history/\(Self.callID)").status == 404)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/recordings").isEmpty)
        await server.stop()
    }

    /// What is deleted is gone from what the server still remembers, too.
    @Test func aDeletedCallerIsForgotten() async throws {
        let folder = try TemporaryFolder()
        let server = try await ServerFixture(Self.settings(folder, ["RECORDING": "off"]))
        var script = PhoneScript.pattern(1, Self.turn + [.hangUp(.stop)])
        script.parameters.append(("from", "+15550123"))
        let outcome = try await server.call(script)
        await outcome.ended()
        _ = try await server.ask("/history") { $0.text.contains("caller_hung_up") }
        #expect(try await server.ask("GET", "/calls").text.contains("+15550123"))
        let deleted = try await server.ask("DELETE", "/history?number=%2B15550123")
        #expect(deleted.text.contains(#""deleted":1"#), "\(deleted.text)")
        #expect(try await server.ask("GET", "/calls").text.contains("+15550123") == false)
        #expect(try await server.ask("GET", "/calls/\(script.callID)").status == 404)
        await server.stop()
    }

    /// A stereo file of what both said, whole and in parts, and nothing beside it.
    private static func checkRecording(_ server: ServerFixture, _ detail: JSONValue) async throws {
        let recording = try #require(detail["recording"])
        #expect(recording["dropped"] == 0 && recording["disk_errors"] == 0)
        let url = try #require(recording["url"]?.stringValue)
        let whole = try await server.ask("GET", url)
        #expect(whole.headers["content-type"] == "audio/wav" && whole.body.starts(with: Array("RIFF".utf8)))
        #expect(whole.body.count == Int(recording["bytes"]?.integerValue ?? 0))
        // Both sides speak: neither channel is all silence.
        let data = whole.body.dropFirst(whole.body.count % 2 + 58)
        let (left, right) = (
            data.enumerated().filter { $0.offset % 2 == 0 }, data.enumerated().filter { $0.offset % 2 == 1 }
        )
        for channel in [left, right] { #expect(channel.count { $0.element != 0xFF } > 4_000) }
        let part = try await server.ask("GET", url, headers: ["Range: bytes=8-11"])
        #expect(part.status == 206 && part.text == "WAVE")
        #expect(part.headers["content-range"] == "bytes 8-11/\(whole.body.count)")
        for (range, status) in [("bytes=99999999-", 416), ("bytes=-4", 206), ("lines=1-2", 200)] {
            #expect(try await server.ask("GET", url, headers: ["Range: \(range)"]).status == status, "\(range)")
        }
        for path in ["/recordings/..%2Fcalls.db", "/recordings/calls.db", "/recordings/none.wav", "/recordings/%2e%2e"]
        {
            #expect(try await server.ask("GET", path).status == 404, "\(path)")
        }
        let stranger = ["X-Forwarded-For: 192.0.2.1"]
        #expect(try await server.ask("GET", url, headers: stranger).status == 401)
    }

    @Test func withoutRecordsThereIsNoHistory() async throws {
        let server = try await ServerFixture()
        for (method, path) in [
            ("GET", "/history"), ("GET", "/history/CA1"), ("GET", "/history/export.csv"),
            ("DELETE", "/history?number=1"),
            ("GET", "/recordings/a.wav"),
        ] { #expect(try await server.ask(method, path).status == 409, "\(method) \(path)") }
        #expect(try await server.ask("GET", "/overview").text.contains(#""records":{"enabled":false"#))
        await server.stop()
    }

    @Test(arguments: [
        ["DATABASE_PATH": "/nowhere/calls.db"], ["DATABASE_PATH": "none", "RECORDING": "on"],
        ["RECORDINGS_PATH": "/nowhere/at/all", "RECORDING": "on"],
    ])
    func whatCannotBeKeptIsToldAtTheStart(wrong: [String: String]) async throws {
        let folder = try TemporaryFolder()
        await #expect(throws: Settings.Failure.self) {
            try await ServerFixture(Self.settings(folder, wrong)).stop()
        }
    }

    /// A recorder that cannot make a file is seen where somebody looks.
    @Test func aRecordingThatIsLostIsTold() async throws {
        let folder = try TemporaryFolder()
        let recordings = folder.path + "/recordings"
        let server = try await ServerFixture(Self.settings(folder))
        #expect(try await server.ask("GET", "/health").text.contains(#""service":"records""#) == false)
        try FileManager.default.removeItem(atPath: recordings)
        try await Self.talk(server)
        let overview = try await server.ask("/overview") { $0.text.contains(#""refused":1"#) }
        let records = try JSONValue(parsing: overview.body)["records"]
        #expect(records?["healthy"] == true && records?["recordings"]?["healthy"] == false)
        #expect(
            records?["recordings"]?["last_error"] == "no file for a recording: No such file or directory",
            "\(overview.text)"
        )
        #expect(records?["ends_undelivered"] == 0)
        let health = try await server.ask("GET", "/health")
        #expect(health.status == 200 && health.text.contains("recordings are not whole"))
        await server.stop()
    }

    /// What an operator said stands with who said it.
    @Test func whatWasWhisperedIsKept() async throws {
        let folder = try TemporaryFolder()
        let server = try await ServerFixture(Self.settings(folder, ["RECORDING": "off"]))
        let outcome = try await server.call(1)
        _ = try await server.ask("/calls/\(Self.callID)") { $0.text.contains(#""model_serving":true"#) }
        let body = #"{"text":"Offer ten percent","mode":"instruct"}"#
        #expect(try await server.ask("POST", "/calls/\(Self.callID)/message", body: body).status == 202)
        let call = try JSONValue(parsing: try await server.ask("GET", "/calls/\(Self.callID)").body)
        #expect(call["actions"]?.arrayValue?.first?["detail"] == "Offer ten percent")
        _ = try await server.ask("POST", "/calls/\(Self.callID)/hangup")
        await outcome.ended()
        let kept = try await server.ask("/history/\(Self.callID)") { $0.text.contains("operator_hung_up") }
        let record = try JSONValue(parsing: kept.body)
        #expect(record["actions"]?.arrayValue?.first?["detail"] == "Offer ten percent")
        #expect(record["turns"]?.arrayValue?.contains { $0["who"] == "operator" } == true)
        await server.stop()
    }

    @Test func endsAreToldUntilTheyAreTaken() async throws {
        let folder = try TemporaryFolder()
        let fetcher = ScriptedFetcher([
            .failure(.unreachable), ScriptedFetcher.status(500), ScriptedFetcher.status(204, ""),
        ])
        var parts = Server.Parts()
        parts.fetcher = fetcher
        let settings = Self.settings(
            folder,
            ["END_URL": "https://crm.example/ends", "END_SECRET": "secret", "RECORDING": "off", "WEATHER_URL": "none"]
        )
        let server = try await ServerFixture(settings, parts: parts)
        try await Self.talk(server)
        await Patience.wait { fetcher.requests.count >= 3 }
        let sent = fetcher.requests
        #expect(Set(sent.map(\.body)).count == 1)
        let body = try JSONValue(parsing: sent[0].body)
        #expect(body["type"] == "call.ended" && body["call"]?["call_sid"]?.stringValue == Self.callID)
        #expect(sent[0].headers.contains { $0.name == "X-Trunkline-Signature" && $0.value.count == 64 })
        #expect(sent[0].headers.contains { $0.name == "X-Trunkline-Delivery" && $0.value == "1" })
        let metrics = try await server.ask("/metrics") { $0.text.contains("trunkline_end_deliveries_total 1\n") }.text
        #expect(metrics.contains("trunkline_end_delivery_failures_total 2\n"))
        await server.stop()
    }

    @Test func configurationOutlivesTheServer() async throws {
        let folder = try TemporaryFolder()
        var server = try await ServerFixture(Self.settings(folder))
        let wrong = try await server.ask("PUT", "/configuration", body: #"{"session":{"voice":"nobody","speed":9}}"#)
        #expect(wrong.status == 422 && wrong.text.contains("problems"))
        let body =
            #"{"session":{"instructions":"Saved words.","voice":"sage","say_first":"Hello","noise_reduction":"far_field","#
            + #""turn_detection":{"type":"semantic_vad","eagerness":"low","threshold":null}},"tools":["current_time"]}"#
        let saved = try JSONValue(parsing: try await server.ask("PUT", "/configuration", body: body).body)
        #expect(saved["session"]?["voice"] == "sage" && saved["session"]?["say_first"] == "Hello")
        #expect(saved["session"]?["turn_detection"]?["eagerness"] == "low")
        #expect(saved["session"]?["noise_reduction"] == "far_field" && saved["saved"]?["where"] == "database")
        #expect(saved["tools"]?.arrayValue?.map { $0["enabled"] } == [true, false])
        await server.stop()
        server = try await ServerFixture(Self.settings(folder))
        #expect(try await server.ask("GET", "/configuration").text.contains(#""instructions":"Saved words.""#))
        #expect(try await server.ask("GET", "/tools").text.contains("end_call") == false)
        let outcome = try await server.call(1, Self.turn + [.hangUp(.stop)])
        await outcome.ended()
        _ = try await server.ask("/history/\(Self.callID)") { $0.text.contains(#""voice":"sage""#) }
        #expect(try await server.ask("DELETE", "/configuration").text.contains(#""where":"nothing""#))
        await server.stop()
    }

    /// Frames of a WebSocket, with what they say.
    private static func frames(_ client: RawClient, until isEnough: @escaping @Sendable ([(UInt8, [UInt8])]) -> Bool)
        async
        -> [(UInt8, [UInt8])]
    {
        let bytes = await client.read { isEnough(RawAnswer($0).frames.map { ($0.opcode, $0.payload) }) }
        return RawAnswer(bytes).frames.map { ($0.opcode, $0.payload) }
    }

    @Test func aCallIsListenedTo() async throws {
        let folder = try TemporaryFolder()
        let server = try await ServerFixture(Self.settings(folder))
        let refused = try await server.viewer("/ws/listen?call=none")
        #expect(await refused.answer().status == 404)
        let outcome = try await server.call(1, Self.turn + Self.turn + [.pause(milliseconds: 60_000)])
        _ = try await server.ask("/calls/\(Self.callID)") { $0.text.contains(#""model_serving":true"#) }
        let listener = try await server.viewer("/ws/listen?call=\(Self.callID)")
        let watcher = try await server.viewer("/ws/live?call=\(Self.callID)")
        let heard = await Self.frames(listener) { frames in
            frames.count { $0.0 == 2 && $0.1.first == 1 } > 5 && frames.count { $0.0 == 2 && $0.1.first == 0 } > 20
        }
        #expect(String(decoding: heard[0].1, as: UTF8.self).contains(#""encoding":"mulaw""#))
        let times = heard.filter { $0.0 == 2 && $0.1.first == 0 }.map { frame in
            frame.1[1...4].reduce(0) { $0 << 8 | Int($1) }
        }
        #expect(times == times.sorted() && Set(times).count == times.count)
        let texts = await watcher.texts(until: #""type":"caller_transcript""#)
        #expect(texts[0].hasPrefix(#"{"type":"snapshot""#))
        #expect(texts.contains { $0.hasPrefix(#"{"type":"levels""#) && !$0.contains(#""caller":0.0,"agent":0.0"#) })
        _ = try await server.ask("POST", "/calls/\(Self.callID)/hangup")
        await outcome.ended()
        let kept = try await server.ask("/history/\(Self.callID)") { $0.text.contains("operator_hung_up") }
        #expect(kept.text.contains(#""what":"listened""#) && kept.text.contains(#""what":"hung up""#))
        await server.stop()
    }
}
