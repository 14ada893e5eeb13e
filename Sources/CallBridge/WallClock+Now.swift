public import CallPolicy
import Glibc

extension WallClock {
    /// The time of this server, in its own zone.
    ///
    /// From the C library: Foundation's time zones bring the data of all the world's languages into memory.
    public static func now() -> WallClock {
        var seconds = time(nil)
        var local = tm()
        localtime_r(&seconds, &local)
        let abbreviation = local.tm_zone.map { String(cString: $0) } ?? "UTC"
        return WallClock(
            secondsSince1970: Int64(seconds),
            offsetSeconds: Int(local.tm_gmtoff),
            zoneName: zoneName ?? abbreviation
        )
    }

    /// The name of the zone, such as `Europe/Berlin`: of `TZ`, or of the file that `/etc/localtime` points to.
    private static let zoneName: String? = {
        if let name = getenv("TZ").map({ String(cString: $0) }), name.contains("/") {
            return String(name.trimmingPrefix(":"))
        }
        guard let path = realpath("/etc/localtime", nil) else { return nil }
        defer { free(path) }
        let parts = String(cString: path).split(separator: "/")
        guard let start = parts.firstIndex(of: "zoneinfo") else { return nil }
        return parts[(start + 1)...].joined(separator: "/")
    }()
}
