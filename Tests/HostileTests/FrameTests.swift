import TestSupport
import Testing

/// Frames that a client may not send, and odd ones that it may.
@Suite(.timeLimit(.minutes(3))) struct FrameTests {
    static let upgrade = Array(HeadTests.upgrade.utf8)

    private static func broken(_ id: String, _ what: String, _ bytes: [UInt8], _ code: Int = 1002) -> HostileCase {
        HostileCase(id, what, upgrade + bytes, .close(code), [code == 1009 ? .limitCloses : .protocolErrors: 1]) {
            // The close frame is the last that is said.
            $0.frames.last?.opcode == 8 && $0.rest.isEmpty
        }
    }

    /// What must work: our close is answered with the code.
    private static func fine(
        _ id: String,
        _ what: String,
        _ bytes: [UInt8],
        _ code: Int = 1000,
        _ counters: [Counter: Int] = [:],
        pongs: [[UInt8]] = []
    ) -> HostileCase {
        HostileCase(id, what, upgrade + bytes + (code == 1000 ? RawBytes.close(1000) : []), .close(code), counters) {
            $0.frames.dropLast().map(\.payload) == pongs && $0.frames.dropLast().allSatisfy { $0.opcode == 10 }
        }
    }

    /// A text that is no message of the dialect: dropped and counted, if it is a text at all.
    private static func text(_ id: String, _ what: String, _ frames: [UInt8]) -> HostileCase {
        fine(id, what, frames, 1000, [.json: 1])
    }

    private static let mask: [UInt8] = [0, 0, 0, 0]

    private static let unmasked: [HostileCase] = [
        broken("B1", "no mask", [0x81, 0x01, 0x41]), broken("B1", "a ping without a mask", [0x89, 0x00]),
    ]

    private static let reserved: [HostileCase] = [UInt8(0x40), 0x20, 0x10].flatMap { bit in
        [UInt8(0), 1, 2, 8, 9, 10].map { opcode in
            broken("B3", "bit \(bit), opcode \(opcode)", [0x80 | bit | opcode, 0x80] + mask)
        }
    }

    private static let opcodes: [HostileCase] = [UInt8(3), 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap { opcode in
        [0, 1].map { count in
            broken("B4", "opcode \(opcode), \(count) bytes", RawBytes.frame(opcode, Array(repeating: 65, count: count)))
        }
    }

    private static let order: [HostileCase] = [
        broken("B5", "a continuation of nothing", RawBytes.frame(0, [65])),
        broken("B6", "a text inside a message", RawBytes.frame(1, [65], fin: false) + RawBytes.frame(1, [66])),
        broken("B6", "binary inside a message", RawBytes.frame(1, [65], fin: false) + RawBytes.frame(2, [66])),
    ]

    private static let lengths: [HostileCase] = [
        broken("B7", "125 in two bytes", [0x81, 0xFE, 0, 125] + mask),
        broken("B7", "0 in two bytes", [0x81, 0xFE, 0, 0] + mask),
        broken("B7", "65,535 in eight bytes", [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + mask),
        broken("B8", "the top bit of eight", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0] + mask),
        broken("B14", "a ping of 126 bytes", [0x89, 0xFE, 0, 126] + mask),
        broken("B14", "half a ping", [0x09, 0x80] + mask), broken("B14", "half a close", [0x08, 0x80] + mask),
    ]

    private static var headers: [HostileCase] { unmasked + reserved + opcodes + order + lengths }

    private static let sizes: [HostileCase] = [
        text("B10", "exactly 64 KiB", RawBytes.frame(1, Array(repeating: 65, count: 65_536))),
        broken("B11", "64 KiB and a byte", [0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1] + mask, 1009),
        broken("B11", "2^63 - 1", [0x81, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255] + mask, 1009),
        broken(
            "B11",
            "a sum that crosses at its second header",
            RawBytes.frame(1, Array(repeating: 65, count: 65_000), fin: false) + [0x80, 0xFE, 0x02, 0x19] + mask,
            1009
        ),
        broken(
            "B11",
            "a sum that wraps around",
            RawBytes.frame(1, [65, 65], fin: false) + [0x80, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255] + mask,
            1009
        ),
        text("B12", "256 fragments", fragments(256, last: true)),
        broken("B12", "257 fragments", fragments(257, last: false), 1009),
        broken("B12", "100,000 empty fragments", fragments(100_000, last: false), 1009),
        text("B28", "an empty text", RawBytes.frame(1, [])),
        text("B28", "an empty text in pieces", RawBytes.frame(1, [], fin: false) + RawBytes.frame(0, [])),
        HostileCase(
            "B28",
            "an empty binary",
            upgrade + RawBytes.frame(2, []),
            .close(1003),
            [.protocolErrors: 1, .binary: 1]
        ),
        HostileCase(
            "B35",
            "binary",
            upgrade + RawBytes.frame(2, [1, 2, 3]),
            .close(1003),
            [.protocolErrors: 1, .binary: 1]
        ),
    ]

    private static func fragments(_ count: Int, last: Bool) -> [UInt8] {
        RawBytes.frame(1, [], fin: false) + (2...count).flatMap { RawBytes.frame(0, [], fin: last && $0 == count) }
    }

    private static func pings(_ count: UInt8) -> [UInt8] { (1...count).flatMap { RawBytes.frame(9, [$0]) } }

    private static let betweenFragments: [UInt8] =
        RawBytes.frame(1, [65], fin: false)
        + (UInt8(1)...9).flatMap { RawBytes.frame(9, [$0]) + RawBytes.frame(0, [65], fin: $0 == 9) }

    private static let controls: [HostileCase] = [
        fine("B15", "an empty ping", RawBytes.frame(9, []), pongs: [[]]),
        fine("B15", "a ping of 125 bytes", RawBytes.frame(9, Array(1...125)), pongs: [Array(1...125)]),
        fine("B15", "pings between fragments", betweenFragments, 1000, [.json: 1], pongs: (1...9).map { [UInt8($0)] }),
        fine("B15", "64 pings", pings(64), pongs: (1...64).map { [UInt8($0)] }),
        HostileCase("B16", "65 pings", upgrade + pings(65), .close(1008), [.limitCloses: 1]) { $0.frames.count == 65 },
        fine("B17", "a pong that was not asked for", RawBytes.frame(10, [1])),
        HostileCase("B17", "100,000 pongs", upgrade + pongFlood, .close(1008), [.limitCloses: 1]) {
            $0.frames.count == 1
        },
    ]

    private static let pongFlood = (0..<100_000).flatMap { _ in RawBytes.frame(10, []) }

    private static let badCloses: [HostileCase] =
        [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ].map { broken("B19", "code \($0)", RawBytes.close($0)) } + [
            broken("B19", "half a code", RawBytes.frame(8, [3]))
        ]

    private static let goodCloses: [HostileCase] = [
        1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ].map { fine("B20", "code \($0)", RawBytes.close($0, Array("why".utf8)), $0) }

    private static let oddCloses: [HostileCase] = [
        fine("B20", "no code", RawBytes.frame(8, []), 1005),
        broken("B21", "a reason that is no UTF-8", RawBytes.close(1000, [0xFF]), 1007),
        broken("B21", "a reason that is cut", RawBytes.close(1000, [0xE2, 0x82]), 1007),
        fine("B22", "data behind the close", RawBytes.close(4000) + RawBytes.text("{}") + RawBytes.frame(9, [1]), 4000),
        fine("B22", "rubbish behind the close", RawBytes.close(4000) + [0xFF, 0xFF, 0xFF], 4000),
        fine("B23", "two closes", RawBytes.close(4000) + RawBytes.close(4001), 4000),
        fine("B23", "a close inside a message", RawBytes.frame(1, [65], fin: false) + RawBytes.close(4000), 4000),
    ]

    private static var closes: [HostileCase] { badCloses + goodCloses + oddCloses }

    private static let badTexts: [(what: String, bytes: [UInt8])] = [
        ("over-long", [0xC0, 0xAF]), ("over-long, three bytes", [0xE0, 0x80, 0xAF]),
        ("a surrogate", [0xED, 0xA0, 0x80]), ("beyond the last", [0xF4, 0x90, 0x80, 0x80]),
        ("a lone continuation", [0x80]), ("a cut sequence", [0xE2, 0x82]), ("no such byte", [0xFF]),
    ]

    private static func inFragments(_ bytes: [UInt8]) -> [UInt8] {
        bytes.indices.flatMap { RawBytes.frame($0 == 0 ? 1 : 0, [bytes[$0]], fin: $0 == bytes.count - 1) }
    }

    private static let badTextCases: [HostileCase] = badTexts.flatMap { what, bytes -> [HostileCase] in
        var pieces = broken("B25", "\(what), byte by byte", RawBytes.frame(1, bytes), 1007)
        pieces.delivery = .byteByByte
        return [
            broken("B25", what, RawBytes.frame(1, bytes), 1007),
            broken("B25", "\(what), in fragments", inFragments(bytes), 1007), pieces,
        ]
    }

    private static let cutTexts: [HostileCase] = (1...3).map { cut in
        let halves =
            RawBytes.frame(1, Array(smile.prefix(cut)), fin: false) + RawBytes.frame(0, Array(smile.dropFirst(cut)))
        return text("B26", "four bytes cut at \(cut)", halves)
    }

    private static let oddTexts: [HostileCase] = [
        // The frame has announced more: the fault is told as soon as its byte is there.
        broken("B25", "in mid-frame", [0x81, 0x90] + mask + [0x41, 0xED, 0xA0], 1007),
        text("B26", "four bytes in four fragments", inFragments(smile)),
        text("B27", "U+0000", RawBytes.frame(1, [0])), text("B27", "U+FEFF", RawBytes.text("\u{FEFF}")),
        text("B27", "a non-character", RawBytes.frame(1, [0xEF, 0xBF, 0xBF])),
    ]

    private static var texts: [HostileCase] { badTextCases + cutTexts + oddTexts }

    private static let smile: [UInt8] = [0xF0, 0x9F, 0x98, 0x80]

    @Test func getTheirCode() async throws {
        try await HostileTable.run(Self.headers + Self.sizes + Self.controls + Self.closes + Self.texts, turns: 2)
    }

    @Test func getTheSameByteByByte() async throws {
        var cases =
            Self.headers.filter { ["B1", "B5", "B6", "B8", "B14"].contains($0.id) } + Self.controls.prefix(3)
            + Self.closes.suffix(6)
        for index in cases.indices { cases[index].delivery = .byteByByte }
        try await HostileTable.run(cases, turns: 2)
    }

    @Test func anEndInsideAFrameIsALostConnection() async throws {
        // In mid-header, mid-mask and mid-payload, then behind a whole message, whose answer still comes.
        var cases = [1, 4, 7].map { cut in
            HostileCase("B32", "cut at \(cut)", upgradeAnd(Array(RawBytes.text("text").prefix(cut))), .broken) {
                $0.frames.isEmpty
            }
        }
        cases.append(
            HostileCase("B33", "half-closed behind a ping", upgradeAnd(RawBytes.frame(9, [5])), .broken) {
                $0.frames.map(\.payload) == [[5]]
            }
        )
        for index in cases.indices { cases[index].finishes = true }
        try await HostileTable.run(cases)
    }

    private func upgradeAnd(_ bytes: [UInt8]) -> [UInt8] { Self.upgrade + bytes }
}
