import Glibc

/// A value behind a lock, for what is shared between loops and tasks; held for moments, never on the audio path.
///
/// A POSIX mutex, not the standard library's `Mutex`: Thread Sanitizer does not see that one (a futex in code that is
/// not instrumented) and reports every use of it, so that a real race would stand among false ones.
public final class Locked<Value>: @unchecked Sendable {
    private var value: Value
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// Puts a value behind a lock of its own.
    public init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs a closure that has the value to itself. It must not wait, nor take the same lock.
    public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
