import Foundation
import Testing
import Trunk

/// Audio in both directions on one call.
@Suite(.timeLimit(.minutes(1))) struct CallMediaTests {
    /// A frame of 20 ms that no other index makes.
    static func frame(_ index: Int) -> [UInt8] {
        (0..<160).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index &* 31 &+ index >> 8) }
    }

    static func audio(_ frames: Range<Int>) -> [UInt8] { frames.flatMap { frame($0) } }

    @Test(arguments: [false, true]) func carriesFramesWithoutAllocationsOrEvents(isTapped: Bool) async throws {
        let fixture = try await CallFixture {
            $0.leadMilliseconds = 0
            // Much faster than a telephone.
            $0.mediaWindowMilliseconds = 300_000
        }
        let handler = fixture.handler
        let tap = try await fixture.server.perform { server in
            isTapped ? try handler.call.map { try server.tap($0) } : nil
        }
        let step = 100
        var tapped = 0
        func exchange(_ range: Range<Int>) async throws {
            for begin in stride(from: range.lowerBound, to: range.upperBound, by: step) {
                let frames = begin..<begin + step
                try await fixture.say(frames.map { Wire.media(Base64.encode(Self.frame($0))) })
                try await fixture.answer(frames.map { Wire.delta("r", "i", Self.frame($0)) })
                await fixture.model.heard.wait { $0.payloads.count >= frames.upperBound }
                await fixture.phone.heard.wait { $0.sizes.count >= frames.upperBound }
                tap?.drain { _, _ in tapped += 1 }
            }
        }
        try await fixture.answer([Wire.created("r")])
        try await exchange(0..<200)
        let before = await fixture.server.stats
        try await exchange(200..<10_200)
        let after = await fixture.server.stats
        #expect(after.allocations == before.allocations)
        #expect(after.events == before.events)
        #expect(after.batches == before.batches)
        #expect(after.carrierFramesIn - before.carrierFramesIn == 10_000)
        #expect(after.deltasIn - before.deltasIn == 10_000)
        #expect(after.appendsOut - before.appendsOut == 10_000)
        // What a session counts in: 20 ms a frame since it began.
        let given = await fixture.server.perform { server in
            guard let call = handler.call, let model = handler.model else { return -1 }
            return server.audioGiven(to: model, of: call)
        }
        #expect(given == 10_200 * 20)
        let expected = (0..<10_200).map { Base64.encode(Self.frame($0)) }
        #expect(fixture.model.heard.value.payloads == expected)
        #expect(fixture.phone.heard.value.audio == Self.audio(0..<10_200))
        // Audio so much faster than time cannot have been spoken: of the caller most of it is dropped, and counted.
        if let tap {
            #expect(tapped + tap.dropped == 20_400)
            #expect(tapped > 10_200)
        }
        await fixture.stop()
    }

    @Test func clearsInTheTurnInWhichSpeechBegan() async throws {
        let fixture = try await CallFixture()
        let turns = Watched<[UInt64]>([])
        let handler = fixture.handler
        await fixture.server.perform { _ in
            handler.whenModelSpeaks = { [weak handler] type, moment, engine in
                guard type == "input_audio_buffer.speech_started", let call = handler?.call else { return }
                engine.interrupt(call)
                turns.update { $0.append(moment.turn) }
            }
        }
        for round in 1...20 {
            try await fixture.answer([
                Wire.created("r\(round)"), Wire.delta("r\(round)", "i\(round)", Self.audio(0..<50)),
            ])
            await handler.log.wait(for: "started(itemID: \"i\(round)\")")
            try await fixture.answer([Wire.event("input_audio_buffer.speech_started")])
            await fixture.phone.heard.wait { $0.clears == round }
            #expect(await fixture.stats().clearTurn == turns.value.last)
            #expect(await fixture.stats().queuedMilliseconds == 0)
        }
        // Nothing plays any more: a second interruption says nothing to the phone.
        try await fixture.answer([Wire.event("input_audio_buffer.speech_started")])
        try await fixture.settleModel("end")
        #expect(turns.value.count == 21)
        #expect(await fixture.server.stats.clearsOut == 20)
        await fixture.stop()
    }

    @Test func theNextAnswerSurvivesAnInterruptionInTheSameRead() async throws {
        let fixture = try await CallFixture()
        let handler = fixture.handler
        await fixture.server.perform { _ in
            handler.whenModelSpeaks = { [weak handler] type, _, engine in
                guard type == "input_audio_buffer.speech_started", let call = handler?.call else { return }
                engine.interrupt(call)
            }
        }
        try await fixture.answer([Wire.created("r1"), Wire.delta("r1", "i1", Self.audio(0..<50))])
        await handler.log.wait(for: "started(itemID: \"i1\")")
        // After a stall of the network all of this stands in one read.
        let next = Self.audio(100..<110)
        try await fixture.answer([
            Wire.event("input_audio_buffer.speech_started"), Wire.done("r1"), Wire.created("r2"),
            Wire.delta("r2", "i2", next), Wire.done("r2"),
        ])
        await handler.log.wait(for: "started(itemID: \"i2\")")
        let heard = await fixture.phone.heard.wait { $0.audio.suffix(next.count) == next[...] }
        #expect(heard.clears == 1)
        #expect(await fixture.stats().deltasLate == 0)
        await fixture.stop()
    }

    @Test func aPayloadWithEscapesIsNotMixedWithWaitingAudio() async throws {
        let fixture = try await CallFixture(routes: false)
        let first = [UInt8](repeating: 0xFF, count: 160)
        let second = (0..<160).map { UInt8($0) | 0xC0 }
        try await fixture.say(Wire.media(Base64.encode(first)))
        try await fixture.settlePhone("1")
        // The route opens and the escaped payload comes while the first frame still waits.
        let handler = fixture.handler
        await fixture.server.perform { _ in
            handler.whenDigit = { [weak handler] digit, engine in
                guard digit == "2", let handler, let call = handler.call else { return }
                try? engine.route(call, to: handler.model)
            }
        }
        let escaped = Base64.encode(second).replacingOccurrences(of: "/", with: "\\/")
        try await fixture.say([Wire.digit("2"), Wire.media(escaped), Wire.media(escaped)])
        let heard = await fixture.model.heard.wait { $0.bytes >= 480 }
        #expect(heard.payloads.flatMap { Base64.decode($0) ?? [] } == first + second + second)
        await fixture.stop()
    }

    @Test func callerAudioWaitsForTheRoute() async throws {
        let fixture = try await CallFixture(routes: false)
        try await fixture.say((0..<500).map { Wire.media(Base64.encode(Self.frame($0))) })
        try await fixture.settlePhone("1")
        #expect(await fixture.stats().waitingMilliseconds == 10_000)
        #expect(await fixture.stats().droppedMilliseconds == 0)
        #expect(fixture.model.heard.value.payloads.isEmpty)
        let handler = fixture.handler
        try await fixture.server.perform { server in
            if let call = handler.call { try server.route(call, to: handler.model) }
        }
        // All of it comes, although the phone says nothing more that could move it.
        let heard = await fixture.model.heard.wait { $0.bytes >= 500 * 160 }
        #expect(heard.payloads.flatMap { Base64.decode($0) ?? [] } == Self.audio(0..<500))
        #expect(await fixture.stats().waitingMilliseconds == 0)
        try await fixture.say(Wire.media(Base64.encode(Self.frame(500))))
        let more = await fixture.model.heard.wait { $0.bytes >= 501 * 160 }
        #expect(more.payloads.last == Base64.encode(Self.frame(500)))
        await fixture.stop()
    }

    @Test func dropsTheOldestCallerAudio() async throws {
        let fixture = try await CallFixture(routes: false) { $0.waitingMillisecondsMax = 200 }
        for (count, dropped) in [(9, 0), (10, 0), (11, 20), (40, 600)] {
            let sent = await Int(fixture.stats().framesIn)
            try await fixture.say((sent..<count).map { Wire.media(Base64.encode(Self.frame($0))) })
            try await fixture.settlePhone("\(count % 10)")
            await poll(fixture.server) { [handler = fixture.handler] server in
                handler.call.flatMap { server.stats(of: $0)?.framesIn } == UInt64(count)
            }
            #expect(await fixture.stats().droppedMilliseconds == dropped)
        }
        let handler = fixture.handler
        try await fixture.server.perform { server in
            if let call = handler.call { try server.route(call, to: handler.model) }
        }
        let heard = await fixture.model.heard.wait { $0.bytes >= 1600 }
        #expect(heard.payloads.flatMap { Base64.decode($0) ?? [] } == Self.audio(30..<40))
        #expect(await fixture.server.stats.callerDroppedMilliseconds == 600)
        await fixture.stop()
    }

    @Test func neverPlaysLateAudio() async throws {
        let fixture = try await CallFixture()
        let handler = fixture.handler
        func delta(_ response: String, _ item: String, _ byte: UInt8) -> String {
            Wire.delta(response, item, [UInt8](repeating: byte, count: 320))
        }
        try await fixture.answer([delta("r0", "i0", 1), Wire.created("r1"), delta("r1", "i1", 2)])
        try await fixture.settleModel("one")
        #expect(await fixture.stats().deltasLate == 1)
        await fixture.server.perform { server in if let call = handler.call { server.interrupt(call) } }
        try await fixture.answer([delta("r1", "i1", 3), delta("r1", "i9", 4), Wire.created("r2"), delta("r2", "i2", 5)])
        try await fixture.answer([Wire.done("r2"), delta("r2", "i2", 6), delta("", "i2", 7)])
        try await fixture.settleModel("two")
        #expect(await fixture.stats().deltasLate == 5)
        // Muted: one response, then all.
        try await fixture.answer([Wire.created("r3"), Wire.created("r4")])
        try await fixture.settleModel("three")
        await fixture.server.perform { server in if let call = handler.call { server.muteResponse("r3", of: call) } }
        try await fixture.answer([delta("r3", "i3", 8), delta("r4", "i4", 9)])
        try await fixture.settleModel("four")
        await fixture.server.perform { server in if let call = handler.call { server.muteAgent(call, true) } }
        try await fixture.answer([delta("r4", "i4", 10)])
        try await fixture.settleModel("five")
        #expect(await fixture.stats().deltasLate == 7)
        #expect(await fixture.stats().deltasIn == 3)
        let heard = await fixture.phone.heard.wait { $0.audio.count >= 960 }
        #expect(heard.audio == [2, 5, 9].flatMap { [UInt8](repeating: $0, count: 320) })
        #expect(await fixture.server.stats.malformed[.audio] == 7)
        await fixture.stop()
    }

    @Test func staysAheadByTheLeadAndMarksItsWay() async throws {
        let fixture = try await CallFixture()
        let phone = fixture.phone
        await fixture.world.perform { _ in phone.echoesMarks = true }
        let audio = Array(Self.audio(0..<75).dropLast(60))
        try await fixture.answer(
            [
                Wire.created("r"), Wire.delta("r", "i", Array(audio.prefix(333))),
                Wire.delta("r", "i", Array(audio.dropFirst(333))),
                Wire.done("r"),
            ])
        await fixture.handler.log.wait(for: "finished(itemID: \"i\", proven: true)")
        await fixture.handler.log.wait(for: "drained")
        let heard = phone.heard.value
        let high = await fixture.stats().aheadMillisecondsHigh
        #expect(high <= 400 && high >= 200)
        #expect(heard.audio == audio + [UInt8](repeating: MuLaw.silence, count: 60))
        #expect(heard.sizes.allSatisfy { $0 % 160 == 0 && $0 > 0 })
        #expect(Set(heard.marks.map(\.name)).count == heard.marks.count)
        let places = [0] + heard.marks.map(\.behind)
        #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 <= 1600 })
        #expect(places.last == heard.audio.count)
        #expect(await fixture.server.stats.marksIn == UInt64(heard.marks.count))
        await fixture.stop()
    }

    @Test func aLongLeadDoesNotStall() async throws {
        // More than the carrier's queue takes in one turn: the rest must follow by itself.
        let fixture = try await CallFixture { $0.leadMilliseconds = 4000 }
        let audio = Self.audio(0..<150)
        try await fixture.answer([Wire.created("r"), Wire.delta("r", "i", audio), Wire.done("r")])
        let heard = await fixture.phone.heard.wait { $0.audio.count >= audio.count }
        #expect(heard.audio == audio)
        await fixture.stop()
    }
}
