import CallPolicy
import Foundation

extension WallClock {
    /// The time of this server, in its own zone.
    static func now() -> WallClock {
        let date = Date()
        let zone = TimeZone.current
        return WallClock(
            secondsSince1970: Int64(date.timeIntervalSince1970),
            offsetSeconds: zone.secondsFromGMT(for: date),
            zoneName: zone.identifier
        )
    }
}
