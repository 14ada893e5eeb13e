import ArgumentParser
import CBench
import CallBridge
import CallPolicy
import Foundation
import Logging
import RealtimeProtocol
import Trunk

/// Prints one line at once: the parent process reads it.
private func tell(_ line: String) {
    print(line)
    fflush(nil)
}

/// The callers' process.
struct CallersRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "callers", shouldDisplay: false)

    @Option var port: UInt16
    @Option var calls: UInt32
    @Option var seconds: UInt32
    @Option var ramp: UInt32

    func run() throws {
        var config = bench_callers_config()
        config.port = port
        config.calls = calls
        config.seconds = seconds
        config.ramp_ms = ramp
        config.progress = { second, open in tell("second \(second) \(open)") }
        let report = UnsafeMutablePointer<bench_report>.allocate(capacity: 1)
        report.initialize(to: bench_report())
        let status = bench_run_callers(&config, report)
        tell(RoleReport(report).json.text)
        if status != 0 { throw ExitCode.failure }
    }
}

/// The model's process.
struct ModelRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "model", shouldDisplay: false)

    @Option var folder: String?
    @Option var bargeIn: UInt32 = 0

    func run() throws {
        let certificate = try folder.map { try LoopbackCertificate(in: $0) }
        var config = bench_model_config()
        config.barge_in_seconds = bargeIn
        config.listening = { port in tell("listening \(port)") }
        let report = UnsafeMutablePointer<bench_report>.allocate(capacity: 1)
        report.initialize(to: bench_report())
        let status = (certificate?.certificateFile ?? "").withCString { certificateFile in
            (certificate?.keyFile ?? "").withCString { keyFile in
                config.certificate_file = certificate == nil ? nil : certificateFile
                config.key_file = certificate == nil ? nil : keyFile
                return bench_run_model(&config, report)
            }
        }
        tell(RoleReport(report).json.text)
        if status != 0 { throw ExitCode.failure }
    }
}

/// The floor's process.
struct FloorRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "floor", shouldDisplay: false)

    @Option var modelPort: UInt16
    @Flag var tls = false

    func run() throws {
        var config = bench_floor_config()
        config.model_port = modelPort
        config.tls = tls
        config.listening = { port in tell("listening \(port)") }
        if bench_run_floor(&config) != 0 { throw ExitCode.failure }
    }
}

/// The process of the relay under test: engine, bridge and policy as `trunkline serve` has them.
struct RelayRole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "relay", shouldDisplay: false)

    @Option var modelPort: Int
    @Option var authorityFile: String?
    @Option var loops = 1
    @Option var appendMs = 20

    func run() async throws {
        let scheme = authorityFile == nil ? "ws" : "wss"
        let endpoint = try ModelEndpoint(
            url: "\(scheme)://localhost:\(modelPort)/v1/realtime",
            model: "gpt-realtime-2.1",
            key: "sk-bench",
            authorityFile: authorityFile
        )
        var logger = Logger(label: "trunkline") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let bridge = BridgeConfiguration(model: endpoint, logger: logger)
        var configuration = EngineConfiguration()
        configuration.appendMilliseconds = appendMs
        var port = 0
        var engines: [CallEngine] = []
        for _ in 0..<loops {
            let engine = try CallEngine.start(configuration)
            let address = ListenAddress(host: "127.0.0.1", port: port, paths: [], sharesPort: loops > 1)
            port = try await engine.perform { engine in try Bridge.listen(address, bridge, on: engine) }
            engines.append(engine)
        }
        tell("listening \(port)")
        // The parent asks for the counters by closing our input.
        while readLine() != nil {}
        var lines: [String] = []
        for engine in engines {
            let stats = await engine.stats
            lines.append("\(stats.writes) \(stats.reads) \(stats.carrierFramesIn) \(stats.carrierFramesOut)")
        }
        tell("counters \(lines.joined(separator: " "))")
        for engine in engines { await engine.stop() }
    }
}
