import Trunk

/// Entries on their way from the loops to the writer: bounded, and the lock is held for an append or a swap only.
final class RecordQueue: Sendable {
    private struct State {
        var waiting: [RecordEntry] = []
        /// Entries and bytes that wait or are in the writer's hands.
        var outstanding = 0
        var outstandingBytes = 0
        var isClosed = false
        var stats = WriterStats()
    }

    private let state = Monitor(State())
    private let limits: StoreLimits

    init(_ limits: StoreLimits) { self.limits = limits }

    // MARK: Loops

    /// Puts an entry in line, or drops and counts it.
    func put(_ entry: RecordEntry) {
        guard entry.isStored else { return }
        let bytes = entry.bytes
        let limit = entry.isVital ? limits.queueEntries + limits.queueReserve : limits.queueEntries
        let isAwaited = state.withLock { state in
            guard !state.isClosed, state.outstanding < limit,
                state.outstandingBytes + bytes <= limits.queueBytes || entry.isVital
            else {
                state.stats.dropped += 1
                return false
            }
            state.waiting.append(entry)
            state.outstanding += 1
            state.outstandingBytes += bytes
            return state.waiting.count == 1 || state.waiting.count == limits.batchEntries
        }
        // Otherwise the writer has been woken already, or sleeps until its batch is due.
        if isAwaited { state.wake() }
    }

    // MARK: The writer

    /// Everything that waits, once a batch is whole or the oldest has waited long enough; nil when the queue is closed
    /// and empty.
    func take(swapping spare: inout [RecordEntry]) -> Bool {
        _ = state.wait { $0.waiting.isEmpty && !$0.isClosed ? nil : () }
        _ = state.wait(milliseconds: limits.batchMilliseconds) { state in
            state.waiting.count < limits.batchEntries && !state.isClosed ? nil : ()
        }
        return state.withLock { state in
            swap(&state.waiting, &spare)
            return !spare.isEmpty
        }
    }

    /// These entries are out of the writer's hands.
    func settled(_ entries: ArraySlice<RecordEntry>, dropped: Int = 0) {
        let bytes = entries.reduce(0) { $0 + $1.bytes }
        state.change { state in
            state.outstanding -= entries.count
            state.outstandingBytes -= bytes
            state.stats.written += entries.count - dropped
            state.stats.dropped += dropped
        }
    }

    /// Notes how an attempt went.
    func attempted(error: String?, orphans: Int = 0, turnsDropped: Int = 0) {
        state.withLock { state in
            state.stats.orphans += orphans
            state.stats.turnsDropped += turnsDropped
            state.stats.isHealthy = error == nil
            guard let error else { return }
            state.stats.failures += 1
            state.stats.lastError = error
        }
    }

    /// Sleeps between two attempts; false when the queue was closed meanwhile.
    func pause(milliseconds: Int) -> Bool {
        state.wait(milliseconds: milliseconds) { $0.isClosed ? () : nil } == nil
    }

    // MARK: Everybody

    var current: WriterStats {
        state.withLock { state in
            var stats = state.stats
            stats.queued = state.outstanding
            return stats
        }
    }

    /// Takes nothing more.
    func close() { state.change { $0.isClosed = true } }

    /// Waits until everything is out of the writer's hands; false when that took too long.
    func waitUntilSettled(milliseconds: Int) -> Bool {
        state.wait(milliseconds: milliseconds) { $0.outstanding == 0 ? () : nil } != nil
    }
}
