import ArgumentParser
import FoundationEssentials
import Glibc
import RealtimeProtocol

/// One run: the processes of relay, model and callers, and what was measured of them.
struct Session {
    /// What is measured.
    enum Subject {
        case relay
        case floor
        case other(Address, pid: Int32)

        var name: String {
            switch self {
            case .relay: "relay"
            case .floor: "floor"
            case .other: "other"
            }
        }
    }

    /// Where callers go, on this machine.
    struct Address {
        var port: Int
        var path = "/media-stream"
    }

    private let load: LoadOptions
    private let modelPort: Int
    private let folder: String
    private let keepsFolder: Bool

    init(_ load: LoadOptions, modelPort: Int = 0, certificates: String? = nil) throws {
        self.load = load
        self.modelPort = modelPort
        keepsFolder = certificates != nil
        folder =
            certificates
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Takes `ws://127.0.0.1:5050/media-stream` apart.
    static func address(_ text: String) throws -> Address {
        guard let url = URL(string: text), url.scheme == "ws", let host = url.host, let port = url.port,
            ["127.0.0.1", "localhost"].contains(host)
        else {
            throw ValidationError("--against takes a plain address on this machine: ws://127.0.0.1:PORT/PATH")
        }
        return Address(port: port, path: url.path.isEmpty ? "/" : url.path)
    }

    func measure(_ subject: Subject) throws -> Measurement {
        defer { if !keepsFolder { try? FileManager.default.removeItem(atPath: folder) } }
        let model = try startModel()
        let modelPort = try model.port()
        var relay: Child?
        let address: Address
        let pid: Int32
        switch subject {
        case .relay:
            let child = try startRelay(modelPort)
            let path = load.opus ? RelayRole.devicePath : Address(port: 0).path
            (relay, address, pid) = (child, Address(port: try child.port(), path: path), child.pid)
        case .floor:
            let child = try Child(["floor", "--model-port", "\(modelPort)"] + (load.tls ? ["--tls"] : []))
            (relay, address, pid) = (child, Address(port: try child.port()), child.pid)
        case .other(let otherAddress, let otherPid): (address, pid) = (otherAddress, otherPid)
        }
        let idle = ProcessUse(pid)
        let before = if case .relay = subject { try relay?.counters() ?? .null } else { JSONValue.null }
        let callers = try startCallers(address)
        var measurement = try follow(callers, pid, idle)
        if case .relay = subject {
            measurement.counters = Counters(try relay?.counters() ?? .null, since: before)
        }
        relay?.terminate()
        measurement.model = try model.finish()
        return measurement
    }

    /// The model's process, on a port of its own; a certificate stands in the folder.
    func startModel(port: Int? = nil) throws -> Child {
        let arguments =
            ["model", "--barge-in", "\(load.bargeIn)", "--port", "\(port ?? modelPort)"] + (load.opus ? ["--pcm"] : [])
        return try Child(arguments + (load.tls ? ["--folder", folder] : []), core: Cores.model(load.loops))
    }

    /// The relay's process, which dials the model at a port.
    func startRelay(_ modelPort: Int) throws -> Child {
        var arguments = ["relay", "--model-port", "\(modelPort)", "--loops", "\(load.loops)"]
        arguments += ["--append-ms", "\(load.appendMs)", "--calls-max", "\(max(1_000, load.calls * 2))"]
        arguments += ["--opus-complexity", "\(load.opusComplexity)"]
        if load.tls { arguments += ["--authority-file", folder + "/loopback-certificate.pem"] }
        return try Child(arguments, core: Cores.relay(load.loops))
    }

    /// The callers' process.
    func startCallers(_ address: Address, followsLosses: Bool = false) throws -> Child {
        try Child(
            [
                "callers", "--port", "\(address.port)", "--path", address.path, "--calls", "\(load.calls)", "--seconds",
                "\(load.seconds)", "--ramp", "\(load.ramp)", "--churn", "\(load.churn)",
            ] + (followsLosses ? ["--follows-losses"] : []) + (load.opus ? ["--opus-frame", "\(load.opusFrame)"] : []),
            core: Cores.callers(load.loops)
        )
    }

    /// Removes what the session wrote.
    func cleanUp() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Reads the callers' progress; samples the relay once a second.
    func follow(_ callers: Child, _ pid: Int32, _ idle: ProcessUse) throws -> Measurement {
        var samples: [ProcessUse] = []
        let progress = isatty(STDERR_FILENO) != 0
        while let line = callers.line() {
            let words = line.split(separator: " ")
            if words.first == "second" {
                samples.append(ProcessUse(pid))
                if progress { tellUser("\r  \(line) calls ") }
                continue
            }
            if progress { tellUser("\r\u{1B}[K") }
            return Measurement(load: load, callers: try JSONValue(parsing: line), idle: idle, samples: samples)
        }
        throw Failure("the callers' process ended without a report")
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }
}

/// Which cores the processes run on: their own where the machine has enough, else any.
enum Cores {
    private static let count = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    static func relay(_ loops: Int) -> ClosedRange<Int>? { count >= loops + 2 ? 0...(loops - 1) : nil }
    static func model(_ loops: Int) -> ClosedRange<Int>? { count >= loops + 2 ? loops...loops : nil }
    static func callers(_ loops: Int) -> ClosedRange<Int>? { count >= loops + 2 ? (loops + 1)...(loops + 1) : nil }
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
