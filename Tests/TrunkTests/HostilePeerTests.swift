import TestSupport
import Testing
import Trunk

/// Peers that stay silent, stop in the middle or break the rules.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HostilePeerTests {
    /// An engine that listens; returns it with its port and log.
    func listen(_ configure: (inout EngineConfiguration) -> Void) async throws -> (CallEngine, Int, Log) {
        var configuration = EngineConfiguration()
        configure(&configuration)
        let engine = try CallEngine.start(configuration)
        let log = Log()
        let port = try await engine.perform { engine in
            try engine.listen(
                ListenAddress(host: "127.0.0.1", port: 0, paths: ["/"]),
                acceptor: AcceptAll {
                    let recorder = Recorder("server", log)
                    recorder.answer = { text, leg, engine in try? engine.send(text: text, to: leg) }
                    return recorder
                }
            )
        }
        return (engine, port, log)
    }

    @Test func halfAHeadGets408AndNoHeadNothing() async throws {
        let (engine, port, log) = try await listen { $0.headDeadlineMilliseconds = 50 }
        let half = try RawClient(port: port)
        half.send("GET / HTTP/1.1\r\nHost: a\r\n")
        let silent = try RawClient(port: port)
        #expect(String(decoding: await half.readToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(await silent.readToEnd().isEmpty)
        #expect(await engine.stats.headTimeouts == 2)
        #expect(log.lines.isEmpty)
        await engine.stop()
    }

    @Test func badHeadsGetTheirStatus() async throws {
        let (engine, port, _) = try await listen { _ in }
        let cases = [
            ("GET / HTTP/1.1\nHost: a\n\n", 400),
            (RawBytes.upgrade().replacing("Host: localhost", with: "Host: a/b"), 400),
            (RawBytes.upgrade().replacing("GET /", with: "POST /"), 405), ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426),
            (RawBytes.upgrade().replacing("GET / ", with: "GET /x "), 404),
            (RawBytes.upgrade().replacing("1.1", with: "1.0"), 505),
            ("GET /" + String(repeating: "a", count: 20_000), 431),
            (RawBytes.upgrade().replacing("Version: 13", with: "Version: 8"), 426),
        ]
        for (text, status) in cases {
            let client = try RawClient(port: port)
            client.send(text)
            let answer = String(decoding: await client.readToEnd(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(text.prefix(40))")
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.contains("Sec-WebSocket-Version: 13") == (status == 426))
        }
        #expect(await engine.stats.upgradesRefused == UInt64(cases.count))
        // Half-closed behind the request: the answer still comes.
        let client = try RawClient(port: port)
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        client.finish()
        #expect(String(decoding: await client.readToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 404 "))
        await engine.stop()
    }

    @Test func framesInTheSameSegmentAreHeard() async throws {
        let (engine, port, log) = try await listen { _ in }
        let client = try RawClient(port: port)
        let frames = RawBytes.frame(1, Array("one".utf8)) + RawBytes.frame(1, Array("two".utf8))
        client.send(Array(RawBytes.upgrade().utf8) + frames + RawBytes.frame(8, [3, 232]))
        let answer = await client.readToEnd()
        let text = String(decoding: answer, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 101 "))
        #expect(text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        #expect(answer.suffix(4) == [0x88, 2, 3, 232])
        await log.wait(for: "server closed 1000 peer")
        #expect(Array(log.lines.prefix(3)) == ["server opened", "server text one", "server text two"])
        await engine.stop()
    }

    @Test func brokenFramesGetTheirCode() async throws {
        let (engine, port, log) = try await listen { _ in }
        var closed = 0
        for (bytes, code) in [
            ([0x81, 0x01, 0x41], 1002), ([0xC1, 0x80, 0, 0, 0, 0], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002),
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), 1002), (RawBytes.frame(1, [0xED, 0xA0, 0x80]), 1007),
            (RawBytes.frame(8, [0x03, 0xED]), 1002), (RawBytes.frame(8, [3, 232, 0xFF]), 1007),
            ([0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], 1009),
            ([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1002),
            (RawBytes.frame(2, [], fin: false) + (0..<300).flatMap { _ in RawBytes.frame(0, [], fin: false) }, 1009),
            ((0..<100).flatMap { _ in RawBytes.frame(9, [1]) }, 1008),
            ((0..<100).flatMap { _ in RawBytes.frame(10, []) }, 1008),
        ] as [([UInt8], Int)] {
            let client = try RawClient(port: port)
            client.send(Array(RawBytes.upgrade().utf8) + bytes)
            client.finish()
            let answer = await client.readToEnd()
            let head = answer.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? answer.endIndex
            let close = answer[head...].firstRange(of: [0x88])?.upperBound ?? answer.endIndex
            #expect(
                Array(answer[close...].dropFirst().prefix(2)) == [UInt8(code >> 8), UInt8(code & 0xFF)],
                "\(bytes.prefix(20))"
            )
            closed += 1
            await log.wait { [closed] in $0.count { $0.hasPrefix("server closed") } == closed }
            #expect(log.lines.last?.hasPrefix("server closed \(code) ") == true)
        }
        await engine.stop()
    }

    @Test func connectionsThatBreakAreTold() async throws {
        let (engine, port, log) = try await listen { _ in }
        // In mid-header, mid-mask and mid-payload: the frame is never whole.
        for (index, cut) in [1, 4, 7].enumerated() {
            let client = try RawClient(port: port)
            client.send(Array(RawBytes.upgrade().utf8) + RawBytes.frame(1, Array("text".utf8)).prefix(cut))
            client.finish()
            _ = await client.readToEnd()
            await log.wait { $0.count { $0 == "server closed 1006 lost connection ended" } == index + 1 }
        }
        #expect(!log.lines.contains { $0.hasPrefix("server text") })
        await engine.stop()
    }

    @Test func aPeerThatNeverAnswersPingsIsFoundDead() async throws {
        let (engine, port, log) = try await listen {
            $0.pingIntervalMilliseconds = 40
            $0.pingTimeoutMilliseconds = 40
        }
        let deaf = try RawClient(port: port)
        deaf.send(RawBytes.upgrade())
        await log.wait(for: "server closed 1006 timeout no answer to a ping")
        #expect(await deaf.readToEnd().suffix(2) == [0x89, 0])
        #expect(await engine.stats.deadPeers == 1)
        // One that does not read is dead as well; one that only says nothing is not.
        let world = try CallEngine.start()
        let quiet = Log()
        try await world.perform { world in
            let recorder = Recorder("quiet", quiet)
            let target = DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/")
            recorder.answer = { _, leg, engine in engine.close(leg) }
            recorder.whenOpened = { _, engine in
                let deaf = Recorder("deaf", quiet)
                deaf.whenOpened = { leg, engine in engine.setReading(leg, false) }
                _ = try? engine.dial(target, handler: deaf)
            }
            _ = try world.dial(target, handler: recorder)
        }
        await log.wait { $0.count { $0.hasPrefix("server closed 1006 timeout") } == 2 }
        #expect(!quiet.lines.contains { $0.hasPrefix("quiet closed") })
        #expect(await engine.stats.deadPeers == 2)
        await engine.stop()
        await world.stop()
    }

    @Test func fullTablesRecover() async throws {
        let (engine, port, log) = try await listen { $0.legsMax = 2 }
        let first = try RawClient(port: port)
        let second = try RawClient(port: port)
        for client in [first, second] { client.send(RawBytes.upgrade()) }
        await log.wait { $0.count { $0 == "server opened" } == 2 }
        let third = try RawClient(port: port)
        #expect(await third.readToEnd().isEmpty)
        #expect(await engine.stats.legsRefusedFull == 1)
        first.finish()
        _ = await first.readToEnd()
        await poll(engine) { $0.stats.legsOpen == 1 }
        let fourth = try RawClient(port: port)
        fourth.send(RawBytes.upgrade())
        await log.wait { $0.count { $0 == "server opened" } == 3 }
        await engine.stop()
    }
}
