public import CallBridge
public import CallPolicy
import CallRecords
public import Logging
import RealtimeProtocol
import Simulators
public import Trunk
public import WebServer

/// A server: one or several engines that share a port, each with a bridge, and the HTTP side on the same port.
public final class Server: Sendable {
    /// The version of this build.
    public static let version = "0.1.0"

    /// What a program brings along.
    public struct Parts: Sendable {
        /// What the model can ask for, beside what the settings bring.
        public var tools = ToolRegistry()
        /// Asks other servers: tools, the carrier's API, webhooks. Nil: none of these.
        public var fetcher: (any HTTPFetching)?
        /// What must not get into log lines: the server adds its settings' own, also after a reload.
        public var secrets = SecretWords()
        /// What became of log lines, for the metrics.
        public var logCounters: @Sendable () -> LogWriter.Counters? = { nil }
        /// Hears of everything worth writing down, on the loops: it must be quick.
        public var observer: @Sendable (CallRecord) -> Void = { _ in }

        /// Nothing but what every server has.
        public init() {}
    }

    private let engines: [CallEngine]
    private let parrot: CallEngine?
    private let web: WebSide
    private let live: LiveSettings
    private let shelf: ToolShelf
    private let secrets: SecretWords
    private let logger: Logger
    /// The files of the certificate; nil without.
    private let certificate: Locked<FileWatch?>
    /// The port that phones connect to, and everybody else.
    public let port: Int

    private init(
        _ engines: [CallEngine],
        parrot: CallEngine?,
        _ web: WebSide,
        _ live: LiveSettings,
        _ shelf: ToolShelf,
        _ secrets: SecretWords,
        _ logger: Logger,
        port: Int
    ) {
        self.engines = engines
        self.parrot = parrot
        self.web = web
        self.live = live
        self.shelf = shelf
        self.secrets = secrets
        certificate = Locked(live.settings.tls.map { FileWatch([$0.certificate, $0.key]) })
        self.logger = logger
        self.port = port
    }

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
        let directory = CallDirectory { what, who, callSID, said in
            records?.note(what, by: who, said: said, on: callSID)
        }
        let rest = settings.rest(parts.fetcher)
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
        await web.devices.restore()
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

    private static func problem(_ files: Settings.TLSFiles) -> String {
        "TLS_CERT: \"\(files.certificate)\" and TLS_KEY \"\(files.key)\" cannot be read, do not belong together, are encrypted, "
            + "or are not valid today"
    }

    /// Reads the certificate and key anew, for connections to come.
    ///
    /// - Returns: What is wrong with them; nil when they are in use now, or there are none.
    public func reloadCertificate() async -> String? {
        guard let files = live.settings.tls else { return nil }
        // Before they are read: what is written meanwhile is seen next time.
        let look = certificate.withLock { $0?.look() }
        for engine in engines {
            do {
                try await engine.perform { try $0.setCertificate(files.certificate, keyFile: files.key) }
            } catch {
                return Self.problem(files) + "; the old ones stay in use"
            }
        }
        if let look { certificate.withLock { $0?.take(look) } }
        return nil
    }

    /// Reads the certificate and key anew when one of the files is another than the one in use. Programs that renew
    /// certificates tell nobody, and write one file after the other: a pair that does not fit is tried again the next time.
    ///
    /// - Returns: What is wrong with them, once for each state of the files.
    public func renewCertificate() async -> String? {
        guard let look = certificate.withLock({ $0?.look() }) else { return nil }
        guard let problem = await reloadCertificate() else {
            logger.notice("TLS_CERT: new files are in use for connections to come")
            return nil
        }
        return certificate.withLock { $0?.isNews(look) == true } ? problem : nil
    }

    /// Takes settings that were read anew, as far as new calls may have them.
    ///
    /// - Returns: What was changed, and what waits until the server is started anew.
    @discardableResult
    public func reload(_ settings: Settings) -> SettingsReload {
        secrets.add(settings.secrets)
        let reload = SettingsReload.reload(live.settings, settings)
        live.replace(reload.settings, tools: shelf.tools(reload.settings))
        if let problem = live.overrideProblem { logger.warning("\(problem)") }
        return reload
    }

    /// The counters of all engines.
    public func stats() async -> [EngineStats] { await web.engineStats() }

    /// The counters of the HTTP side.
    public var webStats: WebService.Stats { web.service.stats }

    /// Takes no new calls: phones are refused, `/ready` says so, TwiML rejects. Calls that are open go on, and requests
    /// are answered until the stop.
    public func drain() { web.drain.stop() }

    /// Calls that are open.
    public func openCalls() async -> Int {
        var count = 0
        for engine in engines { count += Int(await engine.stats.callsOpen) }
        return count
    }

    /// Drains: takes no new calls, lets those that are open go on for as long, then stops. A task that is cancelled stops
    /// at once.
    public func end(within milliseconds: Int) async {
        drain()
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while await openCalls() > 0, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
        }
        await stop()
    }

    /// Ends everything: requests in progress are answered first.
    public func stop() async {
        for engine in engines { await engine.perform { $0.stopListening() } }
        await web.stop()
        for engine in engines { await engine.stop() }
        await web.closeRecords()
        await parrot?.stop()
    }
}
