import CallServer
import Logging
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk
import WebServer

/// Webhooks on a whole server that are not what they should be, in their bodies and in what follows on a connection that
/// is kept. What the core refuses in a connection's first head is in `HeadTests`.
@Suite(.timeLimit(.minutes(3))) struct WebhookTests {
    /// A server whose model is a rig's; calls and requests go to its port.
    private struct Fixture {
        let rig: Rig
        let server: Server

        init(_ change: (inout Settings) -> Void = { _ in }) async throws {
            rig = try await Witness.rig { $0.isSecure = false }
            var settings = try Settings(
                environment: [
                    "HOST": "127.0.0.1", "PORT": "0", "OPENAI_API_KEY": "sk-hostile",
                    "OPENAI_REALTIME_URL": "ws://127.0.0.1:\(rig.modelAddress)\(ModelSimulator.path)",
                ],
                prompt: nil
            )
            change(&settings)
            server = try await Server.start(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        func witness(turns: Int) async throws -> Witness {
            let target = DialTarget(host: "127.0.0.1", port: server.port, isSecure: false, target: "/media-stream")
            return try await Witness(on: rig, at: target, turns: turns)
        }

        /// Everything was answered and closed: nothing is left.
        func stop() async {
            await Patience.wait { server.webStats.connectionsOpen == 0 }
            await server.stop()
            await rig.stop()
        }
    }

    private struct Case {
        let id: String
        let what: String
        /// Everything that the client says.
        let text: String
        /// The statuses of the answers, in order.
        let statuses: [Int]

        init(_ id: String, _ what: String, _ text: String, _ statuses: Int...) {
            (self.id, self.what, self.text, self.statuses) = (id, what, text, statuses)
        }
    }

    private static let first = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    private static func status(_ headers: String, _ body: String = "") -> String {
        "POST /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\(headers)\r\n\r\n\(body)"
    }

    private static func chunks(_ body: String) -> String { status("Transfer-Encoding: chunked", body) }

    private static let form = "CallSid=CA1&CallStatus=ok"
    private static let good = status("Content-Length: \(form.utf8.count)", form)
    private static let smuggled = "GET /public-url HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    private static let million = String(repeating: "a", count: 1 << 20)

    private static let lengths: [Case] =
        [
            ("A14", "two lengths", "Content-Length: 3\r\nContent-Length: 4"),
            ("A14", "a length twice", "Content-Length: 3\r\nContent-Length: 3"),
            ("A14", "two in a line", "Content-Length: 3, 3"), ("A15", "+3", "Content-Length: +3"),
            ("A15", "-3", "Content-Length: -3"), ("A15", "0x3", "Content-Length: 0x3"),
            ("A15", "3 3", "Content-Length: 3 3"), ("A15", "nothing", "Content-Length:"),
            ("A15", "2^64", "Content-Length: 18446744073709551616"),
            ("A16", "a length and chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked"),
            ("A16", "chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 3"),
        ].flatMap { id, what, header in
            // On a new connection, and on one that is kept: two parsers, one answer.
            [
                Case(id, what, status(header, "abc" + smuggled), 400),
                Case(id, what + ", kept", first + status(header, "abc" + smuggled), 200, 400),
            ]
        }

    private static let bodies: [Case] = [
        Case("A18", "chunks", chunks("3\r\nabc\r\n0\r\n\r\n") + first, 204, 200),
        Case("A18", "a sign", chunks("+3\r\nabc\r\n0\r\n\r\n" + smuggled), 400),
        Case("A18", "a space", chunks(" 3\r\nabc\r\n0\r\n\r\n" + smuggled), 400),
        Case("A18", "0x3", chunks("0x3\r\nabc\r\n0\r\n\r\n" + smuggled), 400),
        Case("A18", "no size", chunks("\r\nabc\r\n0\r\n\r\n" + smuggled), 400),
        Case("A18", "17 digits", chunks("10000000000000003\r\nabc\r\n0\r\n\r\n" + smuggled), 400),
        // All that follows is of that chunk, as far as it comes.
        Case("A18", "16 digits", chunks("ffffffffffffffff\r\nabc\r\n0\r\n\r\n" + smuggled), 408),
        Case("A18", "no CRLF behind the data", chunks("3\r\nabcX\r\n0\r\n\r\n" + smuggled), 400),
        Case("A18", "LF behind the data", chunks("3\r\nabc\n0\r\n\r\n" + smuggled), 400),
        Case("A18", "LF behind the size", chunks("3\nabc\r\n0\r\n\r\n" + smuggled), 400),
        Case("A18", "an extension of 1 MiB", chunks("3;a=\(million)\r\nabc\r\n0\r\n\r\n"), 400),
        Case("A18", "an extension", chunks("3;a=b\r\nabc\r\n0\r\n\r\n"), 204),
        Case("A18", "trailers of 1 MiB", chunks("0\r\nA: \(million)\r\n\r\n"), 400),
        Case("A18", "a trailer", chunks("0\r\nA: b\r\n\r\n"), 204),
        Case(
            "A18",
            "64 KiB and a byte in chunks",
            chunks(("8000\r\n" + million.prefix(0x8000) + "\r\n") * 2 + "1\r\na\r\n"),
            413
        ),
        Case(
            "A18",
            "chunked twice, kept",
            first + status("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"),
            200,
            400
        ),
        Case("A18", "gzip, kept", first + status("Transfer-Encoding: gzip", "abc"), 200, 400),
        Case("A18", "a length of 64 KiB and a byte", status("Content-Length: 65537", "a"), 413),
        Case("A37", "a good one behind another", good + good, 204, 204),
    ]

    @Test func bodiesGetTheirStatus() async throws {
        let fixture = try await Fixture { $0.web.bodyDeadlineMilliseconds = 1_000 }
        let witness = try await fixture.witness(turns: 2)
        for one in Self.lengths + Self.bodies {
            let before = fixture.server.webStats.connectionsRefused
            let client = try RawClient(port: fixture.server.port)
            async let sent = client.flood(Array(one.text.utf8)) { $0 > 0 }
            let answers = await client.answers(one.statuses.count)
            #expect(answers.map(\.status) == one.statuses, "\(one.id): \(one.what)")
            if let last = answers.last, last.status >= 400 {
                // Nothing behind it is answered: what was smuggled is never taken for a request.
                let rest = await client.readToEnd()
                #expect(rest.isEmpty, "\(one.id): \(one.what): \(String(decoding: rest.prefix(80), as: UTF8.self))")
            }
            client.reset()
            _ = await sent
            #expect(fixture.server.webStats.connectionsRefused == before)
        }
        await witness.isUnharmed(turns: 2)
        await fixture.stop()
    }

    /// A4: a body that trickles is given up by the time of the whole, not by that of its next byte.
    @Test func aBodyOfAByteNowAndThenIsGivenUp() async throws {
        let fixture = try await Fixture { $0.web.bodyDeadlineMilliseconds = 500 }
        let witness = try await fixture.witness(turns: 1)
        let client = try RawClient(port: fixture.server.port)
        async let answer = client.answers()
        client.send(Self.status("Content-Length: 1000"))
        let sent = await client.sendByteByByte(Array(repeating: 65, count: 1_000), pause: .milliseconds(20))
        #expect(sent < 1_000)
        #expect(await answer.map(\.status) == [408])
        #expect(fixture.server.webStats.bodiesLate == 1)
        await witness.isUnharmed()
        await fixture.stop()
    }

    /// A37: many requests on one connection are answered in their order, a thousand in the pipe or one after the other.
    @Test func manyRequestsOnAConnectionAreAnsweredInOrder() async throws {
        let fixture = try await Fixture()
        let witness = try await fixture.witness(turns: 2)
        let client = try RawClient(port: fixture.server.port)
        // Answers that differ, in an order without a period: by the bits of the numbers.
        func isKnown(_ number: Int) -> Bool { number.nonzeroBitCount % 2 == 0 }
        let (rounds, pipe) = (Self.requests / 1_000, 1_000)
        for round in 0..<rounds {
            let numbers = round * pipe..<(round + 1) * pipe
            let text = numbers.map { "GET \(isKnown($0) ? "/" : "/none") HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
            async let sent = client.flood(Array(text.utf8)) { $0 > 0 }
            let statuses = await client.statuses(pipe)
            _ = await sent
            #expect(statuses == numbers.map { isKnown($0) ? 200 : 404 }, "round \(round)")
            if statuses.count != pipe { break }
        }
        let known = (0..<Self.requests).count(where: isKnown)
        #expect(fixture.server.webStats.responses == [200: known, 404: Self.requests - known])
        #expect(fixture.server.webStats.connections == 1)
        client.finish()
        await witness.isUnharmed(turns: 2)
        await fixture.stop()
    }

    private static let requests = 100_000
}

extension String {
    fileprivate static func * (text: String, count: Int) -> String { String(repeating: text, count: count) }
}

extension RawClient {
    /// The statuses of so many answers, found by their first lines alone: a look at everything for each read would take
    /// quadratic time.
    fileprivate func statuses(_ count: Int) async -> [Int] {
        let mark = Array("HTTP/1.1 ".utf8)
        let found = Locked((at: 0, statuses: [Int]()))
        _ = await read { bytes in
            found.withLock { found in
                while bytes.count >= found.at + mark.count + 3 {
                    guard let start = bytes[found.at...].firstRange(of: mark)?.upperBound, bytes.count >= start + 3
                    else {
                        found.at = max(found.at, bytes.count - mark.count - 3)
                        break
                    }
                    found.statuses.append(Int(String(decoding: bytes[start..<start + 3], as: UTF8.self)) ?? 0)
                    found.at = start
                }
                return found.statuses.count >= count
            }
        }
        return found.withLock { $0.statuses }
    }
}
