/// The bounds of a store of call records and of its writer.
public struct StoreLimits: Sendable {
    /// Entries that wait to be written, those in the writer's hands included; further ones are dropped and counted.
    public var queueEntries = 16_384
    /// Entries beyond that which only starts and ends of calls may use.
    public var queueReserve = 4_096
    /// Bytes of the texts of entries that wait.
    public var queueBytes = 32 << 20
    /// Entries in one transaction.
    public var batchEntries = 200
    /// The longest that an entry waits for others to share its transaction, milliseconds.
    public var batchMilliseconds = 100
    /// The longest pause between two attempts when the file cannot be written, milliseconds.
    public var retryMilliseconds = 1_000
    /// Calls in progress that the writer follows; the one that was silent the longest gives way.
    public var liveCalls = 20_000
    /// Turns of one call; further ones are dropped and counted. Not more than 65,535.
    public var turns = 65_535
    /// How long one statement waits for a file that another process has locked, milliseconds.
    public var busyMilliseconds = 1_000
    /// Files up to this size are checked whole when they are opened, bytes; larger ones only where they are read.
    public var checkedBytes = 256 << 20
    /// Calls in one answer of `CallStore.history`.
    public var pageCalls = 200
    /// Calls that `CallStore.count` counts: one more than a page of the dashboard shows.
    public var countedCalls = 50_001
    /// Calls deleted in one transaction.
    public var deletedAtOnce = 100
    /// Rows of the outbox; beyond it delivered ones go first, then the oldest, which are counted.
    public var outboxRows = 10_000

    /// The defaults.
    public init() {}
}
