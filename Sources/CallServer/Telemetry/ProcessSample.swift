import Glibc

/// What the system tells of this process (proc(5)), under the names that Prometheus' own clients use.
struct ProcessSample: Sendable {
    var residentBytes = 0
    var virtualBytes = 0
    var cpuSeconds = 0.0
    var descriptors = 0
    var descriptorsMaximum = 0
    var startSeconds = 0.0

    /// Measures now. Not for a loop's thread: it reads files.
    static func now() -> ProcessSample {
        var sample = ProcessSample()
        let page = sysconf(Int32(_SC_PAGESIZE))
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        // The command's name, in brackets, may hold anything.
        let stat = (try? TextFile.read("/proc/self/stat")) ?? ""
        if let end = stat.lastIndex(of: ")") {
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            // Fields 14 and 15 are times, 22 the start, 23 and 24 memory; the first here is field 3.
            if fields.count > 21 {
                sample.cpuSeconds = ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / ticks
                sample.startSeconds = bootTime + (Double(fields[19]) ?? 0) / ticks
                sample.virtualBytes = Int(fields[20]) ?? 0
                sample.residentBytes = (Int(fields[21]) ?? 0) * page
            }
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            sample.descriptorsMaximum = Int(clamping: limit.rlim_cur)
        }
        sample.descriptors = openDescriptors()
        return sample
    }

    private static let bootTime: Double = {
        let stat = (try? TextFile.read("/proc/stat")) ?? ""
        let line = stat.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
    }()

    private static func openDescriptors() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Without `.`, `..` and the folder's own.
        return max(0, count - 3)
    }

    var families: [MetricFamily] {
        [
            MetricFamily("process_cpu_seconds_total", "CPU time of all threads.", .counter([.init(cpuSeconds)])),
            .gauge("process_resident_memory_bytes", "Resident memory.", Double(residentBytes)),
            .gauge("process_virtual_memory_bytes", "Virtual memory.", Double(virtualBytes)),
            .gauge("process_open_fds", "Open descriptors.", Double(descriptors)),
            .gauge("process_max_fds", "Descriptors that may be open.", Double(descriptorsMaximum)),
            .gauge("process_start_time_seconds", "When the process began, since 1970.", startSeconds),
        ]
    }
}
