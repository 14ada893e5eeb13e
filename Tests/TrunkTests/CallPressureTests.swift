import Testing
import Trunk

/// Peers that do not read: memory stays bounded and nothing that may not be lost is lost.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CallPressureTests {
    /// Three seconds of audio, of one value by index.
    static func block(_ index: Int) -> [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 24_000) }

    @Test func aModelThatDoesNotReadLosesTheOldest() async throws {
        let fixture = try await CallFixture {
            $0.waitingMillisecondsMax = 6000
            // However long this takes: less is kept for a model that has not read for a while.
            $0.blockedMillisecondsMax = 6000
            // All at once: the phone is no telephone.
            $0.mediaWindowMilliseconds = 3_000_000
        }
        let model = fixture.model
        await fixture.world.perform { world in if let leg = model.leg { world.setReading(leg, false) } }
        let count = 1000
        try await fixture.say((0..<count).map { Wire.media(Base64.encode(Self.block($0))) })
        try await fixture.settlePhone("1")
        let stats = await fixture.stats()
        #expect(stats.droppedMilliseconds > 0)
        #expect(stats.waitingMilliseconds <= 6000)
        // The waiting audio, the model's queue up to its mark with one message over it, and what is being made.
        #expect(await fixture.server.stats.poolBlocksInUse < 64)
        await fixture.world.perform { world in if let leg = model.leg { world.setReading(leg, true) } }
        let kept = count * 24_000 - Int(stats.droppedMilliseconds) * 8
        let heard = await model.heard.wait { $0.bytes >= kept }
        #expect(heard.bytes == kept)
        let audio = heard.payloads.suffix(40).flatMap { Base64.decode($0) ?? [] }
        #expect(Array(audio.suffix(24_000)) == Self.block(count - 1))
        #expect(await fixture.stats().waitingMilliseconds == 0)
        #expect(await fixture.server.stats.callerDroppedMilliseconds == stats.droppedMilliseconds)
        await fixture.stop()
    }

    @Test func aCallerThatDoesNotReadHoldsTheModelBack() async throws {
        let fixture = try await CallFixture {
            $0.leadMilliseconds = 0
            $0.playbackMillisecondsMax = 4000
        }
        let phone = fixture.phone
        await fixture.world.perform { world in if let leg = phone.leg { world.setReading(leg, false) } }
        let count = 800
        try await fixture.answer([Wire.created("r")] + (0..<count).map { Wire.delta("r", "i", Self.block($0)) })
        await poll(fixture.server) { $0.stats.modelPauses > 0 }
        let stats = await fixture.stats()
        // One read more than the limit at most.
        #expect(stats.queuedMilliseconds <= 4000 + 65_536 / 8)
        // The carrier's queue of 1 MiB holds messages of 200 ms, and one such message stands in a block.
        #expect(await fixture.server.stats.poolBlocksInUse < 64 + (1 << 20) / 2000)
        await fixture.world.perform { world in if let leg = phone.leg { world.setReading(leg, true) } }
        let heard = await phone.heard.wait { $0.audio.count >= count * 24_000 }
        #expect(heard.audio == (0..<count).flatMap { Self.block($0) })
        #expect(await fixture.server.stats.playbackRefused == 0)
        #expect(await fixture.stats().deltasIn == UInt64(count))
        await fixture.stop()
    }

    @Test func anInterruptionReadsTheModelAgain() async throws {
        let fixture = try await CallFixture { $0.playbackMillisecondsMax = 4000 }
        try await fixture.answer([Wire.created("r")] + (0..<100).map { Wire.delta("r", "i", Self.block($0)) })
        try await fixture.answer([Wire.event("x.behind")])
        await poll(fixture.server) { $0.stats.modelPauses > 0 }
        let handler = fixture.handler
        await fixture.server.perform { server in if let call = handler.call { server.interrupt(call) } }
        // What stands behind the audio is heard although none of the audio is played.
        await handler.log.wait(for: "model event x.behind")
        #expect(await fixture.stats().queuedMilliseconds == 0)
        #expect(await fixture.stats().deltasLate > 0)
        await fixture.stop()
    }
}
