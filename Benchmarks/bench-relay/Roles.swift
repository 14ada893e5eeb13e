import ArgumentParser
import CBench
import Glibc
import RealtimeProtocol
import Trunk

/// Prints one line at once: the parent process reads it.
func tell(_ line: String) {
    print(line)
    fflush(nil)
}

/// What every process of a run is told.
struct RoleOptions: ParsableArguments {
    @Option var firstCore: UInt32?
    @Option var lastCore: UInt32?

    /// Stays on its cores, and ends with the process that started it.
    func prepare() {
        if let firstCore, let lastCore { _ = bench_bind_cores(firstCore, lastCore) }
        bench_end_with_parent()
    }
}

/// Runs a role of the load with a report of its own, and tells it.
private func report(_ body: (UnsafeMutablePointer<bench_report>) -> Int32) throws {
    let report = UnsafeMutablePointer<bench_report>.allocate(capacity: 1)
    defer { report.deallocate() }
    report.initialize(to: bench_report())
    let status = body(report)
    tell(RoleReport(report).json.text)
    if status != 0 { throw ExitCode.failure }
}

/// The callers' process.
struct CallersRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "callers", shouldDisplay: false)

    @OptionGroup var role: RoleOptions
    @Option var port: UInt16
    @Option var path: String
    @Option var calls: UInt32
    @Option var seconds: UInt32
    @Option var ramp: UInt32
    @Option var churn: UInt32
    @Flag var followsLosses = false
    @Option var opusFrame: UInt32 = 0

    func run() throws {
        role.prepare()
        var config = bench_callers_config()
        config.opus_frame_ms = opusFrame
        config.port = port
        config.calls = calls
        config.seconds = seconds
        config.ramp_ms = ramp
        config.churn_per_s = churn
        config.progress = { second, open in tell("second \(second) \(open)") }
        config.follows_losses = followsLosses
        if followsLosses { config.talking = { passed, talking in tell("talking \(passed) \(talking)") } }
        try path.withCString { path in
            config.path = path
            try report { opusFrame > 0 ? bench_run_devices(&config, $0) : bench_run_callers(&config, $0) }
        }
    }
}

/// The model's process.
struct ModelRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "model", shouldDisplay: false)

    @OptionGroup var role: RoleOptions
    @Option var folder: String?
    @Option var port: UInt16 = 0
    @Option var bargeIn: UInt32 = 0
    @Flag var pcm = false

    func run() throws {
        role.prepare()
        let certificate = try folder.map { try LoopbackCertificate(keptIn: $0) }
        var config = bench_model_config()
        config.port = port
        config.barge_in_seconds = bargeIn
        config.pcm = pcm
        config.listening = { port in tell("listening \(port)") }
        try (certificate?.certificateFile ?? "").withCString { certificateFile in
            try (certificate?.keyFile ?? "").withCString { keyFile in
                config.certificate_file = certificate == nil ? nil : certificateFile
                config.key_file = certificate == nil ? nil : keyFile
                try report { bench_run_model(&config, $0) }
            }
        }
    }
}

/// The floor's process.
struct FloorRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "floor", shouldDisplay: false)

    @OptionGroup var role: RoleOptions
    @Option var modelPort: UInt16
    @Flag var tls = false

    func run() throws {
        role.prepare()
        var config = bench_floor_config()
        config.model_port = modelPort
        config.tls = tls
        config.listening = { port in tell("listening \(port)") }
        if bench_run_floor(&config) != 0 { throw ExitCode.failure }
    }
}

/// A bad network between relay and model.
struct ProxyRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "proxy", shouldDisplay: false)

    @OptionGroup var role: RoleOptions
    @Option var targetPort: UInt16
    @Option var delay: UInt32 = 0
    @Option var rate: UInt32 = 0
    @Option var fault: UInt32 = 0
    @Option var faultAfter: UInt32 = 0
    @Option var faultyConnections: UInt32 = 0

    func run() throws {
        role.prepare()
        var config = bench_proxy_config()
        config.target_port = targetPort
        config.delay_ms = delay
        config.bytes_per_s = rate
        config.fault = bench_fault(rawValue: fault)
        config.fault_after_ms = faultAfter
        config.faulty_connections = faultyConnections
        config.listening = { port in tell("listening \(port)") }
        if bench_run_proxy(&config) != 0 { throw ExitCode.failure }
    }
}
