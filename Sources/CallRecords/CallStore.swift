import GRDB
import Trunk

/// The call records in one SQLite file.
///
/// One process writes it, through one `RecordWriter`; readers run beside it on any thread but a loop's (all functions
/// here wait for the disk). SQLite's write-ahead log keeps the file whole when the process is killed.
public final class CallStore: Sendable {
    /// The file.
    public let path: String
    /// The bounds.
    public let limits: StoreLimits
    let queuesInterrupted: Bool
    private let state: Locked<State>
    private let noted = Locked<(@Sendable (String) -> Void)?>(nil)

    struct State: Sendable {
        var pool: DatabasePool
        /// Device and inode of the open file.
        var file: FileIdentity?
        var generation = 0
        var notes: [String] = []
        var interrupted: [String] = []
        var outboxDropped = 0
    }

    private init(path: String, limits: StoreLimits, queuesInterrupted: Bool, opened: StoreFile) {
        self.path = path
        self.limits = limits
        self.queuesInterrupted = queuesInterrupted
        state = Locked(
            State(
                pool: opened.pool,
                file: FileIdentity(path: path),
                notes: opened.notes,
                interrupted: opened.interrupted
            )
        )
    }

    /// Opens a file, or makes it.
    ///
    /// Calls without an end in it were cut off with the process that led them: they end now with reason `interrupted`
    /// by `system`, at the last time at which something is known of them. A corrupt file is moved aside, see `notes`.
    ///
    /// - Parameters:
    ///   - path: The file; its folder must exist.
    ///   - limits: The bounds.
    ///   - queuesInterrupted: Whether calls that were cut off are put into the outbox.
    /// - Throws: When the file cannot be used: no folder, not writable, not ours, or of a newer version.
    public static func open(
        path: String,
        limits: StoreLimits = StoreLimits(),
        queuesInterrupted: Bool = false
    ) throws(StoreError) -> CallStore {
        let opened = try StoreFile.open(path: path, limits: limits, queuesInterrupted: queuesInterrupted)
        return CallStore(path: path, limits: limits, queuesInterrupted: queuesInterrupted, opened: opened)
    }

    /// What the operator should know, one line each: files that were moved aside or replaced.
    public var notes: [String] { state.withLock { $0.notes } }

    /// Hears of notes that come later, on the writer's thread.
    public func whenNoted(_ body: @escaping @Sendable (String) -> Void) { noted.withLock { $0 = body } }

    /// Calls that were found without an end when the file was opened, by the carrier's id.
    public var interruptedCalls: [String] { state.withLock { $0.interrupted } }

    /// Rows that the outbox dropped undelivered because of `StoreLimits.outboxRows`.
    public var outboxDropped: Int { state.withLock { $0.outboxDropped } }

    /// Changes whenever another file stands in the place of the one before.
    var generation: Int { state.withLock { $0.generation } }

    func countOutboxDrops(_ count: Int) { state.withLock { $0.outboxDropped += count } }

    private var pool: DatabasePool { state.withLock { $0.pool } }

    func write<Value>(_ body: (Database) throws -> Value) throws -> Value { try pool.write(body) }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value { try pool.read(body) }

    /// Writes the log into the file and empties it.
    func truncateLog() throws { try pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) } }

    // MARK: - Files that change under way

    /// Opens the path anew when the open file does not stand there any more. The writer's thread only.
    func reopenIfReplaced() throws {
        let present = FileIdentity(path: path)
        guard present == nil || present != state.withLock({ $0.file }) else { return }
        try replace("the file was deleted or replaced while it was open: went on with the one at its path")
    }

    /// Moves the open file, which is corrupt, aside and begins a new one. The writer's thread only.
    func replaceCorrupt() {
        try? pool.close()
        let moved = StoreFile.moveAside(path)
        try? replace("the file turned out to be corrupt: \(moved)")
    }

    private func replace(_ note: String) throws {
        let opened = try StoreFile.open(path: path, limits: limits, queuesInterrupted: queuesInterrupted)
        let identity = FileIdentity(path: path)
        let old = state.withLock { state in
            defer { state.pool = opened.pool }
            state.file = identity
            state.generation += 1
            state.notes = (state.notes + [note] + opened.notes).suffix(Self.notesKept)
            return state.pool
        }
        try? old.close()
        let tell = noted.withLock { $0 }
        for note in [note] + opened.notes { tell?(note) }
    }

    /// Notes that are kept, the last ones.
    private static let notesKept = 20
}
