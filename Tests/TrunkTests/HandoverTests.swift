import Foundation
import TestSupport
import Testing
import Trunk

/// Requests that are no upgrade: given away with what was read of them, and taken back when they turn into one.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HandoverTests {
    /// Gives everything away and keeps it for the test; refuses when told to, or stays silent.
    final class Taker: PlainAcceptor {
        let taken = Watched<[HandedConnection]>([])
        var refusal: Int?
        var isSilent = false

        func requested(
            _ leg: LegID,
            from listener: ListenerID,
            isSecure: Bool,
            on engine: isolated CallEngine
        ) {
            if isSilent { return }
            if let refusal { return engine.refuse(leg, status: refusal) }
            if let connection = try? engine.handOver(leg, of: listener, isSecure: isSecure) {
                taken.update { $0.append(connection) }
            }
        }
    }

    /// An engine that echoes on `/` and gives everything else away.
    private func listen(
        _ configure: @Sendable @escaping (Taker) -> Void = { _ in }
    ) async throws -> (CallEngine, Int, Watched<[HandedConnection]>, Log) {
        var configuration = EngineConfiguration()
        configuration.acceptDeadlineMilliseconds = 200
        let engine = try CallEngine.start(configuration)
        let log = Log()
        let (port, taken) = try await engine.perform { engine in
            let taker = Taker()
            configure(taker)
            let acceptor = AcceptAll {
                let recorder = Recorder("server", log)
                recorder.answer = { text, leg, engine in try? engine.send(text: text, to: leg) }
                return recorder
            }
            let address = ListenAddress(host: "127.0.0.1", port: 0, paths: ["/"])
            return (try engine.listen(address, acceptor: acceptor, plain: taker), taker.taken)
        }
        return (engine, port, taken, log)
    }

    /// Writes to a connection as an HTTP server would.
    private func write(_ text: String, to descriptor: Int32) {
        #expect(
            Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } == text.utf8.count
        )
    }

    @Test func connectionComesWithAllThatWasRead() async throws {
        let (engine, port, taken, log) = try await listen()
        let request = "POST /x?a=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /y HTTP/1.1\r\n"
        let client = try RawClient(port: port, host: 7)
        client.send(request)
        await taken.wait { $0.count == 1 }
        let connection = taken.value[0]
        #expect(String(decoding: connection.bytes, as: UTF8.self) == request)
        #expect(connection.peer == "127.0.0.7")
        let descriptor = connection.takeDescriptor()
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC == FD_CLOEXEC)
        #expect(connection.takeDescriptor() == -1)
        write("HTTP/1.1 204 No Content\r\n\r\n", to: descriptor)
        close(descriptor)
        #expect(await client.answer().status == 204)
        let stats = await engine.stats
        #expect(stats.handedOver == 1 && stats.upgradesRefused == 0 && stats.legsOpen == 0)
        #expect(log.lines.isEmpty)
        await engine.stop()
    }

    @Test func connectionThatNobodyTakesIsClosed() async throws {
        let (engine, port, taken, _) = try await listen()
        let client = try RawClient(port: port)
        client.send("GET /x HTTP/1.0\r\n\r\n")
        await taken.wait { $0.count == 1 }
        taken.update { $0 = [] }
        #expect(await client.readToEnd().isEmpty)
        await engine.stop()
    }

    @Test func headsAreJudgedBeforeTheyAreGivenAway() async throws {
        let (engine, port, taken, _) = try await listen()
        for (text, status) in [
            ("GET /x HTTP/1.1\r\n\r\n", 400), ("GET /x HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET /" + String(repeating: "a", count: 20_000), 431), ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426),
        ] {
            let client = try RawClient(port: port)
            client.send(text)
            #expect(await client.answer().status == status, "\(text.prefix(40))")
        }
        #expect(taken.value.isEmpty)
        #expect(await engine.stats.handedOver == 0)
        await engine.stop()
    }

    @Test(arguments: [503, nil]) func refusedOrForgottenRequestsGet503(refusal: Int?) async throws {
        let (engine, port, _, _) = try await listen { taker in
            taker.refusal = refusal
            taker.isSilent = refusal == nil
        }
        let client = try RawClient(port: port)
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await client.answer().status == 503)
        let stats = await engine.stats
        #expect(stats.upgradesRefused == 1 && stats.handedOver == 0)
        await engine.stop()
    }

    @Test func keptConnectionComesBackAsAWebSocket() async throws {
        let (engine, port, taken, log) = try await listen()
        let client = try RawClient(port: port, host: 9)
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        await taken.wait { $0.count == 1 }
        let connection = taken.value[0]
        let descriptor = connection.takeDescriptor()
        write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", to: descriptor)
        let back = HandedConnection(
            descriptor: descriptor,
            bytes: Array(RawBytes.upgrade().utf8) + RawBytes.text("early"),
            peer: connection.peer,
            listener: connection.listener
        )
        try await engine.perform { try $0.adopt(back) }
        client.send(RawBytes.text("late") + RawBytes.close(1000))
        let text = String(decoding: await client.readToEnd(), as: UTF8.self)
        #expect(text.contains("HTTP/1.1 101 ") && text.contains("early") && text.contains("late"))
        await log.wait(for: "server closed 1000 peer")
        #expect(log.lines.prefix(3) == ["server opened", "server text early", "server text late"])
        #expect(await engine.stats.adopted == 1)
        await engine.stop()
    }

    @Test func withoutAListenerTheConnectionStaysTheCallers() async throws {
        let (engine, port, taken, _) = try await listen()
        let client = try RawClient(port: port)
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        await taken.wait { $0.count == 1 }
        await engine.perform { $0.stopListening() }
        let connection = taken.value[0]
        await #expect(throws: TrunkError(.closing)) { try await engine.perform { try $0.adopt(connection) } }
        let descriptor = connection.takeDescriptor()
        #expect(fcntl(descriptor, F_GETFD) >= 0)
        close(descriptor)
        #expect(await client.readToEnd().isEmpty)
        #expect(await engine.stats.adopted == 0)
        await engine.stop()
    }
}
