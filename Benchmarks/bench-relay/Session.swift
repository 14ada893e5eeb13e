import Foundation
import RealtimeProtocol

/// One run: the processes of relay, model and callers, and what was measured of them.
struct Session {
    /// What is measured.
    enum Subject {
        case relay
        case floor
        case other(port: Int, pid: Int32)
    }

    private let load: LoadOptions
    private let folder: String

    init(_ load: LoadOptions) throws {
        self.load = load
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func measure(_ subject: Subject) throws -> Measurement {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let model = try Child(["model", "--barge-in", "\(load.bargeIn)"] + (load.tls ? ["--folder", folder] : []))
        let modelPort = try model.port()
        var relay: Child?
        let port: Int
        let pid: Int32
        switch subject {
        case .relay:
            var arguments = ["relay", "--model-port", "\(modelPort)", "--loops", "\(load.loops)"]
            arguments += ["--append-ms", "\(load.appendMs)"]
            if load.tls { arguments += ["--authority-file", folder + "/loopback-certificate.pem"] }
            let child = try Child(arguments)
            (relay, port, pid) = (child, try child.port(), child.pid)
        case .floor:
            let child = try Child(["floor", "--model-port", "\(modelPort)"] + (load.tls ? ["--tls"] : []))
            (relay, port, pid) = (child, try child.port(), child.pid)
        case .other(let otherPort, let otherPid): (port, pid) = (otherPort, otherPid)
        }
        let idle = ProcessUse(pid)
        let callers = try Child([
            "callers", "--port", "\(port)", "--calls", "\(load.calls)", "--seconds", "\(load.seconds)", "--ramp",
            "\(load.ramp)",
        ])
        var measurement = try follow(callers, pid, idle)
        if case .relay = subject { measurement.counters = relay?.counters() ?? [] }
        relay?.terminate()
        measurement.model = try model.finish()
        return measurement
    }

    /// Reads the callers' progress; samples the relay when the measurement begins and when it ends.
    private func follow(_ callers: Child, _ pid: Int32, _ idle: ProcessUse) throws -> Measurement {
        var first: ProcessUse?
        var last = idle
        let progress = isatty(STDERR_FILENO) != 0
        while let line = callers.line() {
            let words = line.split(separator: " ")
            if words.first == "second" {
                let use = ProcessUse(pid)
                first = first ?? use
                last = use
                if progress { FileHandle.standardError.write(Data("\r\(line) calls ".utf8)) }
                continue
            }
            if progress { FileHandle.standardError.write(Data("\r".utf8)) }
            let json = try JSONValue(parsing: line)
            return Measurement(
                calls: load.calls,
                callers: json,
                idle: idle,
                first: first ?? idle,
                last: last
            )
        }
        throw Failure("the callers' process ended without a report")
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }
}

/// CPU and memory of a process at one moment.
struct ProcessUse {
    /// User and system time, seconds.
    let cpuSeconds: Double
    /// When, seconds of the monotonic clock.
    let at: Double
    /// Resident memory, bytes.
    let residentBytes: Int

    init(_ pid: Int32) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        at = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        // The name in brackets may hold spaces; the fields count from behind it.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.count > 12 ? (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0) : 0
        cpuSeconds = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        let memory = (try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)) ?? ""
        residentBytes =
            (memory.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
