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
    private let directory = CallDirectory()
    private let health: HealthMonitor
    private let settings: Settings
    let carrier: CarrierGuard
    private let guardian: TokenGuard
    private let engines: [CallEngine]
    private let logger: Logger
    private let running = Locked<(group: ServiceGroup, tasks: [Task<Void, any Error>])?>(nil)

    init(_ settings: Settings, _ bridge: BridgeConfiguration, _ engines: [CallEngine], _ logger: Logger) {
        self.settings = settings
        carrier = CarrierGuard(settings)
        self.engines = engines
        self.logger = logger
        hub = LogHub(viewersMax: settings.viewersMax)
        health = HealthMonitor(bridge.modelAdmission, callsMax: settings.callsMax)
        guardian = TokenGuard(token: settings.access.apiToken, origins: settings.web.origins)
        let counted = Locked(WebService.Stats())
        let endpoints = Endpoints(
            settings: settings,
            carrier: carrier,
            tools: bridge.tools.definitions,
            directory: directory,
            health: health,
            hub: hub,
            drain: drain,
            guardian: guardian,
            engineStats: { await Self.stats(engines) },
            webStats: { counted.withLock { $0 } },
            statusReported: { callSID, status in
                let words = status.filter { $0.isLetter || $0 == "-" }.prefix(20)
                logger.info(
                    "carrier reports \(words)",
                    metadata: ["call": "\(callSID.filter(\.isLetterOrNumber).prefix(40))"]
                )
            }
        )
        service = WebService(
            endpoints.table(),
            guardedBy: guardian,
            configuration: settings.web,
            counted: counted,
            logger: logger
        )
    }

    private static func stats(_ engines: [CallEngine]) async -> [EngineStats] {
        var stats: [EngineStats] = []
        for engine in engines { stats.append(await engine.stats) }
        return stats
    }

    func engineStats() async -> [EngineStats] { await Self.stats(engines) }

    // MARK: - What engines ask for

    /// Takes upgrades: phones and viewers. Call it on the engine.
    func acceptor(_ phones: any LegAcceptor) -> any LegAcceptor {
        let isBeta = settings.compat == .fastapi || settings.compat == .demo
        return PathAcceptor(
            phones: phones,
            carrier: carrier,
            viewers: LogAcceptor(hub, directory, guardian, isBetaByDefault: isBeta),
            drain: drain
        )
    }

    /// Takes everything else. Call it on the engine.
    func plainAcceptor() -> any PlainAcceptor { service.acceptor(paths: PathAcceptor.paths) }

    /// Hears of the calls of one engine.
    func observer(of engine: CallEngine, _ next: @escaping @Sendable (CallRecord) -> Void)
        -> @Sendable (CallRecord) -> Void
    {
        { [weak engine, directory, hub, health] record in
            next(record)
            hub.note(record)
            health.note(record)
            guard let engine else { return }
            directory.note(record, on: engine)
            guard case .event(.started) = record.kind, let session = hub.session else { return }
            Task {
                await engine.perform { Bridge.command(.updateSession(session), to: record.call, on: $0) }
            }
        }
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
        let (health, seconds) = (health, max(1, settings.healthIntervalMilliseconds / 1_000))
        let tasks: [Task<Void, any Error>] = [
            Task { try await group.run() }, Task { await health.run(everySeconds: seconds) },
        ]
        running.withLock { $0 = (group, tasks) }
    }

    func stop() async {
        let running = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        running.tasks[1].cancel()
        await running.group.triggerGracefulShutdown()
        try? await running.tasks[0].value
    }
}

extension Character {
    fileprivate var isLetterOrNumber: Bool { isLetter || isNumber }
}
