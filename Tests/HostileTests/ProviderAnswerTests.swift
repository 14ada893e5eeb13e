import CallBridge
import CallPolicy
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// What a provider may answer to the upgrade.
    @Suite(.timeLimit(.minutes(3))) struct ProviderAnswerTests {
        private typealias Case = ProviderCase

        private static let good = """
            HTTP/1.1 101 Switching Protocols
            Upgrade: websocket
            Connection: Upgrade
            Sec-WebSocket-Accept: ACCEPT

            """

        private static func changed(_ name: String, _ old: String, _ new: String) -> ProviderCase {
            Case(name: name, script: Case.head(good.replacing(old, with: new) + "\n"))
        }

        /// Answers that are no upgrade by RFC 6455 section 4.1: the next attempt is made.
        private static var broken: [ProviderCase] {
            [
                changed("C1 wrong accept", "ACCEPT", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                changed("C1 no accept", "Sec-WebSocket-Accept: ACCEPT\n", ""),
                changed("C1 accept twice", "Sec-", "Sec-WebSocket-Accept: ACCEPT\nSec-"),
                changed("C2 no Upgrade", "Upgrade: websocket\n", ""),
                changed("C2 another Upgrade", "websocket", "h2c"),
                changed("C2 no Connection", "Connection: Upgrade\n", ""),
                changed("C3 an extension", "Sec-", "Sec-WebSocket-Extensions: permessage-deflate\nSec-"),
                changed("C3 a subprotocol", "Sec-", "Sec-WebSocket-Protocol: realtime\nSec-"),
                changed("HTTP/1.0", "1.1 101", "1.0 101"), changed("no HTTP", "HTTP/1.1 101", "SSH-2.0"),
                changed("no status", "101", "1O1"), changed("bare LF", "websocket\n", "websocket\n\r\n"),
                Case(name: "101 without an end, then FIN", script: { $0.send("HTTP/1.1 101 X\r\nUpgrade: webs") }),
                Case(
                    name: "C10 a head of 1 MiB",
                    script: { connection in
                        connection.readHead()
                        connection.send("HTTP/1.1 101 X\r\nA: " + String(repeating: "a", count: 1 << 20))
                    }
                ),
                Case(
                    name: "C10 headers without end",
                    script: { connection in
                        connection.readHead()
                        connection.send("HTTP/1.1 101 X\r\n")
                        for _ in 0..<1_000_000 where connection.send("A: b\r\n") == false { return }
                    }
                ),
            ]
        }

        /// Statuses after which nothing is tried again: C5 and C7. C11: of an endless body nothing is waited for.
        private static var final: [ProviderCase] {
            [200, 204, 301, 302, 307, 401, 403, 404].map {
                Case(name: "status \($0)", script: Case.status($0), dials: 1)
            }
                + [
                    Case(
                        name: "C11 a body without end",
                        script: { connection in
                            connection.readHead()
                            connection.send("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n")
                            let chunk = "4000\r\n" + String(repeating: "a", count: 0x4000) + "\r\n"
                            while connection.send(chunk) {}
                        },
                        dials: 1
                    ),
                    Case(
                        name: "C4 100, 102 and 103 before 101",
                        script: { connection in
                            let head = connection.readHead()
                            connection.send(
                                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                                    + "Link: </a>\r\n\r\n" + connection.goodAnswer(head)
                            )
                            connection.configure()
                            connection.refuse()
                        },
                        dials: 1,
                        code: 4_000
                    ),
                    Case(
                        name: "C15 the first frame in the segment of the 101",
                        script: { connection in
                            let answer = connection.goodAnswer(connection.readHead())
                            let created = RawConnection.frame(1, Array(RawConnection.sessionCreated.utf8))
                            connection.send(Array(answer.utf8) + created)
                            connection.expect(#""type":"session.update""#)
                            connection.refuse()
                        },
                        dials: 1,
                        code: 4_000
                    ),
                ]
        }

        /// C9: the first dial and three more, then the call ends. C8 without a pause that we understand is the same.
        private static var exhausted: [ProviderCase] {
            let broken = [500, 502, 503, 504, 520].map { ("C9 \($0)", Case.status($0)) }
            let date = "Wed, 21 Oct 2026 07:28:00 GMT"
            let busy = [
                "", "Retry-After: -1\n", "Retry-After: soon\n", "Retry-After: 99999999999999999999\n",
                // Without a date of the answer's own, and one that is past.
                "Retry-After: \(date)\n", "Date: \(date)\nRetry-After: \(date)\n",
            ]
            return (broken + busy.map { ("C8 429 \($0.dropLast())", Case.status(429, $0)) }).map { name, script in
                Case(name: name, script: script, dials: 4, reason: .modelUnreachable, always: true)
            }
        }

        @Test func answersThatAreNoUpgradeEndOrRepeatTheDial() async throws {
            let rig = try await Witness.rig()
            let before = await rig.server.stats
            let witness = try await Witness(on: rig, turns: 2)
            let cases = Self.broken + Self.final + Self.exhausted
            try await ProviderCase.runAll(cases, on: rig)
            await witness.isUnharmed(turns: 2)
            let after = await rig.server.stats
            let dials = cases.reduce(0) { $0 + $1.dials }
            #expect(after.legsDialled - before.legsDialled == UInt64(dials + 1))
            #expect(after.dialTimeouts == before.dialTimeouts && after.protocolErrors == before.protocolErrors)
            await rig.stop()
        }

        /// C5: whoever is pointed to sees nothing of us, least of all the key; nor does the one who points see it twice.
        @Test func redirectionsAreNotFollowed() async throws {
            let rig = try await Witness.rig()
            let witness = try await Witness(on: rig)
            let other = try RawProvider { $0.readHead() }
            let target = "http://127.0.0.1:\(other.port)/"
            let cases = [301, 302, 303, 307, 308].map { status in
                ProviderCase(
                    name: "\(status)",
                    script: ProviderCase.status(status, "Location: \(target)\n"),
                    dials: 1,
                    always: true
                )
            }
            try await ProviderCase.runAll(cases, on: rig)
            #expect(other.connections.isEmpty)
            other.stop()
            await witness.isUnharmed()
            await rig.stop()
        }

        /// C8: a pause that the server asks for is kept, up to 5 s, once; a date counts from the answer's own.
        @Test(arguments: [
            ("1", "", 1), ("3600", "", 5),
            ("Wed, 21 Oct 2026 07:28:01 GMT", "Date: Wed, 21 Oct 2026 07:28:00 GMT\n", 1),
            ("Wed, 21 Oct 2026 09:28:00 GMT", "Date: Wed, 21 Oct 2026 07:28:00 GMT\n", 5),
        ])
        func aPauseThatIsAskedForIsKept(value: String, date: String, seconds: Int) async throws {
            let rig = try await Witness.rig()
            let witness = try await Witness(on: rig, turns: 2)
            let busy = ProviderCase(
                name: value,
                script: ProviderCase.status(429, "\(date)Retry-After: \(value)\n"),
                reason: .modelUnreachable,
                always: true
            )
            let provider = try await busy.run(100, on: rig)
            let pause = provider.accepted[1] - provider.accepted[0]
            #expect(pause >= .seconds(seconds), "\(pause)")
            await witness.isUnharmed(turns: 2)
            await rig.stop()
        }

        /// C10 and K4: each step of a dial that does not end is given up by its own deadline.
        @Test func slowAnswersAreGivenUp() async throws {
            let rig = try await Witness.rig { setup in
                setup.engine.answerDeadlineMilliseconds = 600
                setup.engine.tlsDeadlineMilliseconds = 600
            }
            let witness = try await Witness(on: rig)
            let before = await rig.server.stats
            let cases = [
                ProviderCase(
                    name: "C10 a byte at a time",
                    script: { connection in
                        connection.readHead()
                        for byte in "HTTP/1.1 101 X\r\n".utf8 + Array(repeating: 65, count: 1_000) {
                            connection.pause(milliseconds: 50)
                            if !connection.send([byte]) { return }
                        }
                    }
                ),
                ProviderCase(name: "K4 accepted, then silent", script: { $0.readToEnd() }),
            ]
            try await ProviderCase.runAll(cases, on: rig)
            await witness.isUnharmed()
            let after = await rig.server.stats
            #expect(after.dialTimeouts - before.dialTimeouts == UInt64(cases.count))
            await rig.stop()
        }

        /// How a phone's connection ends that was answered with 503.
        private static let unavailable = "1006 refused: Service Unavailable"

        /// C7: after a key was refused, calls that come then are refused before anything is dialled. When the next is let
        /// through: `ModelAdmissionTests`.
        @Test func aRefusedKeyStopsNewCalls() async throws {
            let rig = try await Witness.rig()
            let witness = try await Witness(on: rig)
            let provider = try RawProvider(ProviderCase.refuses)
            let admission = ModelAdmission()
            let model = try ModelEndpoint(url: "ws://127.0.0.1:\(provider.port)/", model: "m", key: "sk-hostile")
            let address = try await rig.listen(model: model) { $0.modelAdmission = admission }
            for number in 1...4 {
                let phone = try await rig.call(.pattern(number, [.hangUp(.never)]), at: address)
                await phone.ended()
                #expect((phone.report.ending == Self.unavailable) == (number > 1))
            }
            #expect(provider.connections.count == 1)
            #expect(admission.stats == .init(openings: 1, refusedCalls: 3, probes: 0, heldCalls: 0))
            #expect(admission.isRefusing)
            provider.stop()
            await witness.isUnharmed()
            await rig.stop()
        }
    }
}
