import CTrunk.Codecs
import Testing

@Suite("WebSocket rules and limits")
struct WebSocketLimitTests {
    @Test("Masks by role")
    func masksByRole() {
        var frame = TestFrame.text("x")
        #expect(FrameReader.read([frame.bytes], server: false) == [.broken(1002)])
        frame.mask = nil
        #expect(FrameReader.read([frame.bytes]) == [.broken(1002)])
    }

    @Test("Reserved bits, on each opcode", arguments: [0, 1, 2, 8, 9, 10] as [UInt8])
    func reservedBits(opcode: UInt8) {
        for reserved in UInt8(1)...7 {
            let begun = opcode == 0 ? TestFrame.text("a", fin: false).bytes : []
            let frame = TestFrame(opcode: opcode, payload: [], reserved: reserved)
            #expect(FrameReader.read([begun + frame.bytes]) == [.broken(1002)])
        }
    }

    @Test("Opcodes without a meaning", arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8])
    func opcodes(opcode: UInt8) {
        for payload in [[], [0x41]] as [[UInt8]] {
            let frame = TestFrame(opcode: opcode, payload: payload)
            #expect(FrameReader.read([frame]) == [.broken(1002)])
            // The second byte is enough to tell.
            #expect(FrameReader.breaksAfter(frame.bytes) == 2)
        }
    }

    @Test("Continuations stand in messages, beginnings do not")
    func order() {
        #expect(FrameReader.read([TestFrame(opcode: 0)]) == [.broken(1002)])
        for opcode in [1, 2] as [UInt8] {
            #expect(FrameReader.read([.text("a", fin: false), TestFrame(opcode: opcode)]) == [.broken(1002)])
        }
        #expect(FrameReader.read([.text("a"), TestFrame(opcode: 0)]).last == .broken(1002))
    }

    @Test("Lengths are in the least form")
    func minimalLengths() {
        for (length, form) in [
            (0, TestFrame.LengthForm.bits16), (125, .bits16), (0, .bits64), (126, .bits64), (65535, .bits64),
        ] {
            var frame = TestFrame(opcode: 2, payload: [UInt8](repeating: 0, count: length))
            frame.form = form
            #expect(FrameReader.read([frame]) == [.broken(1002)])
        }
        for (length, form) in [(126, TestFrame.LengthForm.bits16), (65535, .bits16), (65536, .bits64)] {
            var frame = TestFrame(opcode: 2, payload: [UInt8](repeating: 7, count: length))
            frame.form = form
            #expect(FrameReader.read([frame]) == [.message(.TRK_WS_BINARY, frame.payload)])
        }
    }

    @Test("A length with the top bit set is refused at its header")
    func topBit() {
        for claims in [1 << 63, UInt64.max] {
            var frame = TestFrame(opcode: 2)
            frame.claims = claims
            #expect(FrameReader.read([frame.header], messageMax: .max) == [.broken(1002)])
        }
    }

    @Test("Control frames are short and whole", arguments: [8, 9, 10] as [UInt8])
    func controls(opcode: UInt8) {
        let long = TestFrame(opcode: opcode, payload: [UInt8](repeating: 0x41, count: 126))
        #expect(FrameReader.breaksAfter(long.bytes) == 2)
        var wide = TestFrame(opcode: opcode, payload: [3, 232])
        wide.form = .bits64
        #expect(FrameReader.read([wide]) == [.broken(1002)])
        let part = TestFrame(opcode: opcode, payload: [3, 232], fin: false)
        #expect(FrameReader.read([part]) == [.broken(1002)])
    }

    @Test("Message bytes: below, at and above the limit, told at the header")
    func messageBytes() {
        for (count, isFine) in [(999, true), (1000, true), (1001, false)] {
            let frame = TestFrame(opcode: 2, payload: [UInt8](repeating: 1, count: count))
            let events = FrameReader.read([frame], messageMax: 1000)
            #expect(events == (isFine ? [.message(.TRK_WS_BINARY, frame.payload)] : [.broken(1009)]))
            if !isFine { #expect(FrameReader.read([frame.header], messageMax: 1000) == [.broken(1009)]) }
        }
    }

    @Test("Message bytes over fragments")
    func fragmentBytes() {
        for (second, isFine) in [(399, true), (400, true), (401, false)] {
            let first = TestFrame(opcode: 2, payload: [UInt8](repeating: 1, count: 600), fin: false)
            let last = TestFrame(opcode: 0, payload: [UInt8](repeating: 2, count: second))
            let events = FrameReader.read([first.bytes, last.header], messageMax: 1000)
            #expect(events == (isFine ? [] : [.broken(1009)]))
            if isFine { #expect(FrameReader.read([first, last], messageMax: 1000).count == 1) }
        }
        // The limit is of one message: the next begins anew.
        let whole = TestFrame(opcode: 2, payload: [UInt8](repeating: 1, count: 1000))
        #expect(FrameReader.read([whole, whole], messageMax: 1000).count == 2)
    }

    @Test("Sums of lengths do not wrap around")
    func wrap() {
        var first = TestFrame(opcode: 2, payload: [UInt8](repeating: 1, count: 200), fin: false)
        var second = TestFrame(opcode: 0)
        second.claims = (1 << 63) - 1
        #expect(FrameReader.read([first.bytes, second.header], messageMax: (1 << 63)) == [.broken(1009)])
        first.claims = 1 << 62
        #expect(FrameReader.read([first.header], messageMax: 1 << 20) == [.broken(1009)])
    }

    @Test("Frames of a message: 255, 256 and 257; empty ones count")
    func fragments() {
        for count in [255, 256, 257] {
            var frames = [TestFrame(opcode: 2, fin: false)]
            frames += (0..<count - 2).map { _ in TestFrame(opcode: 0, fin: false) }
            frames.append(TestFrame(opcode: 0))
            #expect(FrameReader.read(frames) == (count > 256 ? [.broken(1009)] : [.message(.TRK_WS_BINARY, [])]))
        }
        let endless = [TestFrame(opcode: 1, fin: false)] + (0..<100_000).map { _ in TestFrame(opcode: 0, fin: false) }
        let bytes = endless.flatMap(\.bytes)
        // Each is six bytes; the 257th breaks it.
        #expect(FrameReader.breaksAfter(bytes) == 257 * 6)
    }

    @Test(
        "Text that is not UTF-8 is refused as soon as the byte arrives",
        arguments: [
            ([0x80], 1), ([0xC0, 0xAF], 1), ([0xED, 0xA0, 0x80], 2), ([0xF4, 0x90, 0x80, 0x80], 2),
            ([0x41, 0xE2, 0x82, 0x41], 4), ([0xF8, 0x88], 1),
        ] as [([UInt8], Int)]
    )
    func badText(bytes: [UInt8], at: Int) {
        let frame = TestFrame(opcode: 1, payload: bytes)
        #expect(FrameReader.read([frame]) == [.broken(1007)])
        #expect(FrameReader.breaksAfter(frame.bytes) == frame.header.count + at)
        // Cut over frames it is no better, and as binary it is nobody's business.
        let parts = [
            TestFrame(opcode: 1, payload: Array(bytes.prefix(1)), fin: false),
            TestFrame(opcode: 0, payload: Array(bytes.dropFirst())),
        ]
        #expect(FrameReader.read(parts) == [.broken(1007)])
        #expect(FrameReader.read([TestFrame(opcode: 2, payload: bytes)]) == [.message(.TRK_WS_BINARY, bytes)])
    }

    @Test("A sequence that is cut by the end of its message", arguments: [[0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98]])
    func cutText(bytes: [UInt8]) {
        #expect(FrameReader.read([TestFrame(opcode: 1, payload: bytes)]) == [.broken(1007)])
        let parts = [TestFrame(opcode: 1, payload: bytes, fin: false), TestFrame(opcode: 0)]
        #expect(FrameReader.read(parts) == [.broken(1007)])
    }

    @Test("Characters cut at every byte and frame, and odd characters, are fine")
    func goodText() {
        let text = Array("a😀€é\u{0}\u{FEFF}\u{FFFF}".utf8)
        for cut in 0...text.count {
            let parts = [
                TestFrame(opcode: 1, payload: Array(text.prefix(cut)), fin: false),
                TestFrame(opcode: 0, payload: Array(text.dropFirst(cut))),
            ]
            let bytes = parts.flatMap(\.bytes)
            #expect(FrameReader.read([bytes]) == [.message(.TRK_WS_TEXT, text)])
            #expect(FrameReader.read(bytes.map { [$0] }) == [.message(.TRK_WS_TEXT, text)])
        }
    }
}
