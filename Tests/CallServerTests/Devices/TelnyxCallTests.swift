import RealtimeProtocol
import Simulators
import TestSupport
import Testing
import Trunk

@testable import CallServer

/// Whole calls of Telnyx's media streams over real sockets.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TelnyxCallTests {
    private static let path = DeviceAcceptor.telnyxPath
    private static let token = "telnyx-0123456789"

    private func call(
        _ server: ServerFixture,
        _ script: CarrierPeer.Script,
        headers: [(name: String, value: String)] = []
    ) async throws -> CarrierPeer.Report {
        let target = DialTarget(
            host: "127.0.0.1",
            port: server.port,
            isSecure: false,
            target: Self.path,
            headers: headers
        )
        return try await server.phones.perform { try CarrierPeer.call(target, script, on: $0) }.ended()
    }

    /// Every frame of both directions is told by its number, though half of the caller's come out of order and some
    /// twice.
    @Test(arguments: ["PCMU", "PCMA"])
    func everyFrameOfATelephoneArrivesOnceAndInOrder(encoding: String) async throws {
        let server = try await ServerFixture()
        var script = CarrierPeer.Script(.telnyx(encoding), CarrierPeer.Script.pattern(250, speaks: [0..<40]))
        script.isShuffled = true
        script.saysStop = true
        let report = try await call(server, script)
        #expect(report.ending.hasPrefix("1000"), "\(report.ending)")
        #expect(report.strange == [])
        let check = try #require(server.modelLog.checks[7])
        let stats = try #require(await server.server.stats().first)
        #expect(check.lost == 0 && check.repeated == 0 && check.reordered == 0)
        // What was made up while this machine was too busy to send is no frame of the caller's.
        #expect(check.foreign <= Int(stats.lineFilledMilliseconds) / 20)
        // The last few may still have waited for their turn when it left.
        #expect(check.frames >= 245)
        #expect(Int(stats.linePacketsLate) == report.repeated && report.repeated == 25)
        #expect(stats.linePacketsLost == 0)
        #expect(report.checks.count == 1 && report.checks.values.allSatisfy { $0.isPerfect && $0.frames == 50 })
        #expect(report.echoed > 0 && report.echoed == Int(stats.marksIn) + Int(stats.marksStale))
        #expect(stats.opusCalls == 0)
        await server.stop()
    }

    @Test(.enabled(if: OpusEncoder.isBuiltIn, "needs Opus")) func opusBothWays() async throws {
        let server = try await ServerFixture(model: { $0.voice = .parrot })
        let speech = Sweep.samples
        var script = CarrierPeer.Script(.telnyx("OPUS"), CarrierPeer.Script.opus(Sweep.pause + speech, count: 300))
        script.isShuffled = true
        script.saysStop = true
        let report = try await call(server, script)
        #expect(report.strange == [])
        let heard = try #require(report.decoded, "a packet that came is no Opus")
        let likeness = Likeness.best(of: speech, in: heard)
        #expect(likeness > 0.9, "what came back is not what was said: \(likeness)")
        let stats = try #require(await server.server.stats().first)
        #expect(stats.opusInvalid == 0 && stats.opusLost == 0 && stats.linePacketsLost == 0)
        #expect(Int(stats.linePacketsLate) == report.repeated)
        #expect(Int(stats.opusPacketsOut) == report.packets.count)
        await server.stop()
    }

    /// The caller speaks while the agent does: what waits at the carrier is dropped, all marks come back at once, and the
    /// model is told how far it was heard.
    @Test func aCallerWhoSpeaksClearsTheAgent() async throws {
        let server = try await ServerFixture(model: { $0.answerMilliseconds = 8_000 })
        let script = CarrierPeer.Script(.telnyx("PCMU"), CarrierPeer.Script.pattern(250, speaks: [0..<40, 150..<190]))
        let report = try await call(server, script)
        #expect(report.dropped.count == 1 && report.strange == [])
        #expect((0...400).contains(report.dropped.first ?? -1), "\(report.dropped)")
        #expect(report.texts.last { $0.contains("clear") } == #"{"event":"clear"}"#)
        #expect(server.modelLog.entries.contains { if case .truncated = $0 { true } else { false } })
        await server.stop()
    }

    /// Only Twilio can be asked to give a call to somebody else.
    @Test func aCallCannotBeTransferred() async throws {
        var parts = Server.Parts()
        parts.fetcher = FakeTwilio()
        let settings = [
            "TWILIO_ACCOUNT_SID": FakeTwilio.account, "TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "secret",
            "TRANSFER_NUMBERS": "sales=+4930123",
        ]
        let server = try await ServerFixture(settings, parts: parts)
        let script = CarrierPeer.Script(.telnyx("PCMU"), CarrierPeer.Script.pattern(250, speaks: []))
        async let report = call(server, script)
        let board = try await server.ask("/calls") { $0.text.contains(#""model_serving":true"#) }
        let told = try #require(try JSONValue(parsing: board.body)["calls"]?.arrayValue?.first)
        #expect(told["can_transfer"] == false && told["audio_bytes_per_ms"] == 8)
        let path = "/calls/\(told["call_sid"]?.stringValue ?? "")/transfer"
        let answer = try await server.ask("POST", path, body: #"{"to":"sales"}"#)
        #expect(answer.status == 409 && answer.text.contains("this line cannot be transferred"), "\(answer.text)")
        #expect(try await server.ask("GET", "/calls").text.contains("transferred") == false)
        _ = try await report
        await server.stop()
    }

    @Test func aKeyReachesTheModel() async throws {
        let server = try await ServerFixture()
        var script = CarrierPeer.Script(.telnyx("PCMU"), CarrierPeer.Script.pattern(250, speaks: []))
        script.key = (20, "7")
        _ = try await call(server, script)
        #expect(
            server.modelLog.entries.contains {
                if case .itemCreated(_, let text) = $0 { text.contains("7") } else { false }
            }
        )
        await server.stop()
    }

    @Test func aStreamMustBringItsToken() async throws {
        let server = try await ServerFixture(["TELNYX_TOKEN": Self.token])
        for (target, header, status) in [
            (Self.path, "X-None: 1", 403), (Self.path, "X-Telnyx-Streaming-Auth-Token: wrong", 403),
            (Self.path, "X-Telnyx-Streaming-Auth-Token: \(Self.token)", 101),
            (Self.path, "Authorization: Bearer \(Self.token)", 101),
            (Self.path + "?token=\(Self.token)", "X-None: 1", 101),
            (Self.path + "?token=\(Self.token)x", "X-None: 1", 403),
        ] {
            #expect(try await Upgrade.status(server, target, header) == status, "\(target) \(header)")
        }
        await server.stop()
    }

    @Test func withoutATokenOnlyThisMachineMayCall() async throws {
        let server = try await ServerFixture()
        #expect(try await Upgrade.status(server, Self.path) == 101)
        #expect(try await Upgrade.status(server, Self.path, "X-Forwarded-For: 192.0.2.1") == 403)
        #expect(try await Upgrade.status(server, Self.path, "Origin: https://evil.example") == 403)
        await server.stop()
    }

    @Test func whatIsNotSpokenIsRefusedWithWords() async throws {
        let server = try await ServerFixture()
        let script = CarrierPeer.Script(.telnyx("L16"), CarrierPeer.Script.pattern(250, speaks: []))
        let report = try await call(server, script)
        #expect(report.ending.hasPrefix("1008"), "\(report.ending)")
        let stats = try #require(await server.server.stats().first)
        #expect(stats.carrierFramesIn == 0 && server.modelLog.connections == 0)
        await server.stop()
    }
}

/// 1.5 s of something that is loud and changes.
enum Sweep {
    static let samples: [Int16] = {
        var phase = 0.0
        return (0..<PCM.rate * 3 / 2).map { index in
            phase += 2 * .pi * (250 + 400 * Double(index) / Double(PCM.rate)) / Double(PCM.rate)
            return Int16(9_000 * sine(phase))
        }
    }()

    /// Before the words: what comes back of them must not begin with their first sample.
    static let pause = [Int16](repeating: 0, count: PCM.rate * 3 / 10)

    /// Without a library: enough for a test tone.
    private static func sine(_ phase: Double) -> Double {
        let x = phase.remainder(dividingBy: 2 * .pi)
        let y = x > .pi / 2 ? .pi - x : x < -.pi / 2 ? -.pi - x : x
        return y - y * y * y / 6 + y * y * y * y * y / 120 - y * y * y * y * y * y * y / 5_040
    }
}

/// An upgrade request, and what is answered.
enum Upgrade {
    static func answer(_ server: ServerFixture, _ target: String, _ header: String = "X-None: 1") async throws
        -> RawAnswer
    {
        let client = try RawClient(port: server.port)
        client.send(
            RawBytes.upgrade(to: target).replacing("Host: localhost\r\n", with: "Host: localhost\r\n\(header)\r\n")
        )
        let bytes = await client.read { $0.firstRange(of: Array("\r\n\r\n".utf8)) != nil }
        return RawAnswer(bytes)
    }

    static func status(_ server: ServerFixture, _ target: String, _ header: String = "X-None: 1") async throws -> Int? {
        try await answer(server, target, header).status
    }
}
