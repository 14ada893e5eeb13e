import CallServer
import Foundation
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing

/// Viewers of what the models say.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LogViewerTests {
    private let callID = PhoneScript.pattern(1, []).callID

    @Test(arguments: ["/ws/logs", "/logs"]) func viewerSeesTheModelsEvents(path: String) async throws {
        let server = try await ServerFixture()
        let (all, mine, others) = (
            try await server.viewer(path), try await server.viewer("\(path)?call=\(callID)"),
            try await server.viewer("\(path)?call=CA0")
        )
        all.send(RawBytes.text(#"{"type":"test","message":"hello"}"#))
        async let seen = all.texts(until: #""type":"session.updated""#)
        async let seenOfMine = mine.texts(until: "openai_connected")
        let outcome = try await server.call()
        let texts = await seen
        #expect(texts.first == #"{"type":"notice","message":"test received"}"#)
        let events = try texts.dropFirst().map { try JSONValue(parsing: $0) }
        #expect(events.allSatisfy { $0["call_sid"]?.stringValue == callID })
        #expect(events.contains { $0["type"] == "session.created" && $0["session"]?["id"] != nil })
        let status = try await seenOfMine.map { try JSONValue(parsing: $0) }.first { $0["type"] == "connection_status" }
        #expect(status?["status"] == "openai_connected" && status?["message"] == "OpenAI connection established")
        others.send(RawBytes.text(#"{"type":"test"}"#))
        #expect(await others.texts(until: "test received").count == 1)
        _ = try await server.ask("POST", "/calls/\(callID)/hangup")
        await outcome.ended()
        await server.stop()
    }

    @Test func olderNamesAreToldWhenAskedFor() async throws {
        let server = try await ServerFixture()
        let beta = try await server.viewer("/ws/logs?shape=beta")
        let current = try await server.viewer("/ws/logs?shape=ga")
        async let old = beta.texts(until: #""type":"response.audio_transcript.done""#)
        async let new = current.texts(until: #""type":"response.output_audio_transcript.done""#)
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 500), .pause(milliseconds: 60_000)])
        #expect(await !old.contains { $0.contains("response.output_audio") })
        #expect(await !new.contains { $0.contains("response.audio_transcript") })
        // Audio stays in the core.
        #expect(await !new.contains { $0.contains("response.output_audio.delta") })
        _ = try await server.ask("POST", "/calls/\(callID)/hangup")
        await outcome.ended()
        await server.stop()
    }

    @Test(arguments: [
        ("no JSON", "hello", "a message is a JSON object with a type"),
        ("no type", "{}", "a message is a JSON object with a type"),
        ("not listed", #"{"type":"input_audio_buffer.append","audio":"AAAA"}"#, "this message is not accepted here"),
        (
            "broken update", #"{"type":"session.update","session":{"tools":7}}"#,
            "this session.update is not taken: tools must be array or null, not integer"
        ),
        (
            "no session", #"{"type":"session.update"}"#,
            "this session.update is not taken: session is no JSON object"
        ),
    ])
    func otherMessagesAreRefused(name: String, message: String, words: String) async throws {
        let server = try await ServerFixture()
        let viewer = try await server.viewer()
        viewer.send(RawBytes.text(message))
        #expect(await viewer.texts(until: "error") == [#"{"type":"error","message":"\#(words)"}"#], "\(name)")
        await server.stop()
    }

    /// In the flat form of the older API, as monitoring pages send it.
    @Test func sessionIsSavedForTheNextCalls() async throws {
        let server = try await ServerFixture()
        let viewer = try await server.viewer()
        viewer.send(RawBytes.text(#"{"type":"session.update","session":{"instructions":"Speak like a pirate."}}"#))
        _ = await viewer.texts(until: "saved")
        viewer.finish()
        let watcher = try await server.viewer()
        async let told = watcher.texts(until: "Speak like a pirate.")
        let outcome = try await server.call()
        #expect(
            await told.contains { $0.contains(#""type":"session.updated""#) && $0.contains("Speak like a pirate.") }
        )
        _ = try await server.ask("POST", "/calls/\(callID)/hangup")
        await outcome.ended()
        await server.stop()
    }

    /// A session that a model would refuse, or that spoils the sound, must not reach the calls that come.
    @Test(arguments: [
        (#"{"turn_detection":{"type":"server_vad","threshold":7}}"#, "turn_detection.threshold must be at most 1"),
        (#"{"audio":{"input":{"turn_detection":{"type":"nosuch"}}}}"#, "must be one of"),
        (#"{"voice":"fable"}"#, #"voice \"fable\" is not one of alloy"#),
        (#"{"input_audio_format":"pcm16"}"#, #"format \"pcm16\" is not g711_ulaw"#),
        (#"{"audio":{"output":{"format":{"type":"audio/pcm","rate":24000}}}}"#, "is not g711_ulaw"),
        (#"{"speed":99}"#, "speed must be at most 1.5"), (#"{"nonsense":1}"#, "nonsense is not a known argument"),
        (#"{"modalities":["text"]}"#, "modalities without audio"),
    ])
    func sessionsThatWouldSpoilCallsAreRefused(session: String, words: String) async throws {
        let server = try await ServerFixture()
        let viewer = try await server.viewer()
        viewer.send(RawBytes.text(#"{"type":"session.update","session":\#(session)}"#))
        let told = await viewer.texts(until: "session.update")
        #expect(told.count == 1 && told[0].hasPrefix(#"{"type":"error""#) && told[0].contains(words), "\(told)")
        let document = try JSONValue(parsing: try await server.ask("GET", "/configuration").body)
        #expect(document["viewer_session"] == .null)
        await server.stop()
    }

    /// In the shape of OpenAI's demo and its older API: all of it is understood, and the format stays out of the calls.
    @Test func theSavedSessionIsShownAndForgotten() async throws {
        let server = try await ServerFixture()
        let viewer = try await server.viewer()
        viewer.send(
            RawBytes.text(
                #"{"type":"session.update","session":{"modalities":["text","audio"],"voice":"ash","temperature":0.8,"#
                    + #""turn_detection":{"type":"server_vad"},"input_audio_format":"g711_ulaw","#
                    + #""output_audio_format":"g711_ulaw","input_audio_transcription":{"model":"whisper-1"},"#
                    + #""max_response_output_tokens":"inf","tools":[{"type":"mcp","server_label":"crm","#
                    + #""authorization":"a-key"}]}}"#
            )
        )
        #expect(await viewer.texts(until: "saved").last?.contains("session saved for the next calls") == true)
        let shown = try await server.ask("GET", "/configuration")
        let saved = try #require(try JSONValue(parsing: shown.body)["viewer_session"])
        #expect(saved["by"] == "local" && saved["at"]?.stringValue?.hasSuffix("Z") == true)
        #expect(saved["session"]?["audio"]?["output"] == ["voice": "ash"])
        let input = try #require(saved["session"]?["audio"]?["input"]?.objectValue)
        #expect(input.keys == ["transcription", "turn_detection"])
        #expect(saved["session"]?["tools"] == [["type": "mcp", "server_label": "crm"]])
        #expect(!shown.text.contains("a-key"))
        let forgotten = try await server.ask("DELETE", "/configuration")
        #expect(try JSONValue(parsing: forgotten.body)["viewer_session"] == .null)
        await server.stop()
    }

    @Test func strangersAndTooManyAreRefused() async throws {
        let server = try await ServerFixture(["API_TOKEN": "a-token-of-24-characters", "LOG_VIEWERS_MAX": "1"])
        for (headers, status) in [
            ("X-Forwarded-For: 192.0.2.1\r\n", 401), ("Origin: https://evil.example\r\n", 403),
            ("X-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer a-token-of-24-characters\r\n", 101), ("", 503),
        ] {
            let client = try await server.viewer(headers: headers)
            if status == 101 {
                client.send(RawBytes.text(#"{"type":"test"}"#))
                #expect(await client.texts(until: "test received").count == 1)
                // Its place is taken while it lives.
                let next = try await server.viewer()
                #expect(await next.answer().status == 503)
                client.finish()
                _ = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_log_viewers 0\n") }
            } else if status != 503 {
                #expect(await client.answer().status == status, "\(headers)")
            }
        }
        let metrics = try await server.ask("GET", "/metrics").text
        #expect(metrics.contains("\ntrunkline_log_viewers_refused_total 1\n"))
        await server.stop()
    }

    /// It says much and never reads what it is answered; a call beside it goes on.
    @Test func viewerThatDoesNotReadIsDropped() async throws {
        let server = try await ServerFixture()
        let outcome = try await server.call()
        let stuck = try RawClient(port: server.port, receiveBytes: 4_096)
        stuck.send(RawBytes.upgrade(to: "/logs"))
        let said = RawBytes.text("?")
        let many = Array((0..<1_000).map { _ in said }.joined())
        let sent = await stuck.flood(many) { $0 > 400_000 * said.count }
        #expect(sent > 0)
        let metrics = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_log_viewers_dropped_total 1\n") }
        #expect(metrics.text.contains("\ntrunkline_log_viewers 0\n"))
        #expect(await server.server.openCalls() == 1)
        _ = try await server.ask("POST", "/calls/\(callID)/hangup")
        await outcome.ended()
        await server.stop()
    }

    /// The checks of the FastAPI bridge's own test script, in its order.
    @Test func referenceScriptPasses() async throws {
        let server = try await ServerFixture(["COMPAT": "fastapi", "PUBLIC_URL": "https://a.example"])
        for path in ["/", "/public-url", "/tools"] {
            let answer = try await server.ask("GET", path)
            #expect(answer.status == 200)
            #expect(try JSONValue(parsing: answer.body).objectValue != nil)
        }
        let twiml = try await server.ask("GET", "/twiml")
        #expect(
            twiml.status == 200 && twiml.text.contains("<Response>") && twiml.text.contains("wss://a.example/ws/call")
        )
        let viewer = try await server.viewer()
        viewer.send(RawBytes.text(#"{"type":"test","message":"Hello from test client"}"#))
        #expect(await viewer.texts(until: "test received").count == 1)
        viewer.send(RawBytes.close(1000))
        #expect(await viewer.readToEnd().suffix(4) == [0x88, 2, 3, 232])
        await server.stop()
    }
}
