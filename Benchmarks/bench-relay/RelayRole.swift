import ArgumentParser
import CBench
import CallBridge
import CallPolicy
import Glibc
import Logging
import RealtimeProtocol
import Trunk

/// The process of the relay under test: engine, bridge and policy as `trunkline serve` has them.
struct RelayRole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "relay", shouldDisplay: false)

    @OptionGroup var role: RoleOptions
    @Option var modelPort: Int
    @Option var authorityFile: String?
    @Option var loops = 1
    @Option var appendMs = 20
    @Option var callsMax = 1_000
    @Option var opusComplexity = 5

    /// Where devices connect.
    static let devicePath = "/device"

    func run() async throws {
        role.prepare()
        let scheme = authorityFile == nil ? "ws" : "wss"
        let endpoint = try ModelEndpoint(
            url: "\(scheme)://localhost:\(modelPort)/v1/realtime",
            model: "gpt-realtime-2.1",
            key: "sk-bench",
            authorityFile: authorityFile
        )
        var logger = Logger(label: "trunkline") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        var bridge = BridgeConfiguration(model: endpoint, capacity: CallCapacity(callsMax), logger: logger)
        bridge.opus.complexity = opusComplexity
        let told = bridge
        var configuration = EngineConfiguration.forCalls
        configuration.appendMilliseconds = appendMs
        configuration.callsMax = callsMax
        configuration.legsMax = callsMax * 3 + 1_000
        var port = 0
        var engines: [CallEngine] = []
        for _ in 0..<loops {
            let engine = try CallEngine.start(configuration)
            let paths = told.paths + [Self.devicePath]
            let address = ListenAddress(host: "127.0.0.1", port: port, paths: paths, sharesPort: loops > 1)
            port = try await engine.perform { engine in
                try engine.listen(address, acceptor: Callers(try Bridge.make(told, on: engine)))
            }
            engines.append(engine)
        }
        tell("listening \(port)")
        // The parent asks for the counters with a line, and ends us by closing our input.
        while readLine() != nil { tell(await Self.counters(engines).text) }
        for engine in engines { await engine.stop() }
    }

    /// The counters of all loops in one, and what the process holds.
    private static func counters(_ engines: [CallEngine]) async -> JSONValue {
        var sums: [String: Int64] = [:]
        for engine in engines {
            let stats = await engine.stats
            let counts: [(String, UInt64)] = [
                ("writes", stats.writes), ("reads", stats.reads), ("carrier_frames_in", stats.carrierFramesIn),
                ("carrier_frames_out", stats.carrierFramesOut), ("turns_over_5ms", stats.turnsOver5Milliseconds),
                ("calls_open", stats.callsOpen), ("legs_open", stats.legsOpen), ("calls_opened", stats.callsOpened),
                ("legs_dialled", stats.legsDialled), ("pool_blocks_in_use", stats.poolBlocksInUse),
                ("pool_blocks_total", stats.poolBlocksTotal), ("events_lost", stats.eventsLost),
                ("malformed", stats.malformed.values.reduce(0, +)), ("opus_in", stats.opusPacketsIn),
                ("opus_out", stats.opusPacketsOut), ("opus_invalid", stats.opusInvalid),
                ("caller_dropped_ms", stats.callerDroppedMilliseconds),
                ("allocated_objects", stats.allocations - stats.frees),
            ]
            for (name, count) in counts { sums[name, default: 0] += Int64(clamping: count) }
            sums["turn_longest_us"] = max(
                sums["turn_longest_us"] ?? 0,
                Int64(clamping: stats.turnLongestMicroseconds)
            )
        }
        // The pool keeps what it has taken; its blocks in use are a gauge of their own.
        let pool = (sums["pool_blocks_total"] ?? 0) * Int64(EngineStats.poolBlockBytes)
        sums["heap_bytes"] = Int64(clamping: bench_heap_bytes()) - pool
        sums["descriptors"] = Int64(bench_open_descriptors())
        return .object(
            JSONObject(
                sums.sorted { $0.key < $1.key }.map { JSONObject.Member(key: $0.key, value: .integer($0.value)) }
            )
        )
    }
}

/// Phones, and devices on a path of their own.
private final class Callers: LegAcceptor {
    private let bridge: Bridge
    private var devices = 0
    /// Tells the sessions of several loops apart.
    private let serial = UInt32.random(in: .min ... .max)

    init(_ bridge: Bridge) { self.bridge = bridge }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        guard request.head.hasPrefix("GET \(RelayRole.devicePath) ") else {
            return bridge.requested(leg, request, on: engine)
        }
        devices += 1
        let device = DeviceDialect.Device(deviceID: "bench", clientID: "", version: nil)
        let dialect = DeviceDialect(device, session: "bench-\(serial)-\(devices)")
        bridge.requested(leg, request, of: .binary(dialect), on: engine)
    }
}
