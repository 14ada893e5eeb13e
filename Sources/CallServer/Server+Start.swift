import CallBridge
import CallPolicy
import CallRecords
public import Logging
import RealtimeProtocol
import Simulators
import Trunk
import WebServer

/// How a server comes to be: the parrot, the records, the HTTP side, then the port.
extension Server {
    /// Starts listening. Without a key and an address of a model, a built-in parrot answers.
    ///
    /// - Parameters:
    ///   - settings: What the server is told.
    ///   - parts: What the program brings along.
    ///   - logger: Where log lines go.
    public static func start(_ settings: Settings, _ parts: Parts = Parts(), logger: Logger) async throws -> Server {
        let parrot = try await startParrot(settings)
        var engines: [CallEngine] = []
        do {
            for _ in 0..<settings.loops { engines.append(try CallEngine.start(settings.engine)) }
            return try await start(settings, parts, logger, engines, parrot)
        } catch {
            for engine in engines + [parrot?.engine].compactMap({ $0 }) { await engine.stop() }
            throw error
        }
    }

    private typealias Parrot = (engine: CallEngine, url: String)

    private static func start(
        _ settings: Settings,
        _ parts: Parts,
        _ logger: Logger,
        _ engines: [CallEngine],
        _ parrot: Parrot?
    ) async throws -> Server {
        let endpoint: @Sendable (String) throws -> ModelEndpoint = { model in
            guard let parrot else { return try settings.endpoint(model: model) }
            return try ModelEndpoint(url: parrot.url, model: model, key: "")
        }
        parts.secrets.add(settings.secrets)
        let records = try RecordKeeping.open(
            settings.records,
            fetcher: parts.fetcher,
            logger: logger.subsystem("records")
        )
        let rest = settings.rest(parts.fetcher)
        let directory = CallDirectory(hasAccount: rest != nil) { records?.note($0) }
        let live = LiveSettings(settings, tools: ToolRegistry(withBuiltIns: false))
        let shelf = ToolShelf(
            base: parts.tools,
            runner: parts.fetcher.map { HTTPToolRunner($0) { MonotonicClock.milliseconds } },
            transfer: rest.map { CallTransfer(rest: $0, live: live, directory: directory) },
            keys: KeyTool(directory: directory)
        )
        live.replace(settings, tools: shelf.tools(settings))
        if let kept = try? await records?.ask({ try $0.kept(SessionOverrides.keptName) }) {
            let overrides = (try? JSONValue(parsing: kept.value)).flatMap { try? SessionOverrides($0) }
            live.override(.init(overrides: overrides, at: kept.at, who: kept.who, isInDatabase: true))
            if let problem = live.overrideProblem { logger.warning("\(problem)") }
        }
        let planner = CallPlanner(live, fetcher: parts.fetcher, logger: logger.subsystem("carrier"), endpoint: endpoint)
        await beginDay(planner, records, settings.caps, logger)
        var configuration = BridgeConfiguration(
            model: try endpoint(settings.call.session.model),
            call: settings.call,
            tools: live.tools,
            paths: PathAcceptor.paths,
            capacity: CallCapacity(settings.callsMax),
            connectRate: ConnectRate(perSecond: settings.connectsPerSecond, burst: settings.connectsPerSecond),
            logger: logger.subsystem("bridge")
        )
        let web = WebSide(
            live,
            directory,
            planner,
            rest: rest,
            fetcher: parts.fetcher,
            records: records,
            configuration,
            engines,
            logger,
            secrets: parts.secrets,
            logCounters: parts.logCounters,
            toolCounters: { shelf.runner?.counters }
        )
        await web.devices.restore(logger)
        configuration.opus = settings.devices.opus
        configuration.watcher = web.hub
        configuration.address = { web.carrier.address(of: WebRequest($0)) }
        configuration.admits = { web.admits($0) }
        configuration.plan = { planner.plan($0) }
        var port = settings.port
        for engine in engines {
            configuration.observer = web.observer(of: engine, parts.observer)
            port = try await listen(engine, settings, port: port, configuration, web)
        }
        web.run()
        return Server(engines, parrot: parrot?.engine, web, live, shelf, parts.secrets, logger, port: port)
    }

    /// What today's calls have cost before the server was started anew counts, as far as it was written down.
    private static func beginDay(
        _ planner: CallPlanner,
        _ records: RecordKeeping?,
        _ caps: CapSettings,
        _ logger: Logger
    ) async {
        let now = UnixTime.milliseconds
        do {
            guard let cost = try await records?.ask({ try $0.cost(since: CallCaps.dayStart(now)) }) else { return }
            planner.caps.withLock { $0.begin(cost, now: now) }
        } catch {
            logger.error("what calls have cost today cannot be read from the records: \(error)")
            return
        }
        if planner.caps.withLock({ $0.isSpent(caps, now: now) }) {
            logger.critical("COST_PER_DAY is spent by calls of before the start: none is taken until midnight UTC")
        }
    }

    /// The model of a server that has none.
    private static func startParrot(_ settings: Settings) async throws -> Parrot? {
        guard settings.usesParrot else { return nil }
        let engine = try CallEngine.start()
        let port = try await engine.perform { engine in try ModelSimulator.listen(ModelScript(), on: engine) }
        return (engine, "ws://127.0.0.1:\(port)\(ModelSimulator.path)")
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
            sharesPort: settings.loops > 1,
            certificateFile: settings.tls?.certificate,
            keyFile: settings.tls?.key
        )
        return try await engine.perform { engine in
            let phones: Bridge
            do throws(TrunkError) { phones = try Bridge.make(configuration, on: engine) } catch {
                guard error.code == .tls, let file = settings.authorityFile else { throw error }
                throw Settings.Failure(problems: ["OPENAI_CA_FILE: \"\(file)\" holds no certificate that can be read"])
            }
            do throws(TrunkError) {
                return try engine.listen(address, acceptor: web.acceptor(phones), plain: web.plainAcceptor())
            } catch {
                guard error.code == .tls, let files = settings.tls else { throw error }
                throw Settings.Failure(problems: [Self.problem(files)])
            }
        }
    }
}
