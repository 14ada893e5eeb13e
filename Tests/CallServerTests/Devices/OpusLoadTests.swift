import RealtimeProtocol
import SelfTest
import Simulators
import Testing
import Trunk

@testable import CallServer

/// Many devices at once. `make test` runs this by itself: it loads the machine.
@Suite(.timeLimit(.minutes(5)), .enabled(if: OpusEncoder.isBuiltIn, "needs Opus")) struct OpusLoadTests {
    private static let answerPackets = 17

    /// Lets so many devices call, speak, and be answered.
    private func wave(_ count: Int, on server: ServerFixture) async throws -> [DeviceSimulator.Report] {
        var outcomes: [DeviceSimulator.Outcome] = []
        for number in 0..<count {
            var script = DeviceSimulator.Script()
            script.speech = Sweep.samples
            script.encoder.complexity = 0
            // A second in packets of 60 ms. The tone of a model that is slow to come is shorter.
            script.leavesAfterPackets = Self.answerPackets
            script.leavesAfter = 120_000
            let target = DialTarget(
                host: "127.0.0.1",
                port: server.port,
                isSecure: false,
                target: DeviceAcceptor.devicePaths[0],
                headers: [("Device-Id", "device-\(number)")]
            )
            let said = script
            let outcome = try await server.phones.perform { try DeviceSimulator.call(target, said, on: $0) }
            outcomes.append(try #require(outcome))
            // One after the other, as devices come: each is greeted before the next dials.
            await Patience.wait { outcome?.report.texts.isEmpty == false }
        }
        for outcome in outcomes { await Patience.wait { !outcome.report.ending.isEmpty } }
        return outcomes.map(\.report)
    }

    private func idle(_ server: ServerFixture) async throws -> EngineStats {
        await Patience.wait { await server.server.stats().allSatisfy { $0.callsOpen == 0 && $0.legsOpen == 0 } }
        return try #require(await server.server.stats().first)
    }

    @Test func aHundredDevicesLoseNothing() async throws {
        // A stalled machine must not look like lost audio: what waits is counted, not dropped.
        let server = try await ServerFixture(settings: { $0.engine.waitingMillisecondsMax = 60_000 })
        let reports = try await wave(100, on: server)
        let stats = try await idle(server)
        for report in reports {
            #expect(report.ending.hasPrefix("1000"), "\(report.ending)")
            #expect(report.broken == 0 && report.unannounced == 0)
            #expect(report.packets.count >= Self.answerPackets && report.packets.allSatisfy { $0.samples == 1_440 })
        }
        let (sent, heard) = (reports.map(\.sent).reduce(0, +), reports.map(\.packets.count).reduce(0, +))
        print(
            "opus load: \(reports.count) devices, \(sent) packets sent, \(stats.opusPacketsIn) decoded; "
                + "\(stats.opusPacketsOut) encoded, \(heard) heard; \(stats.lineFilledMilliseconds) ms made up; "
                + "at most \(stats.poolBlocksHigh) blocks"
        )
        #expect(Int(stats.opusPacketsIn) == sent && Int(stats.opusPacketsOut) == heard)
        #expect(stats.opusInvalid == 0 && stats.lineTextsDropped == 0 && stats.callerDroppedMilliseconds == 0)
        #expect(stats.opusCalls == 0 && stats.poolBlocksInUse == 0 && stats.eventsLost == 0)
        // Memory of states is kept for the next calls: a second wave needs none that the first did not.
        let kept = stats.allocations - stats.frees
        let again = try await wave(30, on: server)
        #expect(again.allSatisfy { $0.broken == 0 && !$0.packets.isEmpty })
        let after = try await idle(server)
        // Beside them, some buffers of connections that had to wait.
        #expect(after.allocations - after.frees <= kept + 16)
        #expect(after.opusCalls == 0 && after.poolBlocksInUse == 0)
        await server.stop()
    }
}
