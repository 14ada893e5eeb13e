import Glibc

/// Entries on their way from the loops to the writer: bounded, and the lock is held for an append or a swap only.
final class RecordQueue: @unchecked Sendable {
    // All that is mutable is behind `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let limits: StoreLimits
    private var waiting: [RecordEntry] = []
    /// Entries and bytes that wait or are in the writer's hands.
    private var outstanding = 0
    private var outstandingBytes = 0
    private var isClosed = false
    private var stats = WriterStats()

    init(_ limits: StoreLimits) {
        self.limits = limits
        mutex.initialize(to: pthread_mutex_t())
        changed.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Waits for a change, or until this moment of the monotonic clock in milliseconds. The lock is held.
    private func wait(until moment: Int64?) {
        guard let moment else { return _ = pthread_cond_wait(changed, mutex) }
        var time = timespec(tv_sec: Int(moment / 1_000), tv_nsec: Int(moment % 1_000) * 1_000_000)
        pthread_cond_timedwait(changed, mutex, &time)
    }

    // MARK: Loops

    /// Puts an entry in line, or drops and counts it.
    func put(_ entry: RecordEntry) {
        guard entry.isStored else { return }
        let bytes = entry.bytes
        let limit = entry.isVital ? limits.queueEntries + limits.queueReserve : limits.queueEntries
        locked {
            guard !isClosed, outstanding < limit, outstandingBytes + bytes <= limits.queueBytes || entry.isVital else {
                stats.dropped += 1
                return
            }
            waiting.append(entry)
            outstanding += 1
            outstandingBytes += bytes
            // The writer sleeps without an end only when nothing waits.
            if waiting.count == 1 || waiting.count == limits.batchEntries { pthread_cond_broadcast(changed) }
        }
    }

    // MARK: The writer

    /// Everything that waits, once a batch is whole or the oldest has waited long enough; nil when the queue is closed
    /// and empty.
    func take(swapping spare: inout [RecordEntry]) -> Bool {
        locked {
            while waiting.isEmpty, !isClosed { wait(until: nil) }
            let due = MonotonicClock.milliseconds + Int64(limits.batchMilliseconds)
            while waiting.count < limits.batchEntries, !isClosed, MonotonicClock.milliseconds < due { wait(until: due) }
            swap(&waiting, &spare)
            return !spare.isEmpty
        }
    }

    /// These entries are out of the writer's hands.
    func settled(_ entries: ArraySlice<RecordEntry>, dropped: Int = 0) {
        let bytes = entries.reduce(0) { $0 + $1.bytes }
        locked {
            outstanding -= entries.count
            outstandingBytes -= bytes
            stats.written += entries.count - dropped
            stats.dropped += dropped
            pthread_cond_broadcast(changed)
        }
    }

    /// Notes how an attempt went.
    func attempted(error: String?, orphans: Int = 0) {
        locked {
            stats.orphans += orphans
            stats.isHealthy = error == nil
            guard let error else { return }
            stats.failures += 1
            stats.lastError = error
        }
    }

    /// Sleeps between two attempts; false when the queue was closed meanwhile.
    func pause(milliseconds: Int) -> Bool {
        let due = MonotonicClock.milliseconds + Int64(milliseconds)
        return locked {
            while !isClosed, MonotonicClock.milliseconds < due { wait(until: due) }
            return !isClosed
        }
    }

    // MARK: Everybody

    var current: WriterStats {
        locked {
            var stats = stats
            stats.queued = outstanding
            return stats
        }
    }

    /// Takes nothing more.
    func close() {
        locked {
            isClosed = true
            pthread_cond_broadcast(changed)
        }
    }

    /// Waits until everything is out of the writer's hands; false when that took too long.
    func waitUntilSettled(milliseconds: Int) -> Bool {
        let due = MonotonicClock.milliseconds + Int64(milliseconds)
        return locked {
            while outstanding > 0, MonotonicClock.milliseconds < due { wait(until: due) }
            return outstanding == 0
        }
    }
}
