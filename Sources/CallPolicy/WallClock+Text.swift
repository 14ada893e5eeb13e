extension WallClock: CustomStringConvertible {
    /// The local time as the model likes to read it, such as
    /// `{"time":"2026-11-20T14:03:07+01:00","weekday":"Friday","zone":"Europe/Berlin"}`.
    public var description: String {
        let local = secondsSince1970 + Int64(offsetSeconds)
        let days = local.floorDivided(by: 86_400)
        let seconds = Int(local - days * 86_400)
        let (year, month, day) = Self.civil(days)
        let weekday = Self.weekdays[Int((days + 4) - (days + 4).floorDivided(by: 7) * 7)]
        let date = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        let offset = abs(offsetSeconds) / 60
        let sign = offsetSeconds < 0 ? "-" : "+"
        let zone = "\(sign)\(Self.padded(offset / 60, 2)):\(Self.padded(offset % 60, 2))"
        return #"{"time":"\#(date)T\#(time)\#(zone)","weekday":"\#(weekday)","zone":"\#(zoneName)"}"#
    }

    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// The date of a day since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
    private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        let month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        let year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }
}

extension Int64 {
    /// The quotient rounded towards minus infinity.
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : (self - divisor + 1) / divisor
    }
}
