import Glibc

/// A value behind a lock, for threads of our own that sleep until it changes. `Locked` is for those that never wait.
///
/// Times are of the monotonic clock: somebody may set the time of day back.
package final class Monitor<Value>: @unchecked Sendable {
    // All that is mutable is behind `mutex`.
    private var value: Value
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Puts a value behind a lock of its own.
    package init(_ value: sending Value) {
        self.value = value
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

    /// Runs a closure that has the value to itself, and wakes nobody.
    package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }

    /// Runs a closure that has the value to itself, and wakes all who wait.
    package func change<Result>(_ body: (inout Value) -> Result) -> Result {
        defer { wake() }
        return withLock(body)
    }

    /// Wakes all who wait: what they wait for is asked again.
    package func wake() { pthread_cond_broadcast(changed) }

    /// Sleeps until a closure has an answer, which is asked again after each change; nil when the time is over.
    ///
    /// - Parameters:
    ///   - milliseconds: How long at most; nil is for ever.
    ///   - body: Has the value to itself; nil is no answer yet.
    package func wait<Result>(milliseconds: Int? = nil, until body: (inout Value) -> Result?) -> Result? {
        var due = timespec()
        clock_gettime(CLOCK_MONOTONIC, &due)
        due.tv_nsec += (milliseconds ?? 0) % 1_000 * 1_000_000
        due.tv_sec += (milliseconds ?? 0) / 1_000 + due.tv_nsec / 1_000_000_000
        due.tv_nsec %= 1_000_000_000
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&value) { return result }
            if milliseconds == nil {
                pthread_cond_wait(changed, mutex)
            } else if pthread_cond_timedwait(changed, mutex, &due) == ETIMEDOUT {
                return body(&value)
            }
        }
    }
}
