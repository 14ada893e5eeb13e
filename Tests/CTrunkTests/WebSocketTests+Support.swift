import CTrunk.Codecs

/// What a reader told, with the runs of a message joined: the same however the bytes were cut.
enum FrameEvent: Equatable {
    case message(trk_ws_opcode, [UInt8])
    case control(trk_ws_opcode, [UInt8], code: UInt16)
    case broken(UInt16)
}

/// A frame as bytes, made here and not by the code under test.
struct TestFrame {
    enum LengthForm { case minimal, bits16, bits64 }

    var opcode: UInt8
    var payload: [UInt8] = []
    var fin = true
    var reserved: UInt8 = 0
    var mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
    var form = LengthForm.minimal
    /// The length that the header claims, when it is not the payload's.
    var claims: UInt64?

    var header: [UInt8] {
        let length = claims ?? UInt64(payload.count)
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        var bytes = [(fin ? 0x80 : 0) | reserved << 4 | opcode]
        let isShort = length < 126 && form == .minimal
        let isMedium = form == .bits16 || (form == .minimal && length < 65536)
        if isShort {
            bytes.append(maskBit | UInt8(length))
        } else if isMedium {
            bytes += [maskBit | 126, UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
        } else {
            bytes.append(maskBit | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: length >> UInt64(shift)))
            }
        }
        return bytes + (mask ?? [])
    }

    var bytes: [UInt8] {
        guard let mask else { return header + payload }
        return header + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    static func text(_ text: String, fin: Bool = true) -> TestFrame {
        TestFrame(opcode: 1, payload: Array(text.utf8), fin: fin)
    }

    static func close(_ code: UInt16, _ reason: [UInt8] = []) -> TestFrame {
        TestFrame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)] + reason)
    }
}

/// A reader under test; each piece lies in an allocation of exactly its size.
struct FrameReader {
    private var reader = trk_ws_reader()
    private var message: [UInt8] = []
    private(set) var events: [FrameEvent] = []
    /// Whether each run named its place in its message truthfully.
    private(set) var isConsistent = true
    private var isInMessage = false
    private var promised: UInt64 = 0

    init(server: Bool, messageMax: UInt64 = 1 << 20, fragmentsMax: UInt32 = 256) {
        trk_ws_reader_init(&reader, server, trk_ws_limits(message_max: messageMax, fragments_max: fragmentsMax))
    }

    var isBroken: Bool {
        if case .broken = events.last { true } else { false }
    }

    mutating func feed(_ piece: [UInt8]) {
        let buffer = ExactBuffer(piece)
        var at = 0
        while !isBroken {
            var used = 0
            let result = trk_ws_read(&reader, buffer.start + at, buffer.count - at, &used)
            at += used
            if result.kind == .TRK_WS_MORE {
                isConsistent = isConsistent && at == buffer.count
                return
            }
            take(result)
        }
    }

    private mutating func take(_ result: trk_ws_result) {
        let bytes = Array(UnsafeBufferPointer(start: result.bytes.data, count: result.bytes.count))
        switch result.kind {
        case .TRK_WS_CHUNK:
            isConsistent = isConsistent && result.first == !isInMessage && (!result.last || result.message_left == 0)
            isConsistent = isConsistent && (promised == 0 || promised == UInt64(bytes.count) + result.message_left)
            promised = result.message_left
            isInMessage = !result.last
            message += bytes
            if !result.last { return }
            events.append(.message(result.opcode, message))
            message = []
        case .TRK_WS_CONTROL: events.append(.control(result.opcode, bytes, code: result.close_code))
        case .TRK_WS_ERROR: events.append(.broken(result.close_code))
        case .TRK_WS_MORE: break
        }
    }

    static func read(
        _ pieces: [[UInt8]],
        server: Bool = true,
        messageMax: UInt64 = 1 << 20,
        fragmentsMax: UInt32 = 256
    ) -> [FrameEvent] {
        var reader = FrameReader(server: server, messageMax: messageMax, fragmentsMax: fragmentsMax)
        for piece in pieces { reader.feed(piece) }
        return reader.events
    }

    static func read(_ frames: [TestFrame], messageMax: UInt64 = 1 << 20) -> [FrameEvent] {
        read([frames.flatMap(\.bytes)], messageMax: messageMax)
    }

    /// Fed byte by byte: how many bytes were eaten before the reader broke, nil when it did not.
    static func breaksAfter(_ bytes: [UInt8], server: Bool = true) -> Int? {
        var reader = FrameReader(server: server)
        for (index, byte) in bytes.enumerated() {
            reader.feed([byte])
            if reader.isBroken { return index + 1 }
        }
        return nil
    }
}
