import CallBridge
import CallPolicy
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// Phones that flood, and phones that do not read.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PressureTests {
    @Test func pingsThatNobodyReadsAnswersOf() async throws {
        let rig = try await Witness.rig { $0.engine.pingsMax = 1_000_000 }
        let witness = try await Witness(on: rig)
        let client = try RawClient(port: rig.serverPort, receiveBytes: 4_096)
        client.send(FrameTests.upgrade)
        _ = await client.read { RawAnswer($0).status == 101 }
        let before = await Counter.all(of: rig)
        // The rate is no limit here: what bounds the pongs is the queue's own.
        let pings = (0..<1_000).flatMap { _ in RawBytes.frame(9, Array(repeating: 65, count: 125)) }
        await client.flood(pings) { $0 >= 100 * pings.count }
        await Patience.wait { await rig.server.stats.pongsDropped > 0 }
        // The system's buffers first, then 8 KiB, which stand in three blocks with what is in flight.
        #expect(await rig.server.stats.poolBlocksHigh < 64)
        let moved = await Counter.moved(from: before, on: rig)
        #expect(Set(moved.keys) == [.pongsDropped])
        await witness.isUnharmed()
        client.reset()
        await HostileTable.end(rig)
    }

    @Test func aPhoneThatDoesNotRead() async throws {
        let rig = try await Witness.rig {
            $0.engine.stuckDeadlineMilliseconds = 1_000
            // All at once: a real lead would need minutes to fill the system's buffers.
            $0.engine.leadMilliseconds = 0
            $0.model.answerMilliseconds = 600_000
            $0.model.speed = 150
        }
        let before = await Counter.all(of: rig)
        let stream = StreamMessages("B34")
        let client = try RawClient(port: rig.serverPort, receiveBytes: 4_096)
        client.send(stream.begun([]))
        // A caller that speaks, so that it is answered, and then goes on breathing.
        let speech = PatternFrame(stream: 1, item: 0, counter: 0, isLoud: true).bytes
        let talking = Task.detached {
            for index in 0..<1_500 {
                let payload = index < 25 ? Base64.encode(speech) : StreamMessages.silence
                if client.send(RawBytes.text(stream.media(payload))) == 0 { return }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        await rig.waitForEnding(of: "CA-B34")
        talking.cancel()
        #expect(rig.ending(of: "CA-B34")?.reason == .carrierLost)
        let closed = rig.events(of: "CA-B34").contains { event in
            if case .ending(_, _, let detail) = event { detail.contains("1008") } else { false }
        }
        #expect(closed)
        #expect(await Counter.moved(from: before, on: rig) == [.deadPeers: 1])
        client.reset()
        await HostileTable.end(rig)
    }

    /// Tells tasks to end.
    private final class Flag: Sendable {
        private let state = Locked(false)
        var isSet: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }

    /// B36: of each turn a flood gets what one leg may read, whatever it sends; so a turn never takes longer than its
    /// shares do, and others have theirs in it.
    @Test(arguments: [(3, 4_096), (1, 65_536)])
    func aFloodOfSmallMessagesTakesNoMoreThanItsShare(count: Int, share: Int) async throws {
        let rig = try await Witness.rig {
            $0.engine.readTurnBytesMax = share
            $0.call.limits.startMilliseconds = 60_000
        }
        let before = await rig.server.stats
        let witness = try await Witness(on: rig, turns: 2)
        let done = Flag()
        let text = RawBytes.text(#"{"event":"connected"}"#)
        let flood = Array((0..<5_000).map { _ in text }.joined())
        let floods = try (0..<count).map { _ in try RawClient(port: rig.serverPort) }.map { client in
            Task.detached {
                client.send(FrameTests.upgrade)
                await client.flood(flood) { _ in done.isSet }
                client.send(RawBytes.close(1000))
                return await client.answer().closeCode
            }
        }
        await witness.isUnharmed(turns: 2)
        let after = await rig.server.stats
        done.set()
        for flood in floods { #expect(await flood.value == 1000) }
        #expect(after.readRests > before.readRests)
        let (bytes, turns) = (after.bytesRead - before.bytesRead, after.turns - before.turns)
        // It was a flood; and the witness's own two legs read less than 1 MiB in all.
        #expect(bytes > 8 << 20)
        #expect(bytes <= turns * UInt64(count * share) + 1 << 20, "\(bytes) bytes in \(turns) turns")
        await HostileTable.end(rig)
    }

    @Test func marksThatNeverComeBackHoldNothingUp() async throws {
        let rig = try await Witness.rig()
        var script = PhoneScript.pattern(
            5,
            [
                .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 9_000),
                .pause(milliseconds: 3_000), .hangUp(.stop),
            ]
        )
        script.echoDelay = 600_000
        let deaf = try await rig.call(script)
        let witness = try await Witness(on: rig)
        await deaf.ended()
        await rig.waitForEnding(of: script.callID)
        let drained = rig.callRecords.contains { record in
            if case .playback(.drained) = record.kind { record.callSID == script.callID } else { false }
        }
        #expect(drained)
        #expect(rig.ending(of: script.callID)?.reason == .callerHungUp)
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }

    @Test func aStopBeforeTheModelIsThereCostsNothing() async throws {
        let rig = try await Witness.rig()
        let stream = StreamMessages("E23")
        let client = try RawClient(port: rig.serverPort)
        client.send(stream.begun([stream.message("stop")]))
        #expect(await client.answer().closeCode == 1000)
        await rig.waitForEnding(of: "CA-E23")
        #expect(rig.ending(of: "CA-E23")?.reason == .callerHungUp)
        #expect(await rig.server.stats.legsDialled == 1)
        await HostileTable.end(rig)
        #expect(rig.modelLog.connections == 0)
        #expect(
            rig.events(of: "CA-E23").contains {
                if case .summary(let summary) = $0 { summary.usage == UsageTotals() } else { false }
            }
        )
    }
}
