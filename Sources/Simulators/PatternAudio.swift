/// Audio that carries who it is: every 20 ms frame holds a stream number, an item number and a counter, so that a test
/// can tell each lost, repeated or reordered frame, and how much of which item was played.
///
/// The numbers stand in the low four bits of µ-law codes, once in each half of the frame. The high bits make the frame
/// loud (`0x8_`, near full scale) or quiet (`0xF_`, below -48 dB), so that voice activity detection still works on it.
public struct PatternFrame: Sendable, Hashable {
    /// Who sends: a call.
    public var stream: UInt16
    /// What of: an item of the model, 0 for a caller.
    public var item: UInt16
    /// Which frame of it, from 0.
    public var counter: UInt32
    /// Whether it sounds like speech.
    public var isLoud: Bool

    /// Bytes of a frame: 20 ms of µ-law.
    public static let byteCount = 160
    private static let nibbleCount = 16

    /// Makes a frame.
    public init(stream: UInt16, item: UInt16, counter: UInt32, isLoud: Bool) {
        self.stream = stream
        self.item = item
        self.counter = counter
        self.isLoud = isLoud
    }

    /// Reads a frame; nil when the bytes are no pattern or its copies differ.
    public init?(_ bytes: some RandomAccessCollection<UInt8>) {
        guard bytes.count == Self.byteCount, let first = bytes.first else { return nil }
        let high = first & 0xF0
        guard high == 0x80 || high == 0xF0 else { return nil }
        var value: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            guard byte & 0xF0 == high else { return nil }
            let shift = UInt64(4 * (Self.nibbleCount - 1 - index % Self.nibbleCount))
            let nibble = UInt64(byte & 0x0F) << shift
            if index < Self.nibbleCount {
                value |= nibble
            } else if value & (0xF << shift) != nibble {
                return nil
            }
        }
        // Plain silence (all 0xFF) has the form of a frame, and is none.
        guard value != UInt64.max else { return nil }
        stream = UInt16(truncatingIfNeeded: value >> 48)
        item = UInt16(truncatingIfNeeded: value >> 32)
        counter = UInt32(truncatingIfNeeded: value)
        isLoud = high == 0x80
    }

    /// The frame's µ-law bytes.
    public var bytes: [UInt8] {
        let value = UInt64(stream) << 48 | UInt64(item) << 32 | UInt64(counter)
        let high: UInt8 = isLoud ? 0x80 : 0xF0
        return (0..<Self.byteCount).map { index in
            let shift = UInt64(4 * (Self.nibbleCount - 1 - index % Self.nibbleCount))
            return high | UInt8(value >> shift & 0x0F)
        }
    }
}

/// Checks a stream of pattern frames: contiguous counters from 0, or what went wrong.
public struct PatternCheck: Sendable, Hashable {
    /// Frames seen.
    public private(set) var frames = 0
    /// Frames that never came.
    public private(set) var lost = 0
    /// Frames that came again.
    public private(set) var repeated = 0
    /// Frames that came after a later one.
    public private(set) var reordered = 0
    /// Frames that are no pattern, or of another stream.
    public private(set) var foreign = 0
    private var next: UInt32 = 0

    /// Nothing seen yet.
    public init() {}

    /// Takes a frame in order of arrival.
    public mutating func take(_ frame: PatternFrame?, stream: UInt16) {
        guard let frame, frame.stream == stream else {
            foreign += 1
            return
        }
        frames += 1
        if frame.counter == next {
            next &+= 1
        } else if frame.counter > next {
            lost += Int(frame.counter - next)
            next = frame.counter &+ 1
        } else if frame.counter &+ 1 == next {
            repeated += 1
        } else {
            reordered += 1
        }
    }

    /// Whether everything came once and in order.
    public var isPerfect: Bool { lost == 0 && repeated == 0 && reordered == 0 && foreign == 0 }
}
