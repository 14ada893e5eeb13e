import CallServer
import Foundation
import Logging
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// Opus of strangers: group I of the hostile inputs, on a running server beside a telephone call that must not notice.
@Suite(.serialized, .timeLimit(.minutes(2)), .enabled(if: OpusEncoder.isBuiltIn, "needs Opus")) struct OpusInputTests {
    /// What the server counts of such peers. The witness, a telephone, moves none of these.
    enum Counted: String, CaseIterable {
        case decoded, invalid, lost, late, binary, base64, order, json, floods, limits, turnedAway
    }

    /// One hostile peer: what it sends once its call has begun, what it gets, and what is counted.
    struct Case: Sendable, CustomTestStringConvertible {
        var id: String
        var what: String
        var bytes: [UInt8]
        var code = 1_000
        var counted: [Counted: Int] = [:]
        /// How its packets are framed.
        var version = 1
        /// The reason of the close frame; nil: not looked at.
        var reason: String?
        /// Its first message; empty: there is none, and nothing is waited for.
        var hello = #"{"type":"hello","audio_params":{"format":"opus","frame_duration":60}}"#

        var testDescription: String { "\(id) \(what)" }
    }

    /// A server, its model, and a telephone beside what is done to it.
    final class Ground: Sendable {
        let server: Server
        private let model: CallEngine
        private let phones: CallEngine
        private let log = ModelLog()
        private let witness: PhoneSimulator.Outcome
        private static let number = 9

        init() async throws {
            var script = ModelScript()
            script.voice = .pattern
            script.answerMilliseconds = 1_000
            let (simulated, log) = (script, log)
            model = try CallEngine.start()
            let port = try await model.perform { try ModelSimulator.listen(simulated, log: log, on: $0) }
            let settings = try Settings(
                environment: [
                    "HOST": "127.0.0.1", "PORT": "0", "OPENAI_API_KEY": "sk-test", "DATABASE_PATH": "none",
                    "OPENAI_REALTIME_URL": "ws://127.0.0.1:\(port)\(ModelSimulator.path)",
                ],
                prompt: nil
            )
            server = try await Server.start(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            phones = try CallEngine.start()
            let target = DialTarget(host: "127.0.0.1", port: server.port, isSecure: false, target: "/media-stream")
            let steps: [PhoneScript.Step] = [
                .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000),
                .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000), .hangUp(.stop),
            ]
            witness = try await phones.perform {
                try PhoneSimulator.call(target, .pattern(Self.number, steps), on: $0)
            }
        }

        /// Returns when the witness has said half a second more, or has hung up.
        func hearsMore() async throws {
            let before = try await stats.carrierFramesIn
            await Patience.wait {
                if !witness.report.ending.isEmpty { return true }
                return ((try? await stats.carrierFramesIn) ?? 0) >= before + 25
            }
        }

        var stats: EngineStats { get async throws { try #require(await server.stats().first) } }

        func counters() async throws -> [Counted: Int] {
            let stats = try await self.stats
            func malformed(_ reason: MalformedReason) -> UInt64 { stats.malformed[reason] ?? 0 }
            let all: [Counted: UInt64] = [
                .decoded: stats.opusPacketsIn, .invalid: stats.opusInvalid, .lost: stats.linePacketsLost,
                .late: stats.linePacketsLate, .binary: malformed(.binary), .base64: malformed(.base64),
                .order: malformed(.order), .json: malformed(.json), .floods: stats.mediaFloods,
                .limits: stats.limitCloses,
            ]
            let metrics = try await RawClient.ask("GET", "/metrics", port: server.port)?.text ?? ""
            let line = metrics.split(separator: "\n").first { $0.contains(#"reason="stream_start_message""#) }
            let turned = line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
            return all.mapValues { Int($0) }.merging([.turnedAway: Int(turned)]) { $1 }
        }

        func moved(from before: [Counted: Int]) async throws -> [Counted: Int] {
            try await counters().merging(before) { $0 - $1 }.filter { $0.value != 0 }
        }

        /// The witness lost nothing, and nothing is left of anybody.
        func end() async throws {
            await witness.ended()
            let report = witness.report
            #expect(!report.checks.isEmpty && report.checks.values.allSatisfy { $0.isPerfect })
            let heard = report.heardItems.values.reduce(0, +)
            #expect(heard == 16_000)
            #expect(log.checks[UInt16(Self.number)]?.isPerfect == true)
            await Patience.wait {
                guard let stats = try? await self.stats else { return false }
                return stats.callsOpen == 0 && stats.poolBlocksInUse == 0
            }
            let stats = try await self.stats
            #expect(stats.opusCalls == 0 && stats.poolBlocksInUse == 0 && stats.eventsLost == 0)
            await phones.stop()
            await server.stop()
            await model.stop()
        }
    }

    // MARK: - Peers

    private static func upgrade(_ path: String, _ headers: [String]) -> [UInt8] {
        let lines = headers.map { $0 + "\r\n" }.joined()
        return Array(
            RawBytes.upgrade(to: path).replacing("Host: localhost\r\n", with: "Host: localhost\r\n\(lines)").utf8
        )
    }

    private static func run(_ hostile: Case, on ground: Ground) async throws -> RawAnswer {
        let client = try RawClient(port: ground.server.port)
        let begin = upgrade("/xiaozhi/v1/", ["Device-Id: \(hostile.id)", "Protocol-Version: \(hostile.version)"])
        guard !hostile.hello.isEmpty else {
            client.send(begin + hostile.bytes)
            return await client.answer()
        }
        client.send(begin + RawBytes.text(hostile.hello))
        // Its audio counts from the moment in which the call has begun.
        let first = await client.read { RawAnswer($0).frames.contains { $0.opcode == 1 || $0.opcode == 8 } }
        client.send(hostile.bytes + (hostile.code == 1_000 ? RawBytes.close(1_000) : []))
        return RawAnswer(first + (await client.readToEnd()))
    }

    private static func binary(_ packets: [[UInt8]]) -> [UInt8] { packets.flatMap { RawBytes.frame(2, $0) } }

    private static func fine(_ id: String, _ what: String, _ packets: [[UInt8]]) -> Case {
        Case(id: id, what: what, bytes: binary(packets), counted: [.decoded: packets.count])
    }

    private static func invalid(_ id: String, _ what: String, _ packets: [[UInt8]]) -> Case {
        Case(id: id, what: what, bytes: binary(packets), counted: [.invalid: packets.count, .binary: packets.count])
    }

    /// Bytes of any kind: the range decoder makes sound of everything.
    private static func noise(_ count: Int, seed: Int) -> [UInt8] {
        var state = UInt32(truncatingIfNeeded: seed &* 2_654_435_761 &+ 1)
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
    }

    /// The byte that says mode, bandwidth, length, channels, and how many frames follow (RFC 6716, 3.1).
    private static func head(_ configuration: Int, stereo: Bool = false, code: Int = 0) -> UInt8 {
        UInt8(configuration << 3 | (stereo ? 4 : 0) | code)
    }

    // MARK: - Cases

    private static let heads: [Case] = [
        invalid("I1-0", "an empty packet", [[]]),
        fine(
            "I1-1",
            "nothing but the head of one frame, and of two, of all 32 configurations: concealed",
            (0..<32).flatMap { [[head($0)], [head($0, code: 1)]] }
        ),
        invalid("I1-2", "nothing but a head that wants a length", (0..<16).map { [head($0, code: 2)] }),
        invalid("I1-3", "the others", (16..<32).map { [head($0, code: 2)] }),
        invalid("I1-4", "nothing but a head that wants a count", (0..<16).map { [head($0, code: 3)] }),
        invalid("I1-5", "the others", (16..<32).map { [head($0, code: 3)] }),
        invalid(
            "I2",
            "no frame, 49 frames, padding without an end, a length beyond it",
            [
                [head(16, code: 3), 0], [head(16, code: 3), 49],
                [head(16, code: 3), 0x41] + [UInt8](repeating: 0xFF, count: 300), [head(16, code: 2), 200, 1, 2],
            ]
        ),
    ]

    private static let sizes: [Case] = [
        invalid("I3-1", "180 ms in a packet", [[head(3, code: 3), 3] + noise(90, seed: 1)]),
        fine(
            "I3-2",
            "60 ms, 120 ms and 2.5 ms",
            [
                [head(11)] + noise(60, seed: 2), [head(11, code: 1)] + noise(60, seed: 3),
                [head(16)] + noise(20, seed: 4),
            ]
        ),
        fine(
            "I4-1",
            "as many bytes as a frame may have, and two of 750",
            [
                [head(15)] + noise(1_275, seed: 5), [head(15, code: 1)] + noise(1_500, seed: 6),
            ]
        ),
        invalid("I4-2", "a frame of a byte more", [[head(15)] + noise(1_276, seed: 7)]),
        Case(
            id: "I4-3",
            what: "65,536 bytes",
            bytes: binary([noise(65_536, seed: 8)]),
            code: 1_009,
            counted: [.invalid: 1, .limits: 1]
        ),
        Case(
            id: "I4-4",
            what: "a byte more than any packet has",
            bytes: binary([noise(7_651, seed: 9)]),
            code: 1_009,
            counted: [.invalid: 1, .limits: 1],
            reason: "no Opus packet is so large"
        ),
    ]

    private static let modes: [Case] = [
        fine(
            "I6",
            "another mode, bandwidth, length and number of channels with each packet",
            (0..<64).map { [head($0 * 13 % 32, stereo: $0 % 2 == 1)] + noise(40, seed: $0) }
        ),
        Case(
            id: "I9-1",
            what: "ten times as fast as time",
            bytes: binary((0..<600).map { [head(11)] + noise(20, seed: $0) }),
            code: 1_008,
            reason: "media faster than a telephone"
        ),
        fine(
            "I9-2",
            "six seconds at once, as a line that stood still",
            (0..<100).map { [head(11)] + noise(20, seed: $0) }
        ),
        Case(
            id: "I13",
            what: "µ-law where Opus is spoken: 20 packets are dropped, then it is enough",
            bytes: binary((0..<30).map { _ in [UInt8](repeating: 0xFF, count: 160) }),
            code: 1_003,
            counted: [.invalid: 21, .binary: 21, .limits: 1],
            reason: "too many packets that are not what is on this line"
        ),
    ]

    private static let framings: [Case] = [
        Case(
            id: "I5-1",
            what: "version 2: too short, another version, another type, another size",
            bytes: binary([
                [0, 2], [0, 3, 0, 0] + [UInt8](repeating: 0, count: 11) + [1, head(0)],
                [0, 2, 0, 7] + [UInt8](repeating: 0, count: 11) + [1, head(0)],
                [0, 2, 0, 0] + [UInt8](repeating: 0, count: 11) + [9, head(0)],
                [0, 2, 0, 0] + [UInt8](repeating: 0, count: 8) + [255, 255, 255, 255, head(0)],
            ]),
            counted: [.binary: 5],
            version: 2
        ),
        Case(
            id: "I5-2",
            what: "version 3: too short, another type, another size; then one that is well",
            bytes: binary([[0], [9, 0, 0, 1, head(0)], [0, 0, 255, 255, head(0)], [0, 0, 0, 1, head(0)]]),
            counted: [.binary: 3, .decoded: 1],
            version: 3
        ),
    ]

    private static func first(_ what: String, _ hello: String, _ reason: String) -> Case {
        Case(
            id: "I10",
            what: what,
            bytes: [],
            code: 1_008,
            counted: [.turnedAway: 1],
            reason: reason,
            hello: hello
        )
    }

    private static let hellos: [Case] = [
        first("no hello", #"{"type":"listen","state":"start"}"#, "the first message must be a hello"),
        first("no JSON", "hello", "the first message must be a hello"),
        first("version 4", #"{"type":"hello","version":4}"#, "version must be 1, 2 or 3").with { $0.version = 4 },
        first("PCM", #"{"type":"hello","audio_params":{"format":"pcm"}}"#, "audio_params.format must be opus"),
        first("UDP", #"{"type":"hello","transport":"udp"}"#, "transport must be websocket"),
        Case(
            id: "I10",
            what: "two hellos",
            bytes: RawBytes.text(#"{"type":"hello"}"#),
            code: 1_008,
            reason: "a second hello"
        ),
        Case(
            id: "I10",
            what: "audio and no hello",
            bytes: binary((0..<60).map { _ in [head(0)] }),
            code: 1_008,
            counted: [.order: 51, .limits: 1],
            reason: "media before start",
            hello: ""
        ),
        Case(
            id: "I10",
            what: "33 messages that mean nothing",
            bytes: (0..<40).flatMap { _ in RawBytes.text(#"{"kind":"dance"}"#) },
            code: 1_008,
            reason: "too many malformed messages"
        ),
    ]

    @Test func getTheirCodeAndCount() async throws {
        let ground = try await Ground()
        for hostile in Self.heads + Self.sizes + Self.modes + Self.framings + Self.hellos {
            let before = try await ground.counters()
            let answer = try await Self.run(hostile, on: ground)
            let label: Comment = "\(hostile.id): \(hostile.what)"
            #expect(answer.closeCode == hostile.code, label)
            if let reason = hostile.reason {
                let payload = answer.frames.last { $0.opcode == 8 }?.payload.dropFirst(2) ?? []
                #expect(String(decoding: payload, as: UTF8.self) == reason, label)
            }
            var moved = try await ground.moved(from: before)
            if hostile.id == "I9-1" {
                // How many came before the limit is a matter of time.
                let decoded = moved.removeValue(forKey: .decoded) ?? 0
                #expect((166...400).contains(decoded), label)
                #expect(moved == [.floods: 1, .limits: 1], label)
            } else {
                #expect(moved == hostile.counted, label)
            }
        }
        try await ground.end()
    }

    // MARK: - Numbered packets

    private static let stream = "S-9"

    private static func telnyx(_ numbers: [Int], payload: [UInt8] = [head(1)] + noise(30, seed: 1)) -> [UInt8] {
        numbers.flatMap { number in
            RawBytes.text(
                #"{"event":"media","stream_id":"\#(stream)","media":{"track":"inbound","chunk":"\#(number)","payload":"#
                    + #""\#(Base64.encode(payload))"}}"#
            )
        }
    }

    private static func telnyxBegun(_ encoding: String = "OPUS") -> [UInt8] {
        upgrade("/telnyx", [])
            + RawBytes.text(
                #"{"event":"start","sequence_number":"1","stream_id":"\#(stream)","start":{"call_control_id":"c-9","#
                    + #""media_format":{"encoding":"\#(encoding)","sample_rate":16000,"channels":1}}}"#
            )
    }

    /// I7, I8: what is lost is told by its number, exactly; what comes twice or too late is dropped.
    @Test func lossOrderAndJumpsAreCounted() async throws {
        let ground = try await Ground()
        let ten = (1...100).filter { $0 % 10 != 5 }
        let cases: [(String, [Int], [Counted: Int])] = [
            ("I7: 1 %", (1...100).filter { $0 != 50 }, [.decoded: 99, .lost: 1]),
            ("I7: 10 %", ten, [.decoded: 90, .lost: 10]),
            ("I7: a burst", Array(1...20) + Array(30...60), [.decoded: 51, .lost: 9]),
            ("I8: each twice", (1...50).flatMap { [$0, $0] }, [.decoded: 50, .late: 50]),
            ("I8: pairs change places", (0..<25).flatMap { [2 * $0 + 2, 2 * $0 + 1] }, [.decoded: 49, .late: 1]),
            // Five wait at most: 100 ms.
            ("I8: one comes ten late", [1, 2] + Array(4...13) + [3, 14], [.decoded: 13, .late: 1, .lost: 1]),
            ("I8: a jump ahead, and back", [1, 2, 1_000_000, 1_000_001, 3, 4], [.decoded: 6]),
            ("I8: the largest number", [1, 9_223_372_036_854_775_807, 2], [.decoded: 3]),
        ]
        for (what, numbers, counted) in cases {
            let before = try await ground.counters()
            let client = try RawClient(port: ground.server.port)
            client.send(Self.telnyxBegun() + Self.telnyx(numbers) + RawBytes.close(1_000))
            #expect(await client.answer().closeCode == 1_000, "\(what)")
            #expect(try await ground.moved(from: before) == counted, "\(what)")
        }
        // What is no packet does not stop the ones behind it.
        let before = try await ground.counters()
        let client = try RawClient(port: ground.server.port)
        client.send(
            Self.telnyxBegun() + Self.telnyx([1]) + Self.telnyx([2], payload: [Self.head(0, code: 3), 0])
                + Self.telnyx([3]) + RawBytes.close(1_000)
        )
        #expect(await client.answer().closeCode == 1_000)
        #expect(try await ground.moved(from: before) == [.decoded: 2, .invalid: 1, .base64: 1])
        try await ground.end()
    }

    /// I7: nothing comes any more. Two seconds are made up, so that a turn can end, and no more.
    @Test func aLineThatFallsSilentIsFilledForTwoSeconds() async throws {
        let ground = try await Ground()
        let before = try await ground.stats.lineFilledMilliseconds
        let client = try RawClient(port: ground.server.port)
        client.send(Self.telnyxBegun() + Self.telnyx([1]))
        func filled() async throws -> UInt64 { try await ground.stats.lineFilledMilliseconds - before }
        await Patience.wait { ((try? await filled()) ?? 0) >= 2_000 }
        try await ground.hearsMore()
        #expect(try await filled() == 2_000)
        // It goes on as if nothing had been.
        client.send(Self.telnyx([2, 3]))
        await Patience.wait { ((try? await ground.counters()[.decoded]) ?? 0) == 3 }
        client.send(RawBytes.close(1_000))
        #expect(await client.answer().closeCode == 1_000)
        try await ground.end()
    }

    /// I9, I11: numbers that jump all the time let more be made up than anybody may say.
    @Test func whatIsMadeUpForGapsIsNoWayAroundTheLimit() async throws {
        let ground = try await Ground()
        let client = try RawClient(port: ground.server.port)
        // 100 packets of 20 ms, each behind eight that are concealed: 18 s of audio at once. A larger gap would be a jump.
        client.send(Self.telnyxBegun() + Self.telnyx((0..<100).map { 1 + 9 * $0 }))
        let answer = await client.answer()
        let reason = answer.frames.last.map { String(decoding: $0.payload.dropFirst(2), as: UTF8.self) }
        #expect(answer.closeCode == 1_008 && reason == "media faster than a telephone")
        try await ground.end()
    }

    /// I7: a packet of one sample, and nothing more: silence is made up in whole pieces, and ends.
    @Test func theShortestPacketMakesNoEndlessSilence() async throws {
        let ground = try await Ground()
        let before = try await ground.stats.lineFilledMilliseconds
        let client = try RawClient(port: ground.server.port)
        client.send(Self.telnyxBegun("PCMU") + Self.telnyx([1], payload: [0xFF]))
        func filled() async throws -> UInt64 { try await ground.stats.lineFilledMilliseconds - before }
        await Patience.wait { ((try? await filled()) ?? 0) >= 2_000 }
        try await ground.hearsMore()
        #expect(try await filled() == 2_000)
        client.send(RawBytes.close(1_000))
        #expect(await client.answer().closeCode == 1_000)
        try await ground.end()
    }

    /// I9: who sent more than time allows, within the limit, and then nothing, is heard to be silent now, not once that
    /// time would have passed.
    @Test func whoWasAheadOfTimeIsSilentAtOnce() async throws {
        let ground = try await Ground()
        let before = try await ground.stats.lineFilledMilliseconds
        let client = try RawClient(port: ground.server.port)
        // Nine seconds of audio.
        client.send(Self.telnyxBegun() + Self.telnyx(Array(1...450)))
        let end = ContinuousClock.now + .seconds(5)
        while try await ground.stats.lineFilledMilliseconds == before, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try await ground.stats.lineFilledMilliseconds > before, "silence began after the audio's own time")
        client.send(RawBytes.close(1_000))
        #expect(await client.answer().closeCode == 1_000)
        try await ground.end()
    }

    /// I11: the most costly packets there are, at full rate, from many at once.
    @Test func costlyPacketsOfManyHarmNoCall() async throws {
        let ground = try await Ground()
        let (clients, packets) = (20, 40)
        let before = try await ground.counters()
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for number in 0..<clients {
                group.addTask {
                    let costly = (0..<packets).map {
                        // 60 ms of hybrid full band in stereo, as three frames, close to the most bits they may have.
                        [Self.head(15, stereo: true, code: 3), 3] + Self.noise(1_500, seed: number * 100 + $0)
                    }
                    let hostile = Case(id: "I11-\(number)", what: "costly", bytes: Self.binary(costly))
                    return try await Self.run(hostile, on: ground).closeCode
                }
            }
            for try await code in group { #expect(code == 1_000) }
        }
        #expect(try await ground.moved(from: before) == [.decoded: clients * packets])
        try await ground.end()
    }
}

extension OpusInputTests.Case {
    fileprivate func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }
}
