public import CallBridge
public import CallPolicy
public import Logging
import ServiceLifecycle
import Simulators
public import Trunk
public import WebServer

/// A server: one or several engines that share a port, each with a bridge, and the HTTP side on the same port.
public final class Server: Sendable {
    private let engines: [CallEngine]
    private let parrot: CallEngine?
    private let web: WebSide
    /// The port that phones connect to, and everybody else.
    public let port: Int

    private init(engines: [CallEngine], parrot: CallEngine?, web: WebSide, port: Int) {
        self.engines = engines
        self.parrot = parrot
        self.web = web
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
        let (parrot, endpoint) = try await model(settings)
        var configuration = BridgeConfiguration(
            model: endpoint,
            call: settings.call,
            tools: tools,
            paths: PathAcceptor.paths,
            capacity: CallCapacity(settings.callsMax),
            connectRate: ConnectRate(perSecond: settings.connectsPerSecond, burst: settings.connectsPerSecond),
            logger: logger
        )
        var engines: [CallEngine] = []
        do {
            for _ in 0..<settings.loops { engines.append(try CallEngine.start(settings.engine)) }
            let web = WebSide(settings, configuration, engines, logger)
            configuration.watcher = web.hub
            configuration.admits = { web.carrier.admits($0) }
            var port = settings.port
            for engine in engines {
                configuration.observer = web.observer(of: engine, observer)
                port = try await listen(engine, settings, port: port, configuration, web)
            }
            web.run()
            return Server(engines: engines, parrot: parrot, web: web, port: port)
        } catch {
            let isTrust = (error as? TrunkError)?.code == .tls
            for engine in engines + [parrot].compactMap({ $0 }) { await engine.stop() }
            if isTrust, let file = settings.authorityFile {
                throw Settings.Failure(problems: ["OPENAI_CA_FILE: \"\(file)\" holds no certificate that can be read"])
            }
            throw error
        }
    }

    /// Where the model is; it is a parrot of our own when nothing else was given.
    private static func model(_ settings: Settings) async throws -> (CallEngine?, ModelEndpoint) {
        guard settings.usesParrot else { return (nil, try settings.endpoint()) }
        let engine = try CallEngine.start()
        let port = try await engine.perform { engine in try ModelSimulator.listen(ModelScript(), on: engine) }
        let url = "ws://127.0.0.1:\(port)\(ModelSimulator.path)"
        return (engine, try ModelEndpoint(url: url, model: settings.call.session.model, key: ""))
    }

    private static func listen(
        _ engine: CallEngine,
        _ settings: Settings,
        port: Int,
        _ configuration: BridgeConfiguration,
        _ web: WebSide
    ) async throws -> Int {
        let address = ListenAddress(
            host: settings.host,
            port: port,
            paths: PathAcceptor.paths,
            sharesPort: settings.loops > 1
        )
        return try await engine.perform { engine in
            let phones = try Bridge.make(configuration, on: engine)
            return try engine.listen(address, acceptor: web.acceptor(phones), plain: web.plainAcceptor())
        }
    }

    /// The counters of all engines.
    public func stats() async -> [EngineStats] { await web.engineStats() }

    /// The counters of the HTTP side.
    public var webStats: WebService.Stats { web.service.stats }

    /// Takes no new calls: phones are refused, `/ready` says so, TwiML rejects. Calls that are open go on, and requests
    /// are answered until the stop.
    public func drain() { web.drain.begin() }

    /// Calls that are open.
    public func openCalls() async -> Int {
        var count = 0
        for engine in engines { count += Int(await engine.stats.callsOpen) }
        return count
    }

    /// Ends everything: requests in progress are answered first.
    public func stop() async {
        for engine in engines { await engine.perform { $0.stopListening() } }
        await web.stop()
        for engine in engines { await engine.stop() }
        await parrot?.stop()
    }
}
