import CTrunk.Codecs
import Testing

@Suite("WebSocket framing")
struct WebSocketTests {
    @Test("RFC 6455 section 5.7")
    func vectors() {
        let hello = Array("Hello".utf8)
        let masked: [UInt8] = [0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(FrameReader.read([[0x81, 0x05] + hello], server: false) == [.message(.TRK_WS_TEXT, hello)])
        #expect(FrameReader.read([[0x81, 0x85] + masked]) == [.message(.TRK_WS_TEXT, hello)])
        #expect(
            FrameReader.read([[0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]], server: false)
                == [.message(.TRK_WS_TEXT, hello)]
        )
        #expect(FrameReader.read([[0x89, 0x05] + hello], server: false) == [.control(.TRK_WS_PING, hello, code: 0)])
        #expect(FrameReader.read([[0x8A, 0x85] + masked]) == [.control(.TRK_WS_PONG, hello, code: 0)])
        for (count, header) in [
            (256, [0x82, 0x7E, 0x01, 0x00] as [UInt8]), (65536, [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let payload = [UInt8](repeating: 0xE7, count: count)
            #expect(FrameReader.read([header + payload], server: false) == [.message(.TRK_WS_BINARY, payload)])
        }
    }

    @Test("Headers are written in the least form")
    func headers() {
        let mask: [UInt8] = [1, 2, 3, 4]
        for length in [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 1 << 20, 1 << 33, Int.max] {
            for opcode in [trk_ws_opcode.TRK_WS_TEXT, .TRK_WS_BINARY, .TRK_WS_PING, .TRK_WS_CLOSE] {
                for masked in [false, true] {
                    var frame = TestFrame(opcode: UInt8(opcode.rawValue), mask: masked ? mask : nil)
                    frame.claims = UInt64(length)
                    let out = ExactBuffer(count: trk_ws_header_count(UInt64(length), masked))
                    let written = trk_ws_write_header(out.start, opcode, UInt64(length), masked ? mask : nil)
                    #expect(written == out.count)
                    #expect(out.bytes == frame.header)
                }
            }
        }
    }

    @Test("Masking equals the byte-wise rule at every phase, alignment and length")
    func masks() {
        let mask: [UInt8] = [0xA1, 0x5C, 0x03, 0xF8]
        var random = CodecRandom(seed: 1)
        for count in 0...80 {
            let bytes = random.bytes(count)
            for phase in 0..<8 {
                let expected = bytes.enumerated().map { $1 ^ mask[($0 + phase) % 4] }
                for misalignment in 0..<8 {
                    let buffer = ExactBuffer(bytes, misalignment: misalignment)
                    trk_ws_mask(buffer.start, count, mask, UInt64(phase))
                    #expect(buffer.bytes == expected)
                }
            }
        }
        // The phase counts bytes of a frame that may be longer than 32 bits.
        let far = ExactBuffer([0, 0, 0])
        trk_ws_mask(far.start, 3, mask, (1 << 40) + 3)
        #expect(far.bytes == [0xF8, 0xA1, 0x5C])
    }

    @Test("Control frames between fragments are told where they stand")
    func controlsInside() {
        let ping = TestFrame(opcode: 9, payload: [1, 2])
        let frames = [
            TestFrame.text("a", fin: false), ping, TestFrame(opcode: 0, payload: Array("b".utf8), fin: false),
            TestFrame(opcode: 10), TestFrame(opcode: 0, payload: Array("c".utf8)), ping,
        ]
        #expect(
            FrameReader.read(frames) == [
                .control(.TRK_WS_PING, [1, 2], code: 0), .control(.TRK_WS_PONG, [], code: 0),
                .message(.TRK_WS_TEXT, Array("abc".utf8)), .control(.TRK_WS_PING, [1, 2], code: 0),
            ]
        )
        // A close in mid-message ends what was begun.
        #expect(
            FrameReader.read([TestFrame.text("a", fin: false), TestFrame.close(1000)])
                == [.control(.TRK_WS_CLOSE, [], code: 1000)]
        )
    }

    @Test("Control payloads of 0 and of 125 bytes")
    func controlSizes() {
        let most = [UInt8](repeating: 0x41, count: 125)
        for payload in [[], most] {
            #expect(
                FrameReader.read([TestFrame(opcode: 9, payload: payload)])
                    == [.control(.TRK_WS_PING, payload, code: 0)]
            )
        }
        let reason = [UInt8](repeating: 0x62, count: 123)
        #expect(FrameReader.read([TestFrame.close(1001, reason)]) == [.control(.TRK_WS_CLOSE, reason, code: 1001)])
    }

    @Test("Empty messages are messages")
    func empty() {
        #expect(
            FrameReader.read([
                TestFrame(opcode: 1), TestFrame(opcode: 2), TestFrame(opcode: 1, fin: false), TestFrame(opcode: 0),
            ]) == [.message(.TRK_WS_TEXT, []), .message(.TRK_WS_BINARY, []), .message(.TRK_WS_TEXT, [])]
        )
    }

    @Test("Close codes that may be sent", arguments: [1000...1003, 1007...1014, 3000...3001, 3999...4000, 4999...4999])
    func goodCodes(range: ClosedRange<Int>) {
        for code in range.map({ UInt16($0) }) {
            #expect(trk_ws_close_code_valid(code))
            #expect(FrameReader.read([TestFrame.close(code)]) == [.control(.TRK_WS_CLOSE, [], code: code)])
        }
    }

    @Test(
        "Close codes that may not",
        arguments: [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] as [UInt16]
    )
    func badCodes(code: UInt16) {
        #expect(!trk_ws_close_code_valid(code))
        #expect(FrameReader.read([TestFrame.close(code)]) == [.broken(1002)])
    }

    @Test("A close frame without a code is 1005, with half a code it is broken")
    func shortCloses() {
        #expect(FrameReader.read([TestFrame(opcode: 8)]) == [.control(.TRK_WS_CLOSE, [], code: 1005)])
        #expect(FrameReader.read([TestFrame(opcode: 8, payload: [3])]) == [.broken(1002)])
    }

    @Test(
        "Close reasons are UTF-8",
        arguments: [[0x80], [0xC3], [0xED, 0xA0, 0x80], [0x41, 0xC0, 0xAF], [0xF4, 0x90, 0x80, 0x80]] as [[UInt8]]
    )
    func badReasons(reason: [UInt8]) {
        #expect(FrameReader.read([TestFrame.close(1000, reason)]) == [.broken(1007)])
        #expect(FrameReader.read([TestFrame.close(1000, Array("é".utf8))]).count == 1)
    }

    /// A stream of whole messages, fragments, control frames and, in some runs, one flipped bit.
    static func stream(_ random: inout CodecRandom, server: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let mask: [UInt8]? = server ? random.bytes(4) : nil
            let isText = Bool.random(using: &random)
            let fragments = Int.random(in: 1...4, using: &random)
            for index in 0..<fragments {
                let count = [0, 1, 3, 40, 125, 126, 300].randomElement(using: &random) ?? 0
                let text = Array(String(repeating: "aé€😀", count: count / 10 + 1).utf8)
                let payload = isText ? text : random.bytes(count)
                bytes +=
                    TestFrame(
                        opcode: index > 0 ? 0 : isText ? 1 : 2,
                        payload: payload,
                        fin: index == fragments - 1,
                        mask: mask
                    ).bytes
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let count = Int.random(in: 0...125, using: &random)
                    bytes += TestFrame(opcode: 9, payload: random.bytes(count), mask: mask).bytes
                }
            }
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        return bytes
    }

    @Test("Whole, byte by byte and at random cuts: the same", arguments: [false, true])
    func twins(server: Bool) {
        var random = CodecRandom(seed: server ? 11 : 12)
        for _ in 0..<300 {
            let bytes = Self.stream(&random, server: server)
            var whole = FrameReader(server: server)
            whole.feed(bytes)
            #expect(whole.isConsistent)
            var twin = FrameReader(server: server)
            for byte in bytes { twin.feed([byte]) }
            #expect(twin.events == whole.events)
            #expect(twin.isConsistent)
            var cut = FrameReader(server: server)
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...60, using: &random))
                cut.feed(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(cut.events == whole.events)
        }
    }
}
