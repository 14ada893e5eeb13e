import RealtimeProtocol
import Simulators
import TestSupport
import Testing
import Trunk

@testable import CallServer

/// Whole calls of Asterisk's `chan_websocket` over real sockets.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AsteriskCallTests {
    private static let path = DeviceAcceptor.asteriskPath
    private static let token = "asterisk-0123456789"

    private func call(_ server: ServerFixture, _ script: CarrierPeer.Script) async throws -> CarrierPeer.Report {
        let target = DialTarget(host: "127.0.0.1", port: server.port, isSecure: false, target: Self.path)
        let report = try await server.phones.perform { try CarrierPeer.call(target, script, on: $0) }.ended()
        #expect(report.ending.hasPrefix("1000"), "\(report.ending)")
        #expect(report.strange == [])
        return report
    }

    @Test(arguments: [false, true], ["ulaw", "alaw"])
    func everyFrameOfATelephoneArrivesOnceAndInOrder(isJSON: Bool, format: String) async throws {
        let server = try await ServerFixture()
        let script = CarrierPeer.Script(
            .asterisk(format, isJSON: isJSON),
            CarrierPeer.Script.pattern(200, speaks: [0..<40])
        )
        let report = try await call(server, script)
        let check = try #require(server.modelLog.checks[7])
        let stats = try #require(await server.server.stats().first)
        #expect(check.lost == 0 && check.repeated == 0 && check.reordered == 0 && check.frames == 200)
        #expect(check.foreign <= Int(stats.lineFilledMilliseconds) / 20)
        #expect(report.checks.count == 1 && report.checks.values.allSatisfy { $0.isPerfect && $0.frames == 50 })
        // Marks are all that is said, in the form in which Asterisk spoke first.
        #expect(report.texts.allSatisfy { $0.hasPrefix(isJSON ? #"{"command":"MARK_MEDIA""# : "MARK_MEDIA ") })
        #expect(report.echoed > 1 && report.echoed == Int(stats.marksIn))
        #expect(stats.malformed.values.allSatisfy { $0 == 0 })
        await server.stop()
    }

    @Test(arguments: [false, true])
    func aCallerWhoSpeaksFlushesTheAgent(isJSON: Bool) async throws {
        let server = try await ServerFixture(model: { $0.answerMilliseconds = 8_000 })
        let script = CarrierPeer.Script(
            .asterisk("ulaw", isJSON: isJSON),
            CarrierPeer.Script.pattern(200, speaks: [0..<40, 150..<190])
        )
        let report = try await call(server, script)
        #expect(report.dropped.count == 1)
        #expect((0...400).contains(report.dropped.first ?? -1), "\(report.dropped)")
        #expect(server.modelLog.entries.contains { if case .truncated = $0 { true } else { false } })
        await server.stop()
    }

    /// While its queue is full nothing is sent; then all of it comes, in order.
    @Test(arguments: [false, true])
    func aFullQueueIsWaitedFor(isJSON: Bool) async throws {
        let server = try await ServerFixture(model: { $0.answerMilliseconds = 2_000 })
        var script = CarrierPeer.Script(
            .asterisk("ulaw", isJSON: isJSON),
            CarrierPeer.Script.pattern(300, speaks: [0..<40])
        )
        script.hold = (after: 25, packets: 60)
        let report = try await call(server, script)
        // 1.2 s are 60 packets; what was under way when it said stop is a few.
        #expect(report.unwanted <= 5, "\(report.unwanted) packets came to a full queue")
        #expect(report.checks.count == 1 && report.checks.values.allSatisfy { $0.isPerfect && $0.frames == 100 })
        await server.stop()
    }

    @Test(arguments: [false, true])
    func aKeyReachesTheModel(isJSON: Bool) async throws {
        let server = try await ServerFixture()
        var script = CarrierPeer.Script(
            .asterisk("ulaw", isJSON: isJSON),
            CarrierPeer.Script.pattern(250, speaks: [])
        )
        script.key = (20, "7")
        _ = try await call(server, script)
        #expect(
            server.modelLog.entries.contains {
                if case .itemCreated(_, let text) = $0 { text.contains("7") } else { false }
            }
        )
        await server.stop()
    }

    /// Opus is passed on as it comes: nothing is said between its packets, and a caller who speaks stops them.
    @Test(.enabled(if: OpusEncoder.isBuiltIn, "needs Opus")) func opusBothWays() async throws {
        let server = try await ServerFixture(model: { $0.voice = .parrot })
        let script = CarrierPeer.Script(
            .asterisk("opus", isJSON: true),
            CarrierPeer.Script.opus(Sweep.pause + Sweep.samples, count: 300)
        )
        let report = try await call(server, script)
        #expect(report.texts == [])
        let heard = try #require(report.decoded, "a packet that came is no Opus")
        let likeness = Likeness.best(of: Sweep.samples, in: heard)
        #expect(likeness > 0.9, "what came back is not what was said: \(likeness)")
        let stats = try #require(await server.server.stats().first)
        #expect(stats.opusPacketsIn == 300 && stats.opusInvalid == 0)
        #expect(Int(stats.opusPacketsOut) == report.packets.count)
        await server.stop()
    }

    @Test(.enabled(if: OpusEncoder.isBuiltIn, "needs Opus")) func aCallerWhoSpeaksStopsOpus() async throws {
        let server = try await ServerFixture(model: { $0.answerMilliseconds = 8_000 })
        let pause = [Int16](repeating: 0, count: PCM.rate * 3 / 2)
        let script = CarrierPeer.Script(
            .asterisk("opus", isJSON: true),
            CarrierPeer.Script.opus(Sweep.samples + pause + Sweep.samples, count: 230)
        )
        let report = try await call(server, script)
        #expect(report.texts == [])
        #expect(server.modelLog.entries.contains { if case .truncated = $0 { true } else { false } })
        #expect(report.packets.count < 90, "an answer of 8 s went on: \(report.packets.count) packets")
        await server.stop()
    }

    /// Asterisk offers the subprotocol `media`: who offers it gets it, who does not gets none (RFC 6455, 4.2.2).
    @Test func theSubprotocolIsAnswered() async throws {
        let server = try await ServerFixture()
        for (path, offer, answer) in [
            (Self.path, "Sec-WebSocket-Protocol: media", "media"),
            (Self.path, "Sec-WebSocket-Protocol: other, media", "media"),
            (Self.path, "Sec-WebSocket-Protocol: other", nil), (Self.path, "X-None: 1", nil),
            ("/media-stream", "Sec-WebSocket-Protocol: media", nil),
            (DeviceAcceptor.telnyxPath, "Sec-WebSocket-Protocol: media", nil),
        ] as [(String, String, String?)] {
            let head = try await Upgrade.answer(server, path, offer)
            #expect(head.status == 101)
            let lines = head.head.split(separator: "\r\n").filter {
                $0.lowercased().hasPrefix("sec-websocket-protocol")
            }
            #expect(
                lines.map { String($0) } == (answer.map { ["Sec-WebSocket-Protocol: \($0)"] } ?? []),
                "\(path) \(offer)"
            )
        }
        await server.stop()
    }

    @Test func aStreamMustBringItsToken() async throws {
        let server = try await ServerFixture(["ASTERISK_TOKEN": Self.token])
        let basic = { (text: String) in "Authorization: Basic \(Base64.encode(Array(text.utf8)))" }
        for (target, header, status) in [
            (Self.path, "X-None: 1", 403), (Self.path, "Authorization: Bearer wrong", 403),
            (Self.path, "Authorization: Bearer \(Self.token)", 101),
            // The name and password of websocket_client.conf.
            (Self.path, basic("asterisk:\(Self.token)"), 101), (Self.path, basic(":\(Self.token)"), 101),
            (Self.path, basic("\(Self.token):wrong"), 403), (Self.path, basic(Self.token), 403),
            (Self.path, "Authorization: Basic ====", 403), (Self.path, "Authorization: Basic", 403),
            (Self.path + "?token=\(Self.token)", "X-None: 1", 101),
            // The other carrier's header proves nothing here.
            (Self.path, "X-Telnyx-Streaming-Auth-Token: \(Self.token)", 403),
        ] {
            #expect(try await Upgrade.status(server, target, header) == status, "\(target) \(header)")
        }
        await server.stop()
    }
}
