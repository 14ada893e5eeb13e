import Foundation
import Testing
import Trunk

/// A copy of a call's audio for another thread.
@Suite(.timeLimit(.minutes(1))) struct TapTests {
    private struct Heard: Equatable {
        var kind: TapRecord.Kind
        var at: Int
        var audio: [UInt8]
    }

    private static func media(_ index: Int, at milliseconds: Int) -> String {
        let payload = Base64.encode(CallMediaTests.frame(index))
        return """
            {"event":"media","media":{"track":"inbound","timestamp":"\(milliseconds)","payload":"\(payload)"},\
            "streamSid":"MZ1"}
            """
    }

    private static func attach(_ fixture: CallFixture) async throws -> CallTap {
        let handler = fixture.handler
        return try await fixture.server.perform { server in
            guard let call = handler.call else { throw TrunkError(.stale) }
            return try server.tap(call)
        }
    }

    private static func read(_ tap: CallTap) -> [Heard] {
        var heard: [Heard] = []
        tap.drain { record, audio in
            heard.append(
                Heard(kind: record.kind, at: record.milliseconds, audio: audio.withUnsafeBytes { Array($0) })
            )
        }
        return heard
    }

    @Test func putsTheCallerWhereTheCarrierSays() async throws {
        let fixture = try await CallFixture()
        let tap = try await Self.attach(fixture)
        // In order, rounded, after a gap, absurd (the next expected place), and back in time (the same).
        let stamps = [0, 20, 42, 200, 1_000_000_000_000, 190]
        try await fixture.say(stamps.enumerated().map { Self.media($0.offset, at: $0.element) })
        try await fixture.settlePhone("1")
        let places = [0, 20, 40, 200, 220, 240]
        #expect(
            Self.read(tap)
                == places.enumerated().map {
                    Heard(kind: .caller, at: $0.element, audio: CallMediaTests.frame($0.offset))
                }
        )
        #expect(tap.dropped == 0)
        await fixture.stop()
    }

    @Test func longPayloadsBecomeSeveralRecords() async throws {
        let fixture = try await CallFixture()
        let tap = try await Self.attach(fixture)
        let audio = CallMediaTests.audio(0..<25)
        try await fixture.say(Wire.media(Base64.encode(audio)))
        try await fixture.settlePhone("1")
        let heard = Self.read(tap)
        #expect(heard.flatMap(\.audio) == audio)
        #expect(heard.allSatisfy { $0.audio.count <= 1_600 })
        for (earlier, later) in zip(heard, heard.dropFirst()) {
            #expect(abs(later.at - earlier.at - earlier.audio.count / 8) <= 1)
        }
        await fixture.stop()
    }

    @Test func saysWhereTheAgentWasCutOff() async throws {
        let fixture = try await CallFixture()
        let tap = try await Self.attach(fixture)
        let handler = fixture.handler
        let audio = CallMediaTests.audio(0..<100)
        try await fixture.answer([Wire.created("r1"), Wire.delta("r1", "i1", audio)])
        await poll(fixture.server) { server in
            handler.call.flatMap { server.playback($0).items.first?.heardMilliseconds } ?? 0 >= 150
        }
        let (heardBefore, passed) = await fixture.server.perform { server in
            guard let call = handler.call else { return (0, 0) }
            let clock = ContinuousClock()
            let start = clock.now
            let heard = server.playback(call).items.first?.heardMilliseconds ?? 0
            server.interrupt(call)
            return (heard, Int((clock.now - start) / .milliseconds(1)))
        }
        let records = Self.read(tap)
        let agent = records.filter { $0.kind == .agent }
        let clear = try #require(records.last)
        let first = try #require(agent.first)
        #expect(clear.kind == .clear && records.count { $0.kind == .clear } == 1)
        let sent = agent.flatMap(\.audio)
        #expect(sent == Array(audio.prefix(sent.count)))
        // Each record begins where the one before it ends: the phone plays without a pause.
        for (earlier, later) in zip(agent, agent.dropFirst()) {
            #expect(later.at == earlier.at + earlier.audio.count / 8)
        }
        // The cut is what the ledger says was heard, and something that was sent was not.
        #expect(clear.at - first.at >= heardBefore)
        #expect(clear.at - first.at <= heardBefore + passed + 2)
        #expect(clear.at < first.at + sent.count / 8)
        // The next answer plays after the cut.
        try await fixture.answer([Wire.created("r2"), Wire.delta("r2", "i2", CallMediaTests.audio(0..<10))])
        await handler.log.wait(for: "started(itemID: \"i2\")")
        #expect(try #require(Self.read(tap).first).at >= clear.at)
        await fixture.stop()
    }

    @Test func whatWasSentAndNotHeardEndsWithTheCall() async throws {
        let fixture = try await CallFixture()
        let tap = try await Self.attach(fixture)
        let handler = fixture.handler
        try await fixture.answer([Wire.created("r1"), Wire.delta("r1", "i1", CallMediaTests.audio(0..<100))])
        await handler.log.wait(for: "started(itemID: \"i1\")")
        #expect(!tap.hasEnded)
        await fixture.server.perform { server in
            if let call = handler.call { server.endCall(call, code: 1000, reason: "") }
        }
        #expect(tap.hasEnded)
        await fixture.stop()
        // The tap outlives the call and its engine.
        let records = Self.read(tap)
        let end = try #require(records.last { $0.kind == .agent })
        let clear = try #require(records.last)
        #expect(clear.kind == .clear && clear.at < end.at + end.audio.count / 8)
    }

    @Test func aFullRingDropsAndCounts() async throws {
        let fixture = try await CallFixture { $0.tapBytes = 4_096 }
        let tap = try await Self.attach(fixture)
        try await fixture.say((0..<60).map { Self.media($0, at: $0 * 20) })
        try await fixture.settlePhone("1")
        #expect(tap.dropped > 0)
        #expect(await fixture.stats().tapRecordsDropped == UInt64(tap.dropped))
        #expect(await fixture.server.stats.tapRecordsDropped == UInt64(tap.dropped))
        let kept = Self.read(tap)
        // Twenty-odd frames of 176 bytes, room for a few clears left over.
        #expect(kept.count + tap.dropped == 60)
        #expect(kept.count >= 20)
        // Read, it takes the next ones; the place shows what is missing.
        try await fixture.say(Self.media(60, at: 1_200))
        try await fixture.settlePhone("2")
        #expect(Self.read(tap) == [Heard(kind: .caller, at: 1_200, audio: CallMediaTests.frame(60))])
        await fixture.stop()
    }

    @Test func aCallTakesFourAndForgetsThoseThatLetGo() async throws {
        let fixture = try await CallFixture()
        var taps: [CallTap] = []
        for _ in 0..<4 { taps.append(try await Self.attach(fixture)) }
        await #expect(throws: TrunkError(.full)) { try await Self.attach(fixture) }
        taps.removeFirst()
        taps.append(try await Self.attach(fixture))
        try await fixture.say(Self.media(7, at: 0))
        try await fixture.settlePhone("1")
        for tap in taps {
            #expect(Self.read(tap) == [Heard(kind: .caller, at: 0, audio: CallMediaTests.frame(7))])
        }
        taps = []
        try await fixture.say(Self.media(8, at: 20))
        try await fixture.settlePhone("2")
        #expect(await fixture.server.stats.tapsOpened == 5)
        #expect(await fixture.stats().tapRecordsDropped == 0)
        await fixture.stop()
    }

    @Test func aReaderOnAnotherThreadSeesWholeRecordsInOrder() async throws {
        let fixture = try await CallFixture {
            $0.leadMilliseconds = 0
            $0.tapBytes = 8_192
        }
        let tap = try await Self.attach(fixture)
        let reader = Task.detached { () -> (count: Int, faults: Int) in
            let frames = (0..<2_000).map { CallMediaTests.frame($0) }
            var next = 0
            var count = 0
            var faults = 0
            while true {
                let hasEnded = tap.hasEnded
                tap.drain { record, audio in
                    guard record.kind == .agent else { return }
                    count += 1
                    let bytes = audio.withUnsafeBytes { Array($0) }
                    // Dropped ones are left out: look for it among those to come.
                    while next < frames.count, frames[next] != bytes { next += 1 }
                    if next == frames.count { faults += 1 }
                    next += 1
                }
                if hasEnded { return (count, faults) }
                await Task.yield()
            }
        }
        try await fixture.answer([Wire.created("r")])
        for begin in stride(from: 0, to: 2_000, by: 50) {
            try await fixture.answer((begin..<begin + 50).map { Wire.delta("r", "i", CallMediaTests.frame($0)) })
            await fixture.phone.heard.wait { $0.sizes.count >= begin + 50 }
        }
        let handler = fixture.handler
        await fixture.server.perform { server in
            if let call = handler.call { server.endCall(call, code: 1000, reason: "") }
        }
        let seen = await reader.value
        #expect(seen.faults == 0)
        #expect(seen.count + tap.dropped >= 2_000)
        #expect(seen.count > 0)
        await fixture.stop()
    }
}
