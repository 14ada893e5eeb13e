import Testing
import Trunk

/// What must hold when things end at the wrong moment.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LifeCycleTests {
    @Test func nothingOutlivesAnEngine() async throws {
        for _ in 0..<100 {
            weak var weakEngine: CallEngine?
            do {
                let engine = try CallEngine.start()
                weakEngine = engine
                let log = Log()
                try await engine.perform { engine in
                    let port = try engine.listen(
                        ListenAddress(host: "127.0.0.1", port: 0, paths: ["/"]),
                        acceptor: AcceptAll { Recorder("server", log) }
                    )
                    _ = try engine.dial(
                        DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/"),
                        handler: Recorder("client", log)
                    )
                }
                await log.wait(for: "server opened")
                await engine.stop()
            }
            #expect(weakEngine == nil)
        }
    }

    @Test func stopsWithLiveCallsAndKeepsNothing() async throws {
        for round in 0..<30 {
            weak var weakServer: CallEngine?
            weak var weakHandler: FakeCall?
            do {
                let fixture = try await CallFixture(routes: round % 2 == 0)
                weakServer = fixture.server
                weakHandler = fixture.handler
                try await fixture.say((0..<50).map { Wire.media(Base64.encode(CallMediaTests.frame($0))) })
                try await fixture.answer([Wire.created("r"), Wire.delta("r", "i", CallMediaTests.audio(0..<400))])
                if round % 3 == 0 { try await fixture.settlePhone("1") }
                // Nobody ends the call: what it holds goes with the engine (a debug core counts and aborts).
                if round % 4 == 0 { await fixture.world.stop() }
                await fixture.server.stop()
                #expect(await fixture.stats() == CallStats())
                await fixture.world.stop()
            }
            #expect(weakServer == nil)
            #expect(weakHandler == nil)
        }
    }

    /// Whoever decides about requests may hold the engine, as a server does that tells its counters.
    @Test func whoIsToldMayHoldTheEngine() async throws {
        weak var weakEngine: CallEngine?
        weak var weakLog: Log?
        do {
            let engine = try CallEngine.start()
            let log = Log()
            (weakEngine, weakLog) = (engine, log)
            _ = try await engine.perform { isolated in
                try isolated.listen(
                    ListenAddress(host: "127.0.0.1", port: 0, paths: ["/"]),
                    acceptor: AcceptAll {
                        _ = engine
                        return Recorder("server", log)
                    }
                )
            }
            await engine.stop()
        }
        #expect(weakEngine == nil && weakLog == nil)
    }

    @Test func aNeverUsedEngineStops() async throws {
        for _ in 0..<100 {
            let engine = try CallEngine.start()
            await engine.stop()
            await engine.stop()
        }
    }

    @Test func workAfterTheStopIsAnswered() async throws {
        let engine = try CallEngine.start()
        await engine.stop()
        let target = DialTarget(host: "127.0.0.1", port: 1, isSecure: false, target: "/")
        let log = Log()
        await #expect(throws: TrunkError(.closing)) {
            try await engine.perform { _ = try $0.dial(target, handler: Recorder("a", log)) }
        }
        await #expect(throws: TrunkError(.closing)) {
            try await engine.perform {
                _ = try $0.listen(
                    ListenAddress(host: "127.0.0.1", port: 0, paths: []),
                    acceptor: AcceptAll { Recorder("a", log) }
                )
            }
        }
        // Late work that starts further late work, from many tasks at once.
        await withTaskGroup { group in
            for index in 0..<50 {
                group.addTask {
                    let inner = await engine.perform { engine in
                        Task {
                            _ = engine.turn
                            log.add("late \(index)")
                        }
                    }
                    await inner.value
                }
            }
        }
        #expect(log.lines.count == 50)
    }

    @Test func workDuringTheStopIsAnswered() async throws {
        for _ in 0..<100 {
            let engine = try CallEngine.start()
            await withTaskGroup { group in
                for _ in 0..<8 { group.addTask { _ = await engine.perform { $0.stats.turns } } }
                group.addTask { await engine.stop() }
                for _ in 0..<8 { group.addTask { _ = await engine.perform { $0.stats.turns } } }
            }
            #expect(await engine.perform { _ in true })
        }
    }

    @Test func lateWorkOnALegIsStale() async throws {
        let pair = try await LegPair()
        let leg = try #require(pair.clientLegs.value.first)
        await pair.client.perform { $0.abort(leg) }
        await pair.log.wait(for: "client closed")
        await pair.client.perform { client in
            #expect(throws: TrunkError(.stale)) { try client.send(text: "late", to: leg) }
            #expect(throws: TrunkError(.stale)) { try client.ping(leg) }
            #expect(client.pendingBytes(leg) == 0)
            client.close(leg)
            client.abort(leg)
            client.setTimer(leg, afterMilliseconds: 0)
        }
        // Its slot's next tenant hears nothing of it.
        await pair.log.wait(for: "server closed 1006 lost")
        await pair.stop()
    }

    @Test func aLegThatIsClosingTakesNothing() async throws {
        let pair = try await LegPair()
        let legs = pair.clientLegs
        await pair.client.perform { client in
            guard let leg = legs.value.first else { return }
            client.close(leg, code: 1000, reason: String(repeating: "é", count: 100))
            #expect(throws: TrunkError(.closing)) { try client.send(text: "late", to: leg) }
            client.close(leg, code: 1001)
        }
        // The reason is cut, but not within a character.
        await pair.log.wait(for: "server closed 1000 peer " + String(repeating: "é", count: 61))
        await pair.log.wait(for: "client closed 1000 local")
        await pair.stop()
    }

    @Test func whatIsClosedInABatchIsSilent() async throws {
        for aborts in [false, true] {
            let pair = try await LegPair(legs: 8)
            let (server, heard) = (pair.serverLegs, pair.heard)
            // Whoever speaks first closes all others; their messages stand in the same batch.
            pair.whenHeard.update { action in
                action = { leg, engine in
                    for other in server.value where other != leg {
                        if aborts { engine.abort(other) } else { engine.close(other, code: 1000) }
                    }
                }
            }
            let clients = pair.clientLegs.value
            try await pair.client.perform { client in
                for leg in clients { for _ in 0..<3 { try client.send(text: "x", to: leg) } }
            }
            await pair.log.wait { $0.count { $0.hasPrefix("server closed") } >= 7 }
            let survivors = Set(heard.value)
            #expect(survivors.count == 1)
            await heard.wait { $0.count >= 3 }
            #expect(heard.value.count == 3)
            await pair.stop()
        }
    }
}
