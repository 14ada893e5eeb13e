import CallBridge
import CallPolicy
import Logging
import ServiceLifecycle
import Trunk
import WebServer

/// Everything of a server that is not calls: its endpoints, viewers, health, and the service that answers.
final class WebSide: Sendable {
    /// After so long a shutdown does not wait for requests any more, seconds.
    private static let shutdownSeconds = 5

    let service: WebService
    let hub: LogHub
    let drain = DrainState()
    let directory: CallDirectory
    let carrier: CarrierGuard
    let planner: CallPlanner
    let devices: DeviceAccess
    let feed: LiveFeed
    let ears: CallEars
    private let listeners: Locked<Viewers>
    let records: RecordKeeping?
    let health: HealthMonitor
    let metrics = Locked(CallMetrics())
    let live: LiveSettings
    private let access: AccessGuard
    private let engines: [CallEngine]
    private let running = Locked<(group: ServiceGroup, tasks: [Task<Void, any Error>])?>(nil)
    let logger: Logger
    let rest: TwilioREST?

    /// - Parameters:
    ///   - live: The settings.
    ///   - directory: The calls.
    ///   - planner: How calls are led.
    ///   - rest: The carrier's API; nil without an account.
    ///   - fetcher: Asks other servers; nil when the program cannot.
    ///   - records: What is kept of calls; nil keeps nothing.
    ///   - bridge: What the bridges are told.
    ///   - engines: Where calls run.
    ///   - logger: Where log lines go.
    ///   - secrets: What viewers of events are not told.
    ///   - logCounters: What became of log lines.
    ///   - toolCounters: What tools that ask other servers did.
    init(
        _ live: LiveSettings,
        _ directory: CallDirectory,
        _ planner: CallPlanner,
        rest: TwilioREST?,
        fetcher: (any HTTPFetching)?,
        records: RecordKeeping?,
        _ bridge: BridgeConfiguration,
        _ engines: [CallEngine],
        _ logger: Logger,
        secrets: SecretWords,
        logCounters: @escaping @Sendable () -> LogWriter.Counters?,
        toolCounters: @escaping @Sendable () -> HTTPToolRunner.Counters?
    ) {
        let settings = live.settings
        self.live = live
        self.directory = directory
        self.planner = planner
        self.engines = engines
        self.logger = logger
        self.rest = rest
        let carrier = CarrierGuard(settings)
        self.carrier = carrier
        let hub = LogHub(viewersMax: settings.viewersMax, secrets: secrets) { wanted in
            for engine in engines { Task { await engine.perform { $0.tellAudio(wanted) } } }
        }
        self.hub = hub
        let feed = LiveFeed(directory, viewersMax: settings.viewersMax)
        self.feed = feed
        self.records = records
        ears = CallEars(directory)
        let listeners = Locked(Viewers(max: settings.viewersMax))
        self.listeners = listeners
        let health = HealthMonitor(
            bridge.modelAdmission,
            callsMax: settings.callsMax,
            usesParrot: settings.usesParrot
        )
        self.health = health
        let devices = DeviceAccess(settings, records)
        self.devices = devices
        let access = AccessGuard(
            settings.access.credentials,
            origins: settings.web.origins,
            limits: settings.access.logins
        ) { carrier.address(of: $0) }
        self.access = access
        let counted = Locked(WebService.Stats())
        let (drain, metrics) = (drain, metrics)
        let endpoints = Endpoints(
            live: live,
            carrier: carrier,
            guardian: access,
            health: {
                health.report(
                    calls: directory.liveCount,
                    viewers: hub.stats.viewersOpen,
                    recordsTrouble: records?.trouble
                )
            },
            metrics: {
                ServerMetrics(
                    calls: metrics.withLock { $0 },
                    callsActive: directory.liveCount,
                    callsStarted: directory.started,
                    outbound: directory.outbound,
                    isDraining: drain.isDraining,
                    engines: await Self.stats(engines),
                    web: counted.withLock { $0 },
                    viewers: hub.stats,
                    watchers: feed.stats,
                    listeners: listeners.withLock { $0.stats },
                    planner: planner.counters,
                    tokens: carrier.tokenCounters,
                    tools: toolCounters(),
                    logins: access.counters,
                    refusals: Self.refusals(carrier, planner, devices, bridge),
                    dayMicrodollars: planner.caps.withLock { $0.dayMicrodollars },
                    log: logCounters(),
                    process: ProcessSample.now(),
                    records: records?.metrics ?? []
                )
            },
            drain: drain
        )
        let hasRoom: @Sendable () -> Bool = { bridge.capacity.hasRoom && !bridge.modelAdmission.isRefusing }
        let carrierEndpoints = CarrierEndpoints(
            live: live,
            carrier: carrier,
            planner: planner,
            directory: directory,
            drain: drain,
            hasRoom: hasRoom,
            logger: logger.subsystem("carrier")
        )
        let callEndpoints = CallEndpoints(
            live: live,
            carrier: carrier,
            planner: planner,
            directory: directory,
            drain: drain,
            hasRoom: hasRoom,
            rest: rest
        )
        let pages = StaticFiles("dashboard")
        if !pages.isThere {
            logger.warning("there is no /dashboard: trunkline_CallServer.resources is not beside the program")
        }
        let routes =
            endpoints.routes + carrierEndpoints.routes + callEndpoints.routes
            + ToolEndpoints(live: live, clock: { .now() }, logger: logger).routes
            + HistoryEndpoints(records: records, directory: directory, logger: logger).routes
            + ConfigurationEndpoints(live: live, hub: hub, records: records, logger: logger).routes
            + OverviewEndpoints(
                live: live,
                directory: directory,
                planner: planner,
                records: records,
                drain: drain,
                logger: logger,
                engineStats: { await Self.stats(engines) },
                viewers: {
                    hub.stats.viewersOpen + feed.stats.viewersOpen + listeners.withLock { $0.stats.viewersOpen }
                }
            ).routes + pages.routes(at: "/dashboard", "The dashboard")
            + DeviceEndpoints(live: live, carrier: carrier, devices: devices, drain: drain, directory: directory).routes
            + StaticFiles("talk").routes(at: "/talk", "Talk to the agent in the browser")
            + SetupEndpoints(live: live, fetcher: fetcher, engine: engines[0], rest: rest).routes
            + LoginEndpoints(access: access, carrier: carrier).routes
        service = WebService(
            DocsPage.table(routes),
            guardedBy: access,
            configuration: settings.web,
            counted: counted,
            logger: logger.subsystem("http")
        )
    }

    private static func refusals(
        _ carrier: CarrierGuard,
        _ planner: CallPlanner,
        _ devices: DeviceAccess,
        _ bridge: BridgeConfiguration
    ) -> [String: Int] {
        var all: [String: Int] = [:]
        for reason in CarrierGuard.Refusal.allCases { all[reason.rawValue] = carrier.refusals[reason] ?? 0 }
        let caps = planner.caps.withLock { $0.refusals }
        for reason in CallCaps.Refusal.allCases { all[reason.rawValue] = caps[reason] ?? 0 }
        for reason in DeviceAccess.Refusal.allCases { all[reason.rawValue] = devices.refusals[reason] ?? 0 }
        let streams = bridge.admission.refusals
        for reason in CallAdmission.Refusal.allCases { all["stream_\(reason.rawValue)"] = streams[reason] ?? 0 }
        all["capacity"] = bridge.capacity.refused
        let model = bridge.modelAdmission.stats
        all["model_refuses"] = model.refusedCalls
        all["model_rate_limit"] = model.heldCalls
        return all
    }

    private static func stats(_ engines: [CallEngine]) async -> [EngineStats] {
        var stats: [EngineStats] = []
        for engine in engines { stats.append(await engine.stats) }
        return stats
    }

    func engineStats() async -> [EngineStats] { await Self.stats(engines) }

    // MARK: - What engines ask for

    /// Takes upgrades: phones and those who watch. Call it on the engine.
    func acceptor(_ phones: Bridge) -> any LegAcceptor {
        let compat = live.settings.compat
        return PathAcceptor(
            phones: phones,
            devices: DeviceAcceptor(phones, devices, access, live.settings.devices),
            viewers: LogAcceptor(hub, directory, access, isBetaByDefault: compat == .fastapi || compat == .demo),
            dashboards: LiveAcceptor(feed, ears, access),
            listeners: ListenAcceptor(ears, directory, access, listeners),
            carrier: carrier,
            caps: planner.caps,
            drain: drain
        )
    }

    /// Takes everything else. Call it on the engine.
    func plainAcceptor() -> any PlainAcceptor { service.acceptor(paths: PathAcceptor.paths) }

    /// Whether a stream that has begun may become a call; an address that brings too many wrong tokens must wait.
    func admits(_ offer: StreamOffer) -> Bool {
        if !offer.isTwilio || carrier.admits(offer.start) { return true }
        planner.caps.withLock { $0.turnedAway(offer.address, live.caps, now: UnixTime.milliseconds) }
        return false
    }

    // MARK: - Life

    func run() {
        let group = ServiceGroup(
            configuration: {
                var configuration = ServiceGroupConfiguration(services: [service], logger: logger)
                configuration.maximumGracefulShutdownDuration = .seconds(Self.shutdownSeconds)
                return configuration
            }()
        )
        let records = records
        let (health, seconds) = (health, max(1, live.settings.healthIntervalMilliseconds / 1_000))
        let tasks: [Task<Void, any Error>] = [
            Task { try await group.run() }, Task { await health.run(everySeconds: seconds) },
            Task { await records?.run() },
        ]
        running.withLock { $0 = (group, tasks) }
    }

    func stop() async {
        let running = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        for task in running.tasks.dropFirst() { task.cancel() }
        await running.group.triggerGracefulShutdown()
        try? await running.tasks[0].value
    }

    /// Writes what waits to be kept; the loops have ended.
    func closeRecords() async { await records?.close() }
}
