import CTrunk.Codecs
import Foundation
import Testing

@Suite("base64")
struct Base64Tests {
    static let kernels: [trk_base64_kernel] = [
        .TRK_BASE64_AUTO, .TRK_BASE64_SCALAR, .TRK_BASE64_SSE, .TRK_BASE64_AVX2, .TRK_BASE64_NEON,
    ].filter(trk_base64_available)

    static let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Decodes from and into exact-size buffers; nil when refused.
    static func decode(_ text: String, on kernel: trk_base64_kernel) -> [UInt8]? {
        let input = ExactBuffer(Array(text.utf8))
        let output = ExactBuffer(count: trk_base64_decoded_max(input.count))
        let count = trk_base64_decode_on(kernel, output.start, input.text, input.count)
        #expect(trk_base64_check_on(kernel, input.text, input.count) == count, "check and decode differ on \(text)")
        return count < 0 ? nil : Array(output.bytes.prefix(count))
    }

    static func encode(_ bytes: [UInt8], on kernel: trk_base64_kernel) -> String {
        let input = ExactBuffer(bytes)
        let output = ExactBuffer(count: trk_base64_encoded_count(bytes.count))
        let count = trk_base64_encode_on(kernel, output.text, input.start, input.count)
        #expect(count == output.count)
        return String(decoding: output.bytes, as: UTF8.self)
    }

    @Test("The machine has a vector kernel and AUTO is available")
    func availability() {
        #expect(trk_base64_available(.TRK_BASE64_AUTO))
        #expect(trk_base64_available(.TRK_BASE64_SCALAR))
        #if arch(x86_64)
            #expect(!trk_base64_available(.TRK_BASE64_NEON))
        #elseif arch(arm64)
            #expect(trk_base64_available(.TRK_BASE64_NEON))
        #endif
    }

    @Test("RFC 4648 section 10", arguments: kernels)
    func vectors(kernel: trk_base64_kernel) {
        let pairs = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
        for (plain, text) in pairs {
            #expect(Self.encode(Array(plain.utf8), on: kernel) == text)
            #expect(Self.decode(text, on: kernel) == Array(plain.utf8))
        }
    }

    @Test("Every length to 1024 at every alignment, against Foundation", arguments: kernels)
    func lengthsAndAlignments(kernel: trk_base64_kernel) throws {
        var random = CodecRandom(seed: 1)
        for count in 0...1024 {
            let bytes = random.bytes(count)
            let text = Array(Data(bytes).base64EncodedString().utf8)
            for misalignment in 0..<32 {
                let plain = ExactBuffer(bytes, misalignment: misalignment)
                let encoded = ExactBuffer(count: text.count, misalignment: 31 - misalignment)
                let decoded = ExactBuffer(count: trk_base64_decoded_max(text.count), misalignment: misalignment)
                try #require(trk_base64_encode_on(kernel, encoded.text, plain.start, count) == text.count)
                try #require(memcmp(encoded.start, text, text.count) == 0, "encode \(count)+\(misalignment)")
                try #require(trk_base64_decode_on(kernel, decoded.start, encoded.text, text.count) == count)
                try #require(memcmp(decoded.start, bytes, count) == 0, "decode \(count)+\(misalignment)")
                try #require(trk_base64_check_on(kernel, encoded.text, text.count) == count)
            }
        }
    }

    @Test("Nothing is written behind the output", arguments: kernels)
    func noOverwrite(kernel: trk_base64_kernel) throws {
        var random = CodecRandom(seed: 2)
        for count in 0...300 {
            let plain = ExactBuffer(random.bytes(count))
            let length = trk_base64_encoded_count(count)
            let encoded = ExactBuffer(count: length + 64)
            _ = trk_base64_encode_on(kernel, encoded.text, plain.start, count)
            try #require(encoded.bytes.dropFirst(length).allSatisfy { $0 == 0xA5 })
            let decoded = ExactBuffer(count: count + 64)
            _ = trk_base64_decode_on(kernel, decoded.start, encoded.text, length)
            try #require(decoded.bytes.dropFirst(count).allSatisfy { $0 == 0xA5 })
        }
    }

    @Test("A foreign byte at any position is refused, an own one is not", arguments: kernels)
    func everyByteAtEveryPosition(kernel: trk_base64_kernel) throws {
        // 61 quads: blocks of 64, 32 and 16 characters, single quads, and the last one.
        let text = Array(Data(CodecRandom(seed: 3).copyOfBytes(183)).base64EncodedString().utf8)
        let input = ExactBuffer(text)
        let output = ExactBuffer(count: trk_base64_decoded_max(text.count))
        for position in text.indices {
            for byte in UInt8.min...UInt8.max {
                input.start[position] = byte
                // Padding at the end is fine where the bits before it happen to be zero.
                let isLast = byte == UInt8(ascii: "=") && position == text.count - 1
                let clean = isLast && lastBitsAreZero(input.bytes)
                let expected = Self.alphabet.contains(byte) ? 183 : clean ? 182 : -1
                try #require(
                    trk_base64_check_on(kernel, input.text, text.count) == expected,
                    "check \(byte) at \(position)"
                )
                try #require(
                    trk_base64_decode_on(kernel, output.start, input.text, text.count) == expected,
                    "decode \(byte) at \(position)"
                )
            }
            input.start[position] = text[position]
        }
    }

    private func lastBitsAreZero(_ text: [UInt8]) -> Bool {
        // Characters whose six bits end in 00: every fourth of the alphabet.
        "AEIMQUYcgkosw048".utf8.contains(text[text.count - 2])
    }

    @Test("Padding stands at the end only and hides no bits", arguments: kernels)
    func padding(kernel: trk_base64_kernel) {
        let refused = [
            "=", "==", "===", "====", "A", "AA", "AAA", "A===", "=AAA", "A=AA", "AA=A", "AAAA=", "AAAA====", "Zg==Zg==",
            "Zg=", "Zm8", "Zm9vYg=", "QUE=QkI=", "Zh==", "Zm9=", "ZZ==", "Z===", "Zm8=\n", "Zm8 ", "Zm 8", "Zm\r\n",
            "-_-_", "ab\u{0}d", "ab.d", "abc\u{e9}", "\"AA\"", "AA\\\"",
        ]
        for text in refused {
            #expect(Self.decode(text, on: kernel) == nil, "\(text)")
            let head = String(repeating: "QUJD", count: 40)
            #expect(Self.decode(head + text, on: kernel) == nil, "behind 160 characters: \(text)")
        }
        #expect(Self.decode("", on: kernel) == [])
        #expect(Self.decode("//////////8=", on: kernel) == Array(repeating: 0xFF, count: 8))
    }

    @Test("Exactly one text for each byte string: all ends of one and two bytes", arguments: kernels)
    func allEnds(kernel: trk_base64_kernel) throws {
        let characters = Self.alphabet.sorted()
        var accepted = (one: 0, two: 0)
        for first in characters {
            for second in characters {
                let one = ExactBuffer([first, second, UInt8(ascii: "="), UInt8(ascii: "=")])
                accepted.one += trk_base64_check_on(kernel, one.text, 4) == 1 ? 1 : 0
                let two = ExactBuffer([UInt8(ascii: "A"), first, second, UInt8(ascii: "=")])
                accepted.two += trk_base64_check_on(kernel, two.text, 4) == 2 ? 1 : 0
            }
        }
        // 256 bytes have a text of their own; of two bytes the upper four bits are zero here: 64 * 16.
        #expect(accepted == (one: 256, two: 1024))
    }

    @Test("All kernels agree on random text, mostly of the alphabet")
    func agreement() throws {
        var random = CodecRandom(seed: 4)
        let characters = Self.alphabet.sorted() + [UInt8(ascii: "="), 0x00, 0x80, 0xFF]
        for _ in 0..<4_000 {
            let text = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                characters[Int.random(in: 0..<(random.next() % 30 == 0 ? characters.count : 64), using: &random)]
            }
            let input = ExactBuffer(text)
            let expected = trk_base64_check_on(.TRK_BASE64_SCALAR, input.text, text.count)
            for kernel in Self.kernels {
                let output = ExactBuffer(count: trk_base64_decoded_max(text.count))
                try #require(trk_base64_check_on(kernel, input.text, text.count) == expected)
                try #require(trk_base64_decode_on(kernel, output.start, input.text, text.count) == expected)
            }
        }
    }
}

extension CodecRandom {
    fileprivate func copyOfBytes(_ count: Int) -> [UInt8] {
        var copy = self
        return copy.bytes(count)
    }
}
