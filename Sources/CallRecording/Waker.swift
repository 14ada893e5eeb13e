import Glibc

/// Lets one thread sleep until it is woken or a time is over.
final class Waker: @unchecked Sendable {
    // All that is mutable is behind `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let woken = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isWoken = false

    init() {
        mutex.initialize(to: pthread_mutex_t())
        woken.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        // Not the time of day: somebody may set it back.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(woken, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(woken)
        pthread_mutex_destroy(mutex)
        woken.deallocate()
        mutex.deallocate()
    }

    func wake() {
        pthread_mutex_lock(mutex)
        isWoken = true
        pthread_cond_signal(woken)
        pthread_mutex_unlock(mutex)
    }

    /// Returns at once when it was woken since the last wait. Several wake-ups count as one.
    func wait(milliseconds: Int?) {
        var due = timespec()
        clock_gettime(CLOCK_MONOTONIC, &due)
        due.tv_nsec += (milliseconds ?? 0) * 1_000_000
        due.tv_sec += due.tv_nsec / 1_000_000_000
        due.tv_nsec %= 1_000_000_000
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isWoken {
            if milliseconds == nil {
                pthread_cond_wait(woken, mutex)
            } else if pthread_cond_timedwait(woken, mutex, &due) != 0 {
                break
            }
        }
        isWoken = false
    }
}
