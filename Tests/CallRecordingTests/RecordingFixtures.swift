import Foundation
import Trunk

@testable import CallRecording

/// Audio that a test makes up.
final class SyntheticTap: AudioTap {
    private struct State {
        var waiting: [(TapRecord, [UInt8])] = []
        var hasEnded = false
    }

    private let state = Locked(State())

    func put(_ kind: TapRecord.Kind, at milliseconds: Int, _ audio: [UInt8] = []) {
        state.withLock { $0.waiting.append((TapRecord(kind: kind, milliseconds: milliseconds), audio)) }
    }

    func end() { state.withLock { $0.hasEnded = true } }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }
    var dropped: Int { 3 }

    func drain(_ body: (TapRecord, RawSpan) throws -> Void) rethrows {
        let records = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for (record, audio) in records { try audio.withUnsafeBytes { try body(record, $0.bytes) } }
    }
}

/// A recording as a player reads it.
struct Played: Equatable {
    var left: [UInt8] = []
    var right: [UInt8] = []

    /// Nil when its header is not what a player expects, or promises more than the file has.
    init?(_ path: String) {
        guard let file = try? Data(contentsOf: URL(fileURLWithPath: path)), file.count >= 58 else { return nil }
        let bytes = [UInt8](file)
        func long(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
        func text(_ at: Int) -> String { String(decoding: bytes[at..<at + 4], as: UTF8.self) }
        guard text(0) == "RIFF", text(8) == "WAVE", text(12) == "fmt ", long(16) == 18, text(38) == "fact",
            text(50) == "data"
        else { return nil }
        // Format 7, two channels, 8,000 moments and 16,000 bytes a second, 2 bytes a moment, 8 bits a sample.
        guard Array(bytes[20..<38]) == [7, 0, 2, 0, 0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 8, 0, 0, 0] else {
            return nil
        }
        let count = long(54)
        guard long(4) == count + 50, long(46) == count / 2, bytes.count >= 58 + count else { return nil }
        for moment in 0..<count / 2 {
            left.append(bytes[58 + moment * 2])
            right.append(bytes[59 + moment * 2])
        }
    }
}

/// 20 ms that no other index makes, without silence.
func pattern(_ index: Int, count: Int = 160) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 7 &+ index &* 31) % 250) }
}

/// Whether long audio is the same; a test would take minutes to tell the difference.
func same(_ left: [UInt8], _ right: [UInt8]) -> Bool { left == right }
