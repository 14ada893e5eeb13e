import TestSupport
import Testing
import Trunk

/// More at once than a batch, a read or a record holds.
@Suite(.serialized, .timeLimit(.minutes(1))) struct FloodTests {
    /// The text that message `index` of a flood has; lengths differ, so that cuts fall everywhere.
    static func text(_ index: Int) -> String { "\(index) " + String(repeating: "x", count: index % 23) }

    func flood(secure: Bool, closes: Bool) async throws {
        let folder = try TemporaryFolder()
        var configuration = EngineConfiguration()
        configuration.queueBytesMax = 64 << 20
        let pair = try await LegPair(
            legs: 3,
            tls: secure ? LoopbackCertificate(in: folder.path) : nil,
            client: configuration
        )
        let clients = pair.clientLegs.value
        // Three legs with short messages: one read of each holds more than a batch does.
        let count = 20_000
        try await pair.client.perform { client in
            for leg in clients {
                for index in 0..<count { try client.send(text: Self.text(index), to: leg) }
                if closes { client.close(leg, code: 4000, reason: "all said") }
            }
        }
        await pair.heard.wait { $0.count == 3 * count }
        if closes { await pair.log.wait { $0.count { $0 == "server closed 4000 peer all said" } == 3 } }
        let lines = pair.log.lines
        #expect(lines.count { $0.hasPrefix("server text") } == 3 * count)
        // In order on each leg: the n-th message of an index comes after those before it.
        var next = [Int: Int]()
        for line in lines where line.hasPrefix("server text ") {
            let index = Int(line.dropFirst(12).prefix { $0 != " " }) ?? -1
            next[index, default: 0] += 1
            if index > 0 { #expect(next[index, default: 0] <= next[index - 1, default: 0]) }
        }
        #expect(await pair.server.stats.batchWaits > 0)
        await pair.stop()
    }

    @Test func isDeliveredCompletelyAndInOrder() async throws {
        for secure in [false, true] { try await flood(secure: secure, closes: false) }
    }

    @Test func isDeliveredBeforeTheEnd() async throws {
        for secure in [false, true] { try await flood(secure: secure, closes: true) }
    }

    @Test func isDeliveredBeforeAnAbruptEnd() async throws {
        // No close frame: the peer says everything and ends the connection behind it.
        let pair = try await LegPair()
        let raw = try RawClient(port: pair.port)
        let count = 6000
        let frames = (0..<count).flatMap { RawBytes.frame(1, Array(Self.text($0).utf8)) }
        raw.send(Array(RawBytes.upgrade().utf8) + frames)
        raw.finish()
        _ = await raw.readToEnd()
        await pair.log.wait(for: "server closed 1006 lost")
        #expect(pair.heard.value.count == count)
        await pair.stop()
    }

    @Test func isDeliveredBeforeAnEndInTheSameRecord() async throws {
        // The server breaks off (too many pings) with all its messages still queued: what it says last, the close
        // frame and the end of TLS, comes in the reads that hold more messages than a batch.
        let folder = try TemporaryFolder()
        for certificate in [nil, try LoopbackCertificate(in: folder.path)] {
            let pair = try await LegPair(legs: 4, tls: certificate)
            let (servers, clients, count) = (pair.serverLegs.value, pair.clientLegs.value, 20_000)
            try await pair.server.perform { server in
                for leg in servers { for index in 0..<count { try server.send(text: Self.text(index), to: leg) } }
            }
            try await pair.client.perform { client in
                for leg in clients { for _ in 0..<100 { try client.ping(leg) } }
            }
            let endings = await pair.endings.wait { $0.count == 4 }
            #expect(endings.allSatisfy { $0.code == 1008 && $0.cause == .peer })
            #expect(pair.log.lines.count { $0.hasPrefix("client text") } == 4 * count)
            await pair.stop()
        }
    }

    @Test func manyEndsAtOnceAreToldInSmallShares() async throws {
        // Each end of a connection can be the end of a call: the audio of others must not wait for all of them.
        let count = 200
        let pair = try await LegPair(legs: count, server: .forCalls)
        let clients = pair.clientLegs.value
        try await pair.client.perform { client in
            for leg in clients { try client.send(text: "bye", to: leg) }
        }
        await pair.heard.wait { $0.count == count }
        await pair.client.perform { client in
            for leg in clients { client.abort(leg) }
        }
        await pair.log.wait { $0.count { $0.hasPrefix("server closed") } == count }
        let stats = await pair.server.stats
        #expect(stats.batchEventsHigh <= 16)
        #expect(stats.legsOpen == 0 && stats.eventsLost == 0)
        await pair.stop()
    }

    @Test func timersAndEndsAreToldDuringAFlood() async throws {
        // Messages that fill every batch must not hold up a deadline, or the end of another connection.
        var configuration = EngineConfiguration()
        configuration.queueBytesMax = 64 << 20
        let pair = try await LegPair(legs: 4, server: .forCalls, client: configuration)
        let (clients, servers, heard) = (pair.clientLegs.value, pair.serverLegs.value, pair.heard)
        let count = 30_000
        pair.whenHeard.update {
            $0 = { leg, engine in
                guard heard.value.count == 100, let quiet = servers.first(where: { $0 != leg }) else { return }
                engine.setTimer(leg, afterMilliseconds: 1)
                engine.abort(quiet)
            }
        }
        try await pair.client.perform { client in
            for leg in clients { for index in 0..<count { try client.send(text: Self.text(index), to: leg) } }
        }
        await pair.log.wait(for: "server closed")
        await pair.log.wait(for: "server timer")
        let lines = pair.log.lines
        func told(_ line: String) -> Int {
            let index = lines.firstIndex { $0.hasPrefix(line) } ?? lines.count
            return lines[..<index].count { $0.hasPrefix("server text") }
        }
        // A turn takes up to a thousand; each of the four reads holds five thousand.
        #expect(told("server closed") < 3_500)
        #expect(told("server timer") < 20_000)
        await pair.stop()
    }

    @Test func severalEnginesShareAPort() async throws {
        let log = Log()
        var engines: [CallEngine] = []
        var port = 0
        for index in 0..<3 {
            let engine = try CallEngine.start()
            port = try await engine.perform { [port] engine in
                try engine.listen(
                    ListenAddress(host: "127.0.0.1", port: port, paths: ["/"], sharesPort: true),
                    acceptor: AcceptAll { Recorder("server\(index)", log) }
                )
            }
            engines.append(engine)
        }
        // Who does not share may not have it.
        let stranger = try CallEngine.start()
        let taken = port
        await #expect(throws: TrunkError(.system, systemError: 98)) {
            try await stranger.perform { engine in
                _ = try engine.listen(
                    ListenAddress(host: "127.0.0.1", port: taken, paths: ["/"]),
                    acceptor: AcceptAll { Recorder("stranger", log) }
                )
            }
        }
        let count = 60
        try await stranger.perform { engine in
            for _ in 0..<count {
                _ = try engine.dial(
                    DialTarget(host: "127.0.0.1", port: taken, isSecure: false, target: "/"),
                    handler: Recorder("client", log)
                )
            }
        }
        await log.wait { $0.count { $0 == "client opened" } == count }
        await log.wait { $0.count { $0.hasPrefix("server") && $0.hasSuffix("opened") } == count }
        // One that stops listening leaves the others to it.
        await engines[0].perform { $0.stopListening() }
        try await stranger.perform { engine in
            _ = try engine.dial(
                DialTarget(host: "127.0.0.1", port: taken, isSecure: false, target: "/"),
                handler: Recorder("last", log)
            )
        }
        await log.wait(for: "last opened")
        for engine in engines + [stranger] { await engine.stop() }
    }
}
