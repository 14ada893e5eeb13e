public import RealtimeProtocol

/// The latest errors, and how many of each kind there were.
public struct ErrorRing: Sendable {
    /// One error.
    public struct Entry: Sendable, Hashable {
        /// The kind, such as `TrunkError`.
        public var type: String
        /// What was being done, such as `model`.
        public var context: String
        /// What happened.
        public var message: String
        /// Milliseconds since 1970.
        public var milliseconds: Int64

        /// An error.
        public init(type: String, context: String, message: String, milliseconds: Int64) {
            self.type = type
            self.context = context
            self.message = message
            self.milliseconds = milliseconds
        }
    }

    /// Errors that are kept.
    public static let entriesMaximum = 100
    /// Errors that are shown.
    public static let entriesShown = 5
    /// Kinds that are counted apart; further ones count as `other`.
    public static let kindsMaximum = 100
    /// Bytes of a message.
    public static let messageBytes = 1_024

    private var entries: [Entry] = []
    private var next = 0
    private var counts = LabelledValues<Int64>(maximum: kindsMaximum)
    /// Errors in all.
    public private(set) var total = 0

    /// No errors.
    public init() {}

    /// Keeps an error; the oldest goes when there are too many.
    public mutating func add(_ entry: Entry) {
        var entry = entry
        if entry.message.utf8.count > Self.messageBytes {
            entry.message = String(entry.message.prefix(Self.messageBytes / 4)) + " [cut]"
        }
        total += 1
        counts.update(["\(entry.type):\(entry.context)"], initial: 0) { $0 += 1 }
        if entries.count < Self.entriesMaximum {
            entries.append(entry)
        } else {
            entries[next] = entry
        }
        next = (next + 1) % Self.entriesMaximum
    }

    /// The errors that are kept, the oldest first.
    public var kept: [Entry] {
        entries.count < Self.entriesMaximum ? entries : Array(entries[next...] + entries[..<next])
    }

    /// `total_errors`, `error_counts` and `recent_errors`.
    public var json: JSONValue {
        let recent = kept.suffix(Self.entriesShown).map { entry -> JSONValue in
            [
                "timestamp": .string(LogLine.timestamp(entry.milliseconds)), "type": .string(entry.type),
                "context": .string(entry.context), "message": .string(entry.message),
            ]
        }
        let kinds = JSONObject(counts.sorted.map { .init(key: $0.labels[0], value: .integer($0.value)) })
        return [
            "total_errors": .integer(Int64(total)), "error_counts": .object(kinds), "recent_errors": .array(recent),
        ]
    }
}
