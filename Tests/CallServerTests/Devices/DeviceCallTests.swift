import Foundation
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

@testable import CallServer

/// Whole calls of devices and of our own page: Opus over real sockets, to a model that speaks PCM.
@Suite(.timeLimit(.minutes(1)), .enabled(if: OpusEncoder.isBuiltIn, "needs Opus"))
struct DeviceCallTests {
    private static let path = "/xiaozhi/v1/"
    private static let headers = [
        (name: "Device-Id", value: "aa:bb:cc:dd:ee:ff"), (name: "Client-Id", value: "one"),
    ]

    /// Two seconds of something that is loud and changes: a sweep.
    private static let speech: [Int16] = {
        let rate = Double(PCM.rate)
        return (0..<PCM.rate * 3 / 2).map { index in
            let time = Double(index) / rate
            return Int16(9_000 * sin(2 * .pi * (250 * time + 200 * time * time)))
        }
    }()

    private func call(
        _ server: ServerFixture,
        _ script: DeviceSimulator.Script,
        target: String = path,
        headers: [(name: String, value: String)] = headers
    ) async throws -> DeviceSimulator.Outcome {
        let target = DialTarget(
            host: "127.0.0.1",
            port: server.port,
            isSecure: false,
            target: target,
            headers: headers
        )
        let outcome = try await server.phones.perform { try DeviceSimulator.call(target, script, on: $0) }
        return try #require(outcome)
    }

    private func ended(_ outcome: DeviceSimulator.Outcome) async throws -> DeviceSimulator.Report {
        await Patience.wait { !outcome.report.ending.isEmpty }
        #expect(outcome.report.ending.hasPrefix("1000"), "\(outcome.report.ending)")
        return outcome.report
    }

    /// The device's own words come back: through Opus twice, as a model hears and speaks them.
    @Test(arguments: [(1, 60), (2, 20), (3, 40)])
    func wordsComeBack(version: Int, frame: Int) async throws {
        let server = try await ServerFixture(model: { $0.voice = .parrot })
        var script = DeviceSimulator.Script()
        script.speech = Self.speech
        script.version = version
        script.frameMilliseconds = frame
        script.leavesAfter = 5_500
        let outcome = try await call(
            server,
            script,
            headers: Self.headers + [(name: "Protocol-Version", value: "\(version)")]
        )
        let report = try await ended(outcome)
        let hello = try #require(report.messages("hello").first)
        #expect(hello["transport"]?.stringValue == "websocket")
        #expect(hello["audio_params"]?["frame_duration"]?.integerValue == Int64(frame))
        #expect(report.broken == 0 && report.unannounced == 0)
        #expect(report.packets.allSatisfy { $0.samples == frame * PCM.rate / 1_000 })
        #expect(report.messages("stt").count == 1)
        let states = report.messages("tts").compactMap { $0["state"]?.stringValue }
        #expect(states.contains("sentence_start"))
        #expect(states.filter { $0 != "sentence_start" } == ["start", "stop"])
        let likeness = Likeness.best(of: Self.speech, in: report.heard)
        #expect(likeness > 0.95, "what came back is not what was said: \(likeness)")
        await server.stop()
    }

    /// A device with a button: a pause in what is said while it is held is no end of it.
    @Test func aHeldButtonIsOneTurn() async throws {
        let server = try await ServerFixture(model: { $0.voice = .parrot })
        var script = DeviceSimulator.Script()
        script.speech = Self.speech + [Int16](repeating: 0, count: PCM.rate * 3 / 2) + Self.speech
        script.releasesAfter = 4_800
        script.leavesAfter = 11_500
        let report = try await ended(try await call(server, script))
        let hello = try #require(report.texts.first).at
        let starts = report.texts.filter {
            $0.message["type"]?.stringValue == "tts" && $0.message["state"]?.stringValue == "start"
        }
        #expect(starts.count == 1)
        #expect(try #require(starts.first).at - hello >= 4_800_000)
        #expect(report.messages("stt").count == 1)
        let likeness = Likeness.best(of: script.speech, in: report.heard)
        #expect(likeness > 0.9, "what came back is not what was said: \(likeness)")
        await server.stop()
    }

    /// A device's queue holds 40 packets: after the first few one comes for each that it plays.
    @Test func packetsAreCounted() async throws {
        let server = try await ServerFixture(model: { $0.answerMilliseconds = 4_000 })
        var script = DeviceSimulator.Script()
        script.speech = Self.speech
        script.leavesAfter = 6_500
        let outcome = try await call(server, script)
        // Its model speaks PCM at 24,000 Hz, which pages are told.
        _ = try await server.ask("/calls") { $0.text.contains(#""audio_bytes_per_ms":48"#) }
        let report = try await ended(outcome)
        let first = try #require(report.packets.first).at
        var most = 0
        for (index, packet) in report.packets.enumerated() {
            let played = Int((packet.at - first) / 60_000)
            most = max(most, index + 1 - played)
        }
        #expect(report.packets.count >= 4_000 / 60)
        // Its queue holds 40; a loop that is late sends two at once.
        #expect((5...12).contains(most), "\(most) packets waited at the device")
        await server.stop()
    }

    @Test func abortStopsTheAgent() async throws {
        let server = try await ServerFixture(model: { $0.answerMilliseconds = 20_000 })
        var script = DeviceSimulator.Script()
        script.speech = Self.speech
        script.abortAfter = 4_000
        script.leavesAfter = 5_000
        let report = try await ended(try await call(server, script))
        let abort = try #require(report.texts.last { $0.message["state"]?.stringValue == "stop" }).at
        #expect(report.packets.filter { $0.at > abort }.isEmpty)
        #expect(report.packets.count < 60)
        #expect(server.modelLog.entries.contains { if case .truncated = $0 { true } else { false } })
        await server.stop()
    }

    /// The model stalls in mid-answer until the device has run dry; an interruption then ends the answer for the device,
    /// too: it would not listen before.
    @Test func abortEndsAnAnswerThatHasRunDry() async throws {
        let server = try await ServerFixture(model: { model in
            model.answerMilliseconds = 6_000
            model.stall = (600, 60_000)
        })
        var script = DeviceSimulator.Script()
        script.speech = Self.speech
        script.abortAfter = 6_000
        script.leavesAfter = 7_000
        let report = try await ended(try await call(server, script))
        let states = report.messages("tts").compactMap { $0["state"]?.stringValue }.filter { $0 != "sentence_start" }
        #expect(report.packets.count >= 9, "the answer began")
        #expect(states.last == "stop" && states.count % 2 == 0, "\(states)")
        await server.stop()
    }

    /// A caller who sends nothing any more after his words is heard to be silent: the turn ends.
    @Test func aDeviceThatRestsEndsItsTurn() async throws {
        let server = try await ServerFixture()
        var script = DeviceSimulator.Script()
        script.speech = Self.speech
        script.rests = true
        script.leavesAfter = 5_000
        let report = try await ended(try await call(server, script))
        #expect(!report.packets.isEmpty)
        let metrics = try await server.ask("GET", "/metrics").text
        let line = try #require(
            metrics.split(separator: "\n").first { $0.hasPrefix("trunkline_loop_line_filled_seconds_total") }
        )
        let filled = try #require(line.split(separator: " ").last.flatMap { Double($0) })
        #expect(filled > 0, "\(line)")
        await server.stop()
    }

    /// The page's additions: marks that come back and tell what was heard, and a clear when the caller speaks.
    @Test func thePageIsClearedWhenItsCallerSpeaks() async throws {
        let server = try await ServerFixture(model: { $0.answerMilliseconds = 8_000 })
        var script = DeviceSimulator.Script()
        let pause = [Int16](repeating: 0, count: PCM.rate * 3 / 2)
        script.speech = Self.speech + pause + Self.speech
        script.features = ["aec": true, "marks": true]
        script.frameMilliseconds = 20
        script.leavesAfter = 6_000
        let report = try await ended(try await call(server, script, target: "/ws/talk?device-id=page-1", headers: []))
        #expect(report.messages("clear").count == 1)
        #expect(report.messages("mark").count >= 1)
        #expect(report.messages("speech").count >= 2)
        #expect(server.modelLog.entries.contains { if case .truncated = $0 { true } else { false } })
        await server.stop()
    }

    /// What a device can do is offered to the model and done by the device.
    @Test func theModelUsesTheDevicesTools() async throws {
        let server = try await ServerFixture(model: { model in
            model.toolCalls = [
                .init(turn: 1, name: "self_lamp_set", arguments: #"{"on":true}"#)
            ]
        })
        var script = DeviceSimulator.Script()
        script.features = ["mcp": true]
        script.speech = Self.speech
        script.tools = [
            [
                "name": "self.lamp.set", "description": "Switches the lamp",
                "inputSchema": ["type": "object", "properties": ["on": ["type": "boolean"]], "required": ["on"]],
            ]
        ]
        let report = try await ended(try await call(server, script))
        #expect(report.toolsCalled == ["self.lamp.set"])
        #expect(
            report.messages("mcp").map { $0["payload"]?["method"]?.stringValue } == [
                "initialize", "tools/list", "tools/call",
            ]
        )
        #expect(!report.packets.isEmpty)
        await server.stop()
    }
}

/// How alike two pieces of audio are, wherever one begins in the other.
enum Likeness {
    /// The best normalised correlation of `piece` at any place of `whole`, 0...1.
    static func best(of piece: [Int16], in whole: [Int16]) -> Double {
        // At 4,000 samples a second: the place is what is looked for, and the sweep stays below 2,000 Hz.
        let step = 6
        func thin(_ samples: [Int16]) -> [Double] {
            stride(from: 0, to: samples.count - step, by: step).map { start in
                samples[start..<start + step].reduce(0.0) { $0 + Double($1) } / Double(step)
            }
        }
        let (a, b) = (thin(piece), thin(whole))
        guard b.count >= a.count, !a.isEmpty else { return 0 }
        let power = a.reduce(0) { $0 + $1 * $1 }
        var best = 0.0
        for start in 0...(b.count - a.count) {
            var (product, other) = (0.0, 0.0)
            for index in 0..<a.count {
                product += a[index] * b[start + index]
                other += b[start + index] * b[start + index]
            }
            if other > 0 { best = max(best, product / (power * other).squareRoot()) }
        }
        return best
    }
}
