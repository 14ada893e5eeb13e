import Glibc

/// The time of day, for answers and records.
package enum UnixTime {
    /// Milliseconds since 1970.
    package static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Reads `2026-11-26` or a time as RFC 3339 section 5.6 writes it, in UTC or with an offset; nil when it is neither.
    package static func parse(_ text: String) -> Int64? {
        let digits = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= digits.count else { return nil }
            return Int(String(decoding: digits[range], as: UTF8.self))
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), digits[4] == 0x2D,
            digits[7] == 0x2D, (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (Int32(year - 1_900), Int32(month - 1), Int32(day))
        if digits.count == 10 { return Int64(timegm(&parts)) * 1_000 }
        guard digits.count >= 20, [0x54, 0x74, 0x20].contains(digits[10]), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19)
        else { return nil }
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(hour), Int32(minute), Int32(second))
        var rest = digits[19...]
        var milliseconds: Int64 = 0
        if rest.first == 0x2E {
            let fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            milliseconds =
                Int64(String(decoding: (Array(fraction) + [0x30, 0x30, 0x30]).prefix(3), as: UTF8.self)) ?? 0
            rest = rest.dropFirst(1 + fraction.count)
        }
        let moment = Int64(timegm(&parts)) * 1_000 + milliseconds
        if rest.elementsEqual([0x5A]) || rest.elementsEqual([0x7A]) { return moment }
        let offset = Array(rest)
        guard offset.count == 6, let hours = Int64(String(decoding: offset[1..<3], as: UTF8.self)),
            let minutes = Int64(String(decoding: offset[4..<6], as: UTF8.self)), offset[0] == 0x2B || offset[0] == 0x2D
        else { return nil }
        let ahead = (hours * 60 + minutes) * 60_000
        return offset[0] == 0x2B ? moment - ahead : moment + ahead
    }

    /// In UTC, as RFC 3339 section 5.6 writes it: `2026-11-26T19:57:07.531Z`.
    package static func text(_ milliseconds: Int64) -> String {
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
