import CallBridge
import CallPolicy
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// Frames of a provider that break RFC 6455 or our limits: each closes that connection with its code, and no other.
    @Suite(.timeLimit(.minutes(3))) struct ProviderFrameTests {
        private typealias Case = ProviderCase

        private static func frame(_ opcode: UInt8, _ payload: [UInt8] = [], fin: Bool = true, flags: UInt8 = 0)
            -> [UInt8]
        {
            RawConnection.frame(opcode, payload, fin: fin, flags: flags)
        }

        private static func bad(_ name: String, _ code: Int, _ bytes: [UInt8]) -> ProviderCase {
            Case(name: name, script: Case.frames(bytes), code: code)
        }

        private static let text = Array(#"{"type":"x"}"#.utf8)

        /// RFC 6455 sections 5.1, 5.2, 5.4 and 5.5.
        private static var protocolErrors: [ProviderCase] {
            [bad("C12 masked", 1002, [0x81, 0x82, 0, 0, 0, 0, 0x7B, 0x7D])]
                + [0x40, 0x20, 0x10].map { bad("C13 B3 flag \($0)", 1002, frame(1, text, flags: $0)) }
                + [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map { bad("C13 B4 opcode \($0)", 1002, frame($0)) }
                + [
                    bad("C13 B5 continuation of nothing", 1002, frame(0, text)),
                    bad("C13 B6 text inside a message", 1002, frame(1, text, fin: false) + frame(1, text)),
                    bad("C13 B6 binary inside a message", 1002, frame(1, text, fin: false) + frame(2, text)),
                    bad(
                        "C13 B7 16 bits for 125",
                        1002,
                        RawConnection.frame(1, Array(repeating: 32, count: 125), form: 126)
                    ),
                    bad(
                        "C13 B7 64 bits for 126",
                        1002,
                        RawConnection.frame(1, Array(repeating: 32, count: 126), form: 127)
                    ),
                    bad("C13 B8 top bit of the length", 1002, [0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 1]),
                    bad("C13 B14 control of 126 bytes", 1002, frame(9, Array(repeating: 0, count: 126))),
                    bad("C13 B14 control without FIN", 1002, frame(9, [], fin: false)),
                    bad("C13 B19 close of one byte", 1002, frame(8, [3])),
                ]
                + [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map {
                    bad("C13 B19 close \($0)", 1002, RawConnection.closeFrame($0))
                }
                + [
                    bad("C13 B21 close reason", 1007, frame(8, [0x03, 0xE8, 0xFF])),
                    bad("C13 B25 over-long form", 1007, frame(1, [0xC0, 0xAF])),
                    bad("C13 B25 surrogate", 1007, frame(1, [0xED, 0xA0, 0x80])),
                    bad("C13 B25 cut at the end", 1007, frame(1, [0xE2, 0x82])),
                    bad("C13 B25 above U+10FFFF", 1007, frame(1, [0xF4, 0x90, 0x80, 0x80])),
                    bad("F25 binary", 1003, frame(2, text)),
                ]
        }

        /// Our limits: message bytes, fragments, control frames in ten seconds, malformed messages.
        private static var limits: [ProviderCase] {
            [
                bad("C14 4 MiB + 1", 1009, [0x81, 127, 0, 0, 0, 0, 0, 0x40, 0, 1]),
                bad("C14 4 GiB announced", 1009, [0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0]),
                bad(
                    "C14 4 MiB + 1 in two frames",
                    1009,
                    frame(1, Array(repeating: 32, count: 1 << 20), fin: false) + [0x80, 127, 0, 0, 0, 0, 0, 0x30, 0, 1]
                ),
                bad(
                    "C13 B12 257 fragments",
                    1009,
                    frame(1, [], fin: false) + Array(repeating: frame(0, [], fin: false), count: 256).flatMap { $0 }
                ),
                bad("C13 B16 65 pings", 1008, Array(repeating: frame(9), count: 65).flatMap { $0 }),
                bad("C13 B17 65 pongs", 1008, Array(repeating: frame(10), count: 65).flatMap { $0 }),
                bad("21 messages that are no JSON", 1008, Array(repeating: frame(1, [0x7B]), count: 21).flatMap { $0 }),
            ]
        }

        /// What is allowed, although few servers do it.
        private static var allowed: [ProviderCase] {
            [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map {
                bad("C13 B20, C18, C20 close \($0)", $0, RawConnection.closeFrame($0))
            } + [
                bad("C13 B20 close without a code", 1005, frame(8)),
                bad("C13 B22 data behind a close", 1000, RawConnection.closeFrame(1000) + frame(1, text) + frame(3)),
                bad("C13 B23 two closes", 1000, RawConnection.closeFrame(1000) + RawConnection.closeFrame(1001)),
                bad(
                    "C13 B23 close inside a message",
                    1000,
                    frame(1, text, fin: false) + RawConnection.closeFrame(1000)
                ),
                bad(
                    "C13 B26 a character cut by fragments",
                    1000,
                    frame(1, Array("{\"type\":\"".utf8) + [0xF0, 0x9F], fin: false)
                        + frame(0, [0x98, 0x80] + Array("\"}".utf8)) + RawConnection.closeFrame(1000)
                ),
                Case(
                    name: "C13 B15 pings of 0 and 125 bytes, in order",
                    script: { connection in
                        connection.upgrade()
                        let long = (0..<125).map { UInt8($0) }
                        connection.send(frame(9) + frame(9, long))
                        let pongs = [connection.readFrame(), connection.readFrame()]
                        let isRight = pongs.allSatisfy { $0?.opcode == 10 } && pongs.map { $0?.payload } == [[], long]
                        connection.send(RawConnection.closeFrame(isRight ? 4_001 : 4_002))
                        connection.readToClose()
                    },
                    code: 4_001
                ),
                Case(
                    name: "C13 B29 one byte at a time",
                    script: { connection in
                        connection.upgrade()
                        for byte in frame(1, text) + RawConnection.closeFrame(4_003) { connection.send([byte]) }
                        connection.readToClose()
                    },
                    code: 4_003
                ),
            ]
        }

        @Test func brokenFramesCloseTheirConnectionWithTheirCode() async throws {
            let rig = try await Witness.rig()
            let before = await rig.server.stats
            let witness = try await Witness(on: rig, turns: 2)
            let cases = Self.protocolErrors + Self.limits + Self.allowed
            try await ProviderCase.runAll(cases, on: rig)
            await witness.isUnharmed(turns: 2)
            let after = await rig.server.stats
            #expect(after.protocolErrors - before.protocolErrors == UInt64(Self.protocolErrors.count))
            #expect(after.limitCloses - before.limitCloses == UInt64(Self.limits.count))
            #expect(after.malformed[.binary] == 1)
            #expect(after.malformed[.json] == 21)
            #expect(after.deadPeers == before.deadPeers && after.dialTimeouts == before.dialTimeouts)
            #expect(after.legsDialled - before.legsDialled == UInt64(cases.count * 2 + 1))
            await rig.stop()
        }

        /// Each frame of ours has a mask of its own (RFC 6455 section 5.3): whoever chooses the payload must not choose the
        /// bytes on the wire.
        @Test func everyFrameHasAMaskOfItsOwn() async throws {
            let rig = try await Witness.rig()
            let witness = try await Witness(on: rig)
            let masked = Locked((frames: 0, masks: 0))
            let provider = try RawProvider(
                { connection in
                    connection.serve()
                    while connection.appended < 100, connection.readFrame() != nil {}
                    masked.withLock { $0 = connection.masked }
                    connection.refuse()
                },
                ProviderCase.refuses
            )
            let model = try ModelEndpoint(url: "ws://127.0.0.1:\(provider.port)/", model: "m", key: "sk-hostile")
            let phone = try await rig.call(.pattern(100, [.hangUp(.never)]), at: rig.listen(model: model))
            await phone.ended()
            let (frames, masks) = masked.withLock { $0 }
            #expect(frames > 100 && masks == frames)
            provider.stop()
            await witness.isUnharmed()
            await rig.stop()
        }

        /// The connection is lost in the middle of a frame: C13 B31 and B32.
        @Test func connectionsThatEndInAFrameAreReplaced() async throws {
            let rig = try await Witness.rig()
            let witness = try await Witness(on: rig)
            let whole = [0x81, 0x7E, 0x01, 0x00] + Array(repeating: UInt8(ascii: " "), count: 200)
            var cases: [ProviderCase] = []
            for cut in [1, 3, 4, 100] {
                for resets in [false, true] {
                    cases.append(
                        ProviderCase(
                            name: "cut after \(cut), \(resets ? "RST" : "FIN")",
                            script: { connection in
                                connection.upgrade()
                                connection.send(Array(whole.prefix(cut)))
                                if resets { connection.reset() }
                            }
                        )
                    )
                }
            }
            let before = await rig.server.stats
            try await ProviderCase.runAll(cases, on: rig)
            await witness.isUnharmed()
            let after = await rig.server.stats
            #expect(after.protocolErrors == before.protocolErrors && after.limitCloses == before.limitCloses)
            await rig.stop()
        }
    }
}
