import CTrunk.Codecs
import Testing

/// One law with what ITU-T G.711 says about it, written down from the Recommendation's rules.
struct Law: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let encode: @Sendable (Int16) -> UInt8
    let decode: @Sendable (UInt8) -> Int16
    /// Magnitude (0...127, loudest last) and sign of a code.
    let split: @Sendable (UInt8) -> (index: Int, positive: Bool)
    /// Decision values of the positive half, in 16 bit linear: index i lies between i and i + 1.
    let decisions: [Int]

    static let ulaw = Law(
        testDescription: "mu-law",
        encode: { trk_ulaw_encode_sample($0) },
        decode: { trk_ulaw_decode_sample($0) },
        split: { (Int(~$0 & 0x7F), $0 & 0x80 != 0) },
        // Table 2a: 0, 1, 3, ... 31, then segments whose steps double, in units of 1/8159; times four.
        decisions: [0] + Law.steps(first: 1, count: 15, step: 2, segments: 7).map { $0 * 4 }
    )

    static let alaw = Law(
        testDescription: "A-law",
        encode: { trk_alaw_encode_sample($0) },
        decode: { trk_alaw_decode_sample($0) },
        split: { (Int(($0 ^ 0x55) & 0x7F), $0 & 0x80 != 0) },
        // Table 1a: 0, 2, 4, ... 64, then segments whose steps double, in units of 1/4096; times eight.
        decisions: Law.steps(first: 0, count: 32, step: 2, segments: 6).map { $0 * 8 }
    )

    private static func steps(first: Int, count: Int, step: Int, segments: Int) -> [Int] {
        var values = [first]
        for _ in 0..<count { values.append(values[values.count - 1] + step) }
        for segment in 1...segments {
            for _ in 0..<16 { values.append(values[values.count - 1] + step << segment) }
        }
        return values
    }
}

@Suite("G.711")
struct UlawTests {
    static let laws = [Law.ulaw, Law.alaw]

    @Test("Known pairs")
    func knownPairs() {
        let ulaw: [(UInt8, Int16)] = [(0xFF, 0), (0x7F, 0), (0x80, 32124), (0x00, -32124), (0xFE, 8), (0x7E, -8)]
        for (code, value) in ulaw { #expect(trk_ulaw_decode_sample(code) == value) }
        let alaw: [(UInt8, Int16)] = [(0xD5, 8), (0x55, -8), (0xAA, 32256), (0x2A, -32256), (0xD4, 24), (0x54, -24)]
        for (code, value) in alaw { #expect(trk_alaw_decode_sample(code) == value) }
        #expect(trk_ulaw_encode_sample(0) == 0xFF)
        #expect(trk_ulaw_encode_sample(.max) == 0x80)
        #expect(trk_ulaw_encode_sample(.min) == 0x00)
        #expect(trk_alaw_encode_sample(0) == 0xD5)
        #expect(trk_alaw_encode_sample(.max) == 0xAA)
        #expect(trk_alaw_encode_sample(.min) == 0x2A)
        // One value out of each mu-law segment, from the middle of table 2a.
        let segments: [Int16] = [0, 132, 396, 924, 1980, 4092, 8316, 16764]
        for (segment, value) in segments.enumerated() {
            #expect(trk_ulaw_decode_sample(~UInt8(segment << 4)) == value)
        }
    }

    @Test("The whole decode table follows the decision values", arguments: laws)
    func decodeTable(law: Law) {
        #expect(law.decisions.count == 129)
        for code in UInt8.min...UInt8.max {
            let (index, positive) = law.split(code)
            // The value is the middle between two decisions; the first interval of mu-law is about zero.
            let isZero = law.decisions[1] == 4 && index == 0
            let level = isZero ? 0 : (law.decisions[index] + law.decisions[index + 1]) / 2
            #expect(Int(law.decode(code)) == (positive ? level : -level), "code \(code)")
        }
    }

    @Test("Every sample gets the code of its decision interval", arguments: laws)
    func decisions(law: Law) throws {
        var index = 0
        for level in 0...Int(Int16.max) {
            while index < 127, level >= law.decisions[index + 1] { index += 1 }
            let up = law.split(law.encode(Int16(level)))
            try #require(up.index == index && up.positive, "\(level)")
            // The halves mirror each other about -1/2.
            let down = law.split(law.encode(Int16(-level - 1)))
            try #require(down.index == index && !down.positive, "\(-level - 1)")
        }
        #expect(index == 127)
    }

    @Test("encode(decode(code)) is the code, but for the second zero of mu-law")
    func identity() {
        for code in UInt8.min...UInt8.max {
            #expect(trk_ulaw_encode_sample(trk_ulaw_decode_sample(code)) == (code == 0x7F ? 0xFF : code))
            #expect(trk_alaw_encode_sample(trk_alaw_decode_sample(code)) == code)
        }
    }

    @Test("Louder in is never quieter out", arguments: laws)
    func monotone(law: Law) throws {
        var previous = law.decode(law.encode(.min))
        for sample in Int16.min...Int16.max {
            let value = law.decode(law.encode(sample))
            try #require(value >= previous, "\(sample)")
            previous = value
        }
    }

    @Test("Runs do what single samples do, and stay inside of their buffers")
    func runs() {
        var random = CodecRandom(seed: 11)
        for count in [0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 160, 161, 1000] {
            let codes = ExactBuffer(random.bytes(count), misalignment: count % 5)
            let samples = UnsafeMutablePointer<Int16>.allocate(capacity: count)
            defer { samples.deallocate() }
            let output = ExactBuffer(count: count)
            trk_ulaw_decode(samples, codes.start, count)
            #expect((0..<count).allSatisfy { samples[$0] == trk_ulaw_decode_sample(codes.start[$0]) })
            trk_alaw_encode(output.start, samples, count)
            #expect((0..<count).allSatisfy { output.start[$0] == trk_alaw_encode_sample(samples[$0]) })
            trk_alaw_decode(samples, codes.start, count)
            #expect((0..<count).allSatisfy { samples[$0] == trk_alaw_decode_sample(codes.start[$0]) })
            trk_ulaw_encode(output.start, samples, count)
            #expect((0..<count).allSatisfy { output.start[$0] == trk_ulaw_encode_sample(samples[$0]) })
        }
    }

    @Test("A-law in mu-law and back changes what G.711 says and nothing else")
    func conversions() {
        let codes = Array(UInt8.min...UInt8.max)
        var ulaw = codes, alaw = codes, back = codes
        trk_ulaw_from_alaw(&ulaw, codes, 256)
        trk_alaw_from_ulaw(&alaw, codes, 256)
        // Entries of tables 3 and 4: ends, and where the two laws run apart.
        for (code, expected): (UInt8, UInt8) in [(0xFF, 0xD5), (0x7F, 0x55), (0x80, 0xAA), (0x00, 0x2A)] {
            #expect(alaw[Int(code)] == expected)
        }
        for (code, expected): (UInt8, UInt8) in [(0xD5, 0xFE), (0x55, 0x7E), (0xAA, 0x80), (0x2A, 0x00)] {
            #expect(ulaw[Int(code)] == expected)
        }
        // The nearest value, the higher one of two, but for what tables 3 and 4 print otherwise: one step up at the
        // seams 48, 49 and 64, and in the sixth segment one step up in table 3 and one down in table 4.
        func nearest(_ law: Law, to value: Int) -> Int {
            let levels = codes.filter { law.split($0).positive }.map { (law.split($0).index, Int(law.decode($0))) }
            return levels.min { (abs($0.1 - value), -$0.0) < (abs($1.1 - value), -$1.0) }!.0
        }
        for code in codes {
            let (inUlaw, positive) = Law.ulaw.split(code)
            let up = [48, 49, 64].contains(inUlaw) || (81...95).contains(inUlaw) ? 1 : 0
            let expectedA = nearest(.alaw, to: abs(Int(trk_ulaw_decode_sample(code)))) + up
            #expect(Law.alaw.split(alaw[Int(code)]) == (expectedA, positive), "mu-law \(code)")
            let (inAlaw, sign) = Law.alaw.split(code)
            let down = (80...94).contains(inAlaw) ? 1 : 0
            let expectedU = nearest(.ulaw, to: abs(Int(trk_alaw_decode_sample(code)))) - down
            #expect(Law.ulaw.split(ulaw[Int(code)]) == (expectedU, sign), "A-law \(code)")
        }
        // There and back: all of mu-law but the even ones of its 16 lowest codes, whose steps A-law lacks.
        trk_ulaw_from_alaw(&back, alaw, 256)
        let changed = codes.filter { back[Int($0)] != $0 }
        #expect(Set(changed) == Set(codes.filter { ~$0 & 0x7F < 16 && $0 & 1 == 1 }))
        trk_alaw_from_ulaw(&back, ulaw, 256)
        #expect(codes.count { back[Int($0)] != $0 } == 16)
    }

    @Test("Levels and silence")
    func levels() {
        var silence = [UInt8](repeating: 1, count: 161)
        trk_ulaw_silence(&silence, 160)
        #expect(silence == Array(repeating: UInt8(TRK_ULAW_SILENCE), count: 160) + [1])
        var level = trk_ulaw_level(silence, 160)
        #expect(level.rms == 0 && level.peak == 0)
        level = trk_ulaw_level(silence, 0)
        #expect(level.rms == 0 && level.peak == 0)
        level = trk_ulaw_level([0x00, 0x80, 0x00, 0x80], 4)
        #expect(level.rms == 32124 && level.peak == 32124)
        level = trk_ulaw_level([0x00, 0xFF, 0xFF, 0x7F], 4)
        #expect(level.rms == 16062 && level.peak == 32124)
        level = trk_ulaw_level([0x7E], 1)
        #expect(level.rms == 8 && level.peak == 8)
        // 24, -32 and 0: the root of 1600 / 3 is 23.09.
        level = trk_ulaw_level([0xFC, 0x7B, 0xFF], 3)
        #expect(level.rms == 23 && level.peak == 32)
    }
}
