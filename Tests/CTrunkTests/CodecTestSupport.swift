import CTrunk.Codecs
import Foundation

/// Bytes at the very end of an allocation of exactly their size, so that a sanitizer sees each access behind them.
struct ExactBuffer: ~Copyable {
    private let base: UnsafeMutableRawPointer
    let start: UnsafeMutablePointer<UInt8>
    let count: Int

    /// - Parameter misalignment: Where the bytes begin, counted from a 32 byte boundary.
    init(count: Int, misalignment: Int = 0) {
        base = .allocate(byteCount: misalignment + count, alignment: 32)
        start = (base + misalignment).bindMemory(to: UInt8.self, capacity: count)
        memset(base, 0xA5, misalignment + count)
        self.count = count
    }

    init(_ bytes: [UInt8], misalignment: Int = 0) {
        self.init(count: bytes.count, misalignment: misalignment)
        memcpy(start, bytes, bytes.count)
    }

    deinit { base.deallocate() }

    /// The same bytes as the C functions for text take them.
    var text: UnsafeMutablePointer<CChar> { UnsafeMutableRawPointer(start).assumingMemoryBound(to: CChar.self) }

    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: start, count: count)) }
}

/// A small generator with a seed, so that a failure can be repeated.
struct CodecRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}

/// A value that the scanner found, copied out of the text.
struct FoundValue: Equatable {
    var kind: trk_json_kind
    var escaped: Bool
    var text: String

    static let absent = FoundValue(kind: .TRK_JSON_ABSENT, escaped: false, text: "")

    static func string(_ text: String, escaped: Bool = false) -> FoundValue {
        FoundValue(kind: .TRK_JSON_STRING, escaped: escaped, text: text)
    }

    static func number(_ text: String) -> FoundValue {
        FoundValue(kind: .TRK_JSON_NUMBER, escaped: false, text: text)
    }
}

/// Scans `text` from an exact-size copy for dotted paths (`"media.payload"`).
func scanJSON(_ text: [UInt8], _ paths: [String] = []) -> (status: trk_status, values: [FoundValue]) {
    let keys = paths.map { path in path.split(separator: ".").map { strdup(String($0)) } }
    defer { keys.joined().forEach { free($0) } }
    let fields = keys.map { keys in
        let padded = keys.map { UnsafePointer($0) } + Array(repeating: nil, count: max(0, 4 - keys.count))
        return trk_json_field(keys: (padded[0], padded[1], padded[2], padded[3]))
    }
    let input = ExactBuffer(text)
    // A first content that no scan may leave behind.
    let stale = trk_json_value(kind: .TRK_JSON_TRUE, escaped: true, text: trk_bytes(data: nil, count: 77))
    var values = Array(repeating: stale, count: paths.count)
    let status = trk_json_scan(input.start, input.count, fields, fields.count, &values)
    return (status, values.map { FoundValue(kind: $0.kind, escaped: $0.escaped, text: $0.text.string) })
}

func scanJSON(_ text: String, _ paths: [String] = []) -> (status: trk_status, values: [FoundValue]) {
    scanJSON(Array(text.utf8), paths)
}

extension trk_bytes {
    /// The bytes as text; what is not UTF-8 is replaced.
    var string: String { String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self) }
}

/// A parsed message, copied out of its text.
struct ParsedTwilio: Equatable {
    var kind = trk_twilio_kind.TRK_TWILIO_UNKNOWN
    var inbound = false
    var sequence: Int64 = -1
    var chunk: Int64 = -1
    var timestamp: Int64 = -1
    var sampleRate: Int64 = -1
    var channels: Int64 = -1
    var streamSid = ""
    var callSid = ""
    var accountSid = ""
    var encoding = ""
    var payload = ""
    var mark = ""
    var digit = ""

    /// Parses with text and scratch of exactly the right size.
    static func parse(_ text: String) -> (status: trk_status, message: ParsedTwilio) {
        let input = ExactBuffer(Array(text.utf8))
        let scratch = ExactBuffer(count: input.count)
        var raw = trk_twilio_message()
        raw.chunk = 99
        let status = trk_twilio_parse(&raw, input.start, input.count, scratch.start)
        return (
            status,
            ParsedTwilio(
                kind: raw.kind,
                inbound: raw.inbound,
                sequence: raw.sequence,
                chunk: raw.chunk,
                timestamp: raw.timestamp_ms,
                sampleRate: raw.sample_rate,
                channels: raw.channels,
                streamSid: raw.stream_sid.string,
                callSid: raw.call_sid.string,
                accountSid: raw.account_sid.string,
                encoding: raw.encoding.string,
                payload: raw.payload.string,
                mark: raw.mark_name.string,
                digit: raw.digit.string
            )
        )
    }
}

/// Test data beside the checkout.
enum SharedFiles {
    /// The folder `shared/<name>` beside the checkout, or nil with one printed line when there is none.
    static func folder(_ name: String, file: String = #filePath) -> URL? {
        var folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent("shared").appendingPathComponent(name)
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
            folder.deleteLastPathComponent()
        }
        print("skipped: no folder shared/\(name) beside the checkout")
        return nil
    }

    static func names(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    static func bytes(_ name: String, in folder: URL) throws -> [UInt8] {
        let file = try FileHandle(forReadingFrom: folder.appendingPathComponent(name))
        defer { try? file.close() }
        return Array(try file.readToEnd() ?? Data())
    }
}
