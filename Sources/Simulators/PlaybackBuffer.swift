/// A phone's playback buffer as Twilio has it: plays at one second a second, stops when dry, echoes a mark when all
/// audio before it was played, and on `clear` forgets the audio and echoes all marks. Pure: time is a parameter.
struct PlaybackBuffer: Sendable {
    private enum Entry: Sendable {
        case audio([UInt8])
        case mark(String)
    }

    /// Bytes of one millisecond.
    private static let bytesPerMillisecond = 8

    private var entries: [Entry] = []
    private var head = 0
    /// Bytes of the first audio entry that were played.
    private var offset = 0
    /// The moment up to which playing is settled, microseconds.
    private var settledAt: Int64 = 0
    /// Microseconds of playing that are not a whole byte yet.
    private var remainder: Int64 = 0
    /// Bytes that wait to be played.
    private(set) var queuedBytes = 0

    /// What was played between two moments.
    struct Played: Sendable {
        /// The audio, in order.
        var bytes: [UInt8] = []
        /// Marks whose audio was played, with the moment, microseconds.
        var marks: [(name: String, at: Int64)] = []
    }

    /// Plays on until `now`.
    mutating func advance(to now: Int64) -> Played {
        var played = Played()
        takeMarks(at: settledAt, into: &played)
        let available = max(0, now - settledAt) + remainder
        var budget = Int(available * Int64(Self.bytesPerMillisecond) / 1_000)
        remainder = available - Int64(budget) * 1_000 / Int64(Self.bytesPerMillisecond)
        let start = settledAt
        var done = 0
        while budget > 0, head < entries.count, case .audio(let bytes) = entries[head] {
            let take = min(budget, bytes.count - offset)
            played.bytes.append(contentsOf: bytes[offset..<offset + take])
            offset += take
            budget -= take
            done += take
            queuedBytes -= take
            if offset == bytes.count { dropHead() }
            takeMarks(at: start + Int64(done) * 1_000 / Int64(Self.bytesPerMillisecond), into: &played)
        }
        if head == entries.count { remainder = 0 }
        settledAt = max(settledAt, now)
        return played
    }

    /// Audio arrived. Call `advance` first.
    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        entries.append(.audio(bytes))
        queuedBytes += bytes.count
    }

    /// A mark arrived. Call `advance` first, and again after it: with an empty queue it is reached at once.
    mutating func append(mark: String) { entries.append(.mark(mark)) }

    /// `clear` arrived: returns the names of the marks that were waiting. Call `advance` first.
    mutating func clear() -> [String] {
        let marks = entries[head...].compactMap { entry -> String? in
            if case .mark(let name) = entry { return name }
            return nil
        }
        entries = []
        head = 0
        offset = 0
        queuedBytes = 0
        remainder = 0
        return marks
    }

    /// When the next mark will be reached, microseconds; nil when none waits.
    var nextMark: Int64? {
        var bytes = -offset
        for entry in entries[head...] {
            switch entry {
            case .audio(let audio): bytes += audio.count
            case .mark: return settledAt + Int64(max(0, bytes)) * 1_000 / Int64(Self.bytesPerMillisecond)
            }
        }
        return nil
    }

    private mutating func takeMarks(at moment: Int64, into played: inout Played) {
        while head < entries.count, case .mark(let name) = entries[head] {
            played.marks.append((name, moment))
            dropHead()
        }
    }

    private mutating func dropHead() {
        head += 1
        offset = 0
        if head == entries.count || head > 256 {
            entries.removeFirst(head)
            head = 0
        }
    }
}
