public import CallBridge
public import CallPolicy
public import Logging
import Simulators
public import Trunk

/// A server: one or several engines that share a port, each with a bridge.
public final class Server: Sendable {
    private let engines: [CallEngine]
    private let parrot: CallEngine?
    /// The port that phones connect to.
    public let port: Int

    private init(engines: [CallEngine], parrot: CallEngine?, port: Int) {
        self.engines = engines
        self.parrot = parrot
        self.port = port
    }

    /// Starts listening. Without a key and an address of a model, a built-in parrot answers.
    ///
    /// - Parameters:
    ///   - settings: What the server is told.
    ///   - tools: What the model can ask for.
    ///   - logger: Where log lines go.
    ///   - observer: Hears of everything worth writing down.
    public static func start(
        _ settings: Settings,
        tools: ToolRegistry = ToolRegistry(),
        logger: Logger,
        observer: @escaping @Sendable (CallRecord) -> Void = { _ in }
    ) async throws -> Server {
        var parrot: CallEngine?
        var endpoint = try settings.endpoint()
        if settings.usesParrot {
            let engine = try CallEngine.start()
            let port = try await engine.perform { engine in try ModelSimulator.listen(ModelScript(), on: engine) }
            parrot = engine
            endpoint = try ModelEndpoint(
                url: "ws://127.0.0.1:\(port)\(ModelSimulator.path)",
                model: settings.call.session.model,
                key: ""
            )
        }
        var configuration = BridgeConfiguration(
            model: endpoint,
            call: settings.call,
            tools: tools,
            capacity: CallCapacity(settings.callsMax),
            connectRate: ConnectRate(perSecond: settings.connectsPerSecond, burst: settings.connectsPerSecond),
            logger: logger
        )
        configuration.observer = observer
        let bridge = configuration
        var port = settings.port
        var engines: [CallEngine] = []
        do {
            for _ in 0..<settings.loops {
                let engine = try CallEngine.start(settings.engine)
                engines.append(engine)
                let address = ListenAddress(
                    host: settings.host,
                    port: port,
                    paths: [],
                    sharesPort: settings.loops > 1
                )
                port = try await engine.perform { engine in try Bridge.listen(address, bridge, on: engine) }
            }
        } catch {
            let isTrust = (error as? TrunkError)?.code == .tls
            for engine in engines + [parrot].compactMap({ $0 }) { await engine.stop() }
            if isTrust, let file = settings.authorityFile {
                throw Settings.Failure(problems: ["OPENAI_CA_FILE: \"\(file)\" holds no certificate that can be read"])
            }
            throw error
        }
        return Server(engines: engines, parrot: parrot, port: port)
    }

    /// The counters of all engines.
    public func stats() async -> [EngineStats] {
        var stats: [EngineStats] = []
        for engine in engines { stats.append(await engine.stats) }
        return stats
    }

    /// Takes no new calls; those that are open go on.
    public func stopListening() async {
        for engine in engines { await engine.perform { $0.stopListening() } }
    }

    /// Calls that are open.
    public func openCalls() async -> Int {
        var count = 0
        for engine in engines { count += Int(await engine.stats.callsOpen) }
        return count
    }

    /// Ends everything.
    public func stop() async {
        for engine in engines { await engine.stop() }
        await parrot?.stop()
    }
}
