import Glibc

/// The clock that only goes forward, by which the core tells its times.
package enum MonotonicClock {
    /// Microseconds since some moment of this boot.
    package static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// The same in milliseconds.
    package static var milliseconds: Int64 { microseconds / 1_000 }
}
