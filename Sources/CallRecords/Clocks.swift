import Glibc

enum MonotonicClock {
    /// Microseconds of the clock that `CallRecord.at` is told in.
    static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    static var milliseconds: Int64 { microseconds / 1_000 }
}

enum UnixTime {
    /// Milliseconds since 1970.
    static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// `2026-11-26T19:57:07.531Z`.
    static func text(_ milliseconds: Int64) -> String {
        var seconds = Int((milliseconds - (milliseconds % 1_000 + 1_000) % 1_000) / 1_000)
        let rest = Int((milliseconds % 1_000 + 1_000) % 1_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ value: Int32, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let date = "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let time = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
        return "\(date)T\(time).\(digits(Int32(rest), 3))Z"
    }
}
