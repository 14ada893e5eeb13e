/// Which calls to look for. What is nil does not matter.
public struct HistoryQuery: Sendable, Hashable {
    /// Words that were said, all of them in one turn; each also as the beginning of a longer word.
    public var text: String?
    /// Part of the caller's or the called number.
    public var number: String?
    /// An `EndReason`'s raw value, or `interrupted`.
    public var endReason: String?
    /// Started at this moment or later, milliseconds since 1970.
    public var from: Int64?
    /// Started before this moment, milliseconds since 1970.
    public var to: Int64?
    /// A tool of this name was called.
    public var tool: String?
    /// Took at least so long; calls in progress are left out.
    public var minimumDurationMilliseconds: Int?
    /// Where the page before ended.
    public var cursor: String?
    /// Calls of the page, up to `StoreLimits.pageCalls`.
    public var limit = 50

    /// All calls.
    public init() {}
}

/// Some calls, the newest first.
public struct HistoryPage: Sendable, Hashable {
    /// The calls.
    public let calls: [StoredCall]
    /// The cursor of the next page; nil when this is the last.
    public let next: String?
}
