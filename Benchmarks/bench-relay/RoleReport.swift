import CBench
import RealtimeProtocol

/// What a process of the load reports, as one line of JSON.
struct RoleReport {
    private let report: UnsafeMutablePointer<bench_report>

    init(_ report: UnsafeMutablePointer<bench_report>) { self.report = report }

    var json: JSONValue {
        func number(_ value: UInt64) -> JSONValue { .integer(Int64(clamping: value)) }
        return [
            "opened": number(report.pointee.opened), "failed": number(report.pointee.failed),
            "replaced": number(report.pointee.replaced), "sent": number(report.pointee.sent),
            "received": number(report.pointee.frames.received), "lost": number(report.pointee.frames.lost),
            "repeated": number(report.pointee.frames.repeated), "reordered": number(report.pointee.frames.reordered),
            "truncations": number(report.pointee.truncations), "clears": number(report.pointee.clears),
            "cpu_seconds": .number(report.pointee.cpu_seconds), "seconds": .number(report.pointee.seconds),
            "latency_us": percentiles(&report.pointee.frames.latency),
            "latency_counts": counts(&report.pointee.frames.latency), "setup_us": percentiles(&report.pointee.setup),
        ]
    }

    private func percentiles(_ histogram: UnsafePointer<bench_histogram>) -> JSONValue {
        func at(_ share: Double) -> JSONValue { .integer(Int64(clamping: bench_percentile(histogram, share))) }
        return [
            "p50": at(0.5), "p99": at(0.99), "p999": at(0.999),
            "max": .integer(Int64(clamping: histogram.pointee.max_us)),
        ]
    }

    /// Pairs: a number of microseconds, and how many latencies lie between it and the next one.
    private func counts(_ histogram: UnsafePointer<bench_histogram>) -> JSONValue {
        var pairs: [JSONValue] = []
        withUnsafeBytes(of: histogram.pointee.counts) { bytes in
            for (bucket, count) in bytes.bindMemory(to: UInt64.self).enumerated() where count > 0 {
                let floor = Int64(clamping: bench_bucket_floor(UInt32(bucket)))
                pairs.append(.array([.integer(floor), .integer(Int64(clamping: count))]))
            }
        }
        return .array(pairs)
    }
}
