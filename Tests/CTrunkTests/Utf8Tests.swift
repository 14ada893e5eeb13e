import CTrunk.Codecs
import Testing

@Suite("UTF-8")
struct Utf8Tests {
    /// Feeds the pieces one after the other; the index of the piece that was refused, nil for none.
    static func feed(_ pieces: [[UInt8]]) -> (refused: Int?, complete: Bool) {
        var state = trk_utf8()
        for (index, piece) in pieces.enumerated() {
            let buffer = ExactBuffer(piece)
            if !trk_utf8_feed(&state, buffer.start, buffer.count) { return (index, trk_utf8_complete(&state)) }
        }
        return (nil, trk_utf8_complete(&state))
    }

    static func feedBytes(_ bytes: [UInt8]) -> (refused: Int?, complete: Bool) { feed(bytes.map { [$0] }) }

    /// Which beginnings of up to three bytes some scalar value has, by the standard library's encoder.
    static let beginnings: (two: [Bool], three: Set<Int>) = {
        var two = [Bool](repeating: false, count: 1 << 16)
        var three = Set<Int>()
        for value in UInt32(0x80)...0x10FFFF {
            // Of the four-byte characters one in 64 has all beginnings of three bytes.
            if value > 0xFFFF && value & 0x3F != 0 { continue }
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = Array(UTF8.encode(scalar)!)
            two[Int(bytes[0]) << 8 | Int(bytes[1])] = true
            if bytes.count > 2 { three.insert(Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])) }
        }
        return (two, three)
    }()

    @Test(
        "Fails at the earliest byte",
        arguments: [
            ([0x80], 0), ([0xBF], 0), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xF5, 0x80], 0), ([0xFF], 0), ([0xFE], 0),
            ([0xE0, 0x80, 0x80], 1), ([0xE0, 0x9F, 0xBF], 1), ([0xED, 0xA0, 0x80], 1), ([0xED, 0xBF, 0xBF], 1),
            ([0xF0, 0x80, 0x80, 0x80], 1), ([0xF0, 0x8F, 0xBF, 0xBF], 1), ([0xF4, 0x90, 0x80, 0x80], 1),
            ([0xC2, 0x41], 1), ([0xC2, 0xC2], 1), ([0xE2, 0x82, 0x41], 2), ([0xF0, 0x9F, 0x98, 0xC0], 3),
            ([0x41, 0xC3, 0xA9, 0x80], 3), ([0xEF, 0xBF, 0xBF, 0xBF], 3),
        ] as [([UInt8], Int)]
    )
    func earliest(bytes: [UInt8], index: Int) {
        let byBytes = Self.feedBytes(bytes)
        #expect(byBytes.refused == index)
        #expect(!byBytes.complete)
        #expect(Self.feed([bytes]).refused == 0)
        // The bytes in front of it are fine.
        #expect(Self.feed([Array(bytes.prefix(index))]).refused == nil)
    }

    @Test(
        "The ends of each range are accepted",
        arguments: [
            [0x00], [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
            [0xEF, 0xBB, 0xBF], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
        ] as [[UInt8]]
    )
    func edges(bytes: [UInt8]) {
        for cut in 0...bytes.count {
            let result = Self.feed([Array(bytes.prefix(cut)), Array(bytes.dropFirst(cut))])
            #expect(result.refused == nil && result.complete)
            #expect(Self.feed([Array(bytes.prefix(cut))]).complete == (cut == 0 || cut == bytes.count))
        }
    }

    @Test("All beginnings of two bytes, and of three with a telling third")
    func bruteForce() throws {
        let (two, three) = Self.beginnings
        for first in 0...255 {
            for second in 0...255 {
                let pair = [UInt8(first), UInt8(second)]
                let isASCII = first < 0x80
                let expected = isASCII ? second < 0x80 || (0xC2...0xF4).contains(second) : two[first << 8 | second]
                try #require((Self.feed([pair]).refused == nil) == expected, "\(pair)")
                guard expected, first >= 0xE0 else { continue }
                for third in [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xED, 0xFF] {
                    let triple = pair + [UInt8(third)]
                    let known = three.contains(first << 16 | second << 8 | third)
                    try #require((Self.feed([triple]).refused == nil) == known, "\(triple)")
                }
            }
        }
    }

    @Test("One foreign byte in long ASCII is seen at every position and alignment")
    func longRuns() throws {
        for position in 0..<140 {
            var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 140)
            for foreign: UInt8 in [0x80, 0xC3, 0xFF] {
                bytes[position] = foreign
                let buffer = ExactBuffer(bytes, misalignment: position % 32)
                var state = trk_utf8()
                let valid = trk_utf8_feed(&state, buffer.start, buffer.count)
                try #require(valid == (foreign == 0xC3 && position == 139), "\(foreign) at \(position)")
            }
        }
        for count in 0...200 {
            let result = Self.feed([Array(repeating: 0x7F, count: count)])
            try #require(result.refused == nil && result.complete)
        }
    }

    @Test("Cut anywhere, the answer is the same, and agrees with the standard library")
    func splits() throws {
        var random = CodecRandom(seed: 21)
        let telling: [UInt8] = [0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4]
        for round in 0..<4_000 {
            var bytes: [UInt8] = []
            while bytes.count < 60 {
                let scalar = Unicode.Scalar(UInt32(random.next() % 0x110000)) ?? "x"
                bytes += random.next() % 2 == 0 ? Array(UTF8.encode(scalar)!) : Array("plain text".utf8)
            }
            if round % 2 == 0 {
                bytes[Int(random.next() % 60)] = telling[Int(random.next() % UInt64(telling.count))]
            }
            let whole = Self.feed([bytes])
            let cut = Int(random.next() % UInt64(bytes.count))
            let parts = Self.feed([Array(bytes.prefix(cut)), Array(bytes.dropFirst(cut))])
            let single = Self.feedBytes(bytes)
            try #require((whole.refused == nil) == (parts.refused == nil))
            try #require((whole.refused == nil) == (single.refused == nil))
            try #require(whole.complete == parts.complete && whole.complete == single.complete)
            let valid = String(validating: bytes, as: UTF8.self) != nil
            try #require((whole.refused == nil && whole.complete) == valid, "\(bytes)")
        }
    }

    @Test("A refusal is final")
    func final() {
        var state = trk_utf8()
        #expect(!trk_utf8_feed(&state, [0xFF], 1))
        #expect(!trk_utf8_feed(&state, [0x41], 1))
        #expect(!trk_utf8_feed(&state, [0x80], 1))
        #expect(!trk_utf8_feed(&state, [0x80], 0))
        #expect(!trk_utf8_complete(&state))
    }
}
