import Glibc

/// Processor, memory and disk, from what the system tells.
public struct SystemSample: Sendable, Hashable {
    /// Moments of all processors since the start, idle ones included; unit of `/proc/stat`.
    public var cpuTotal: UInt64 = 0
    /// Of those, idle ones.
    public var cpuIdle: UInt64 = 0
    /// Bytes of memory.
    public var memoryTotal: UInt64 = 0
    /// Bytes of memory that can be had.
    public var memoryAvailable: UInt64 = 0
    /// Per cent of the disk.
    public var diskPercent = 0.0

    /// Reads texts such as those of `/proc/stat` and `/proc/meminfo`.
    public init(stat: String, memory: String, diskPercent: Double = 0) {
        self.diskPercent = diskPercent
        let line = stat.prefix { $0 != "\n" }
        if line.hasPrefix("cpu ") {
            // user nice system idle iowait irq softirq steal; guests are in user already (proc(5)).
            let values = line.split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) }
            cpuTotal = values.reduce(0, +)
            cpuIdle = values.dropFirst(3).prefix(2).reduce(0, +)
        }
        for line in memory.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kibibytes = UInt64(words[1]) else { continue }
            if words[0] == "MemTotal:" { memoryTotal = kibibytes * 1_024 }
            if words[0] == "MemAvailable:" { memoryAvailable = kibibytes * 1_024 }
        }
    }

    /// Measures now. Not for a loop's thread: it reads files.
    public static func now(disk path: String = ".") -> SystemSample {
        var status = Glibc.statvfs()
        var percent = 0.0
        if statvfs(path, &status) == 0, status.f_blocks > 0 {
            // As df(1) counts: what only root may use is in neither.
            let used = Double(status.f_blocks - status.f_bfree)
            percent = 100 * used / max(1, used + Double(status.f_bavail))
        }
        return SystemSample(
            stat: (try? TextFile.read("/proc/stat")) ?? "",
            memory: (try? TextFile.read("/proc/meminfo")) ?? "",
            diskPercent: percent
        )
    }

    /// Writes what changed since an earlier sample into the samples of the health page.
    public func fill(_ samples: inout HealthSamples, since earlier: SystemSample) {
        let total = cpuTotal >= earlier.cpuTotal ? cpuTotal - earlier.cpuTotal : 0
        let idle = min(total, cpuIdle >= earlier.cpuIdle ? cpuIdle - earlier.cpuIdle : 0)
        samples.cpuPercent = total == 0 ? 0 : 100 * Double(total - idle) / Double(total)
        samples.memoryAvailableBytes = memoryAvailable
        let used = memoryTotal - min(memoryTotal, memoryAvailable)
        samples.memoryPercent = memoryTotal == 0 ? 0 : 100 * Double(used) / Double(memoryTotal)
        samples.diskPercent = diskPercent
    }
}
