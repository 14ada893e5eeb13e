/// The head of a stereo µ-law WAV file: RIFF with a `fmt ` chunk of format 7 (which has an extension's size), and a
/// `fact` chunk, as formats other than PCM need one.
enum WAVHeader {
    /// Bytes.
    static let count = 58
    /// Bytes of one moment: left and right.
    static let frame = 2
    static let samplesPerMillisecond = 8

    /// The header of a file with so many moments of audio.
    static func bytes(frames: Int) -> [UInt8] {
        let data = UInt32(clamping: frames * frame)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        func text(_ text: StaticString) { text.withUTF8Buffer { bytes.append(contentsOf: $0) } }
        func long(_ value: UInt32) {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        func short(_ value: UInt16) { for shift in [0, 8] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) } }
        text("RIFF")
        long(UInt32(clamping: Int(data) + count - 8))
        text("WAVEfmt ")
        long(18)
        short(7)
        short(2)
        long(8_000)
        long(16_000)
        short(2)
        short(8)
        short(0)
        text("fact")
        long(4)
        long(data / UInt32(frame))
        text("data")
        long(data)
        return bytes
    }
}
