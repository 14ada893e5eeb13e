/// How the writing of call records goes.
public struct WriterStats: Sendable, Hashable {
    /// Entries that wait or are being written.
    public var queued = 0
    /// Entries written.
    public var written = 0
    /// Entries lost: the queue was full or closed, or the database refused them for good.
    public var dropped = 0
    /// Entries of calls whose start is not known; they are passed over and count as written.
    public var orphans = 0
    /// Turns beyond `StoreLimits.turns` of a call.
    public var turnsDropped = 0
    /// Attempts to write that failed and were, or will be, repeated.
    public var failures = 0
    /// What the last failure was; stays after recovery.
    public var lastError: String?
    /// Whether the last attempt succeeded.
    public var isHealthy = true

    /// Nothing written.
    public init() {}
}
