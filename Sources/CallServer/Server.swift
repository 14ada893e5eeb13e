public import CallBridge
public import CallPolicy
import CallRecords
import Logging
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

    let engines: [CallEngine]
    let parrot: CallEngine?
    let web: WebSide
    let live: LiveSettings
    let shelf: ToolShelf
    let secrets: SecretWords
    let logger: Logger
    /// The files of the certificate; nil without.
    let certificate: Locked<FileWatch?>
    /// The port that phones connect to, and everybody else.
    public let port: Int

    init(
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

    /// How long goodbyes may take when the time of a drain is over, in milliseconds.
    static let goodbyeMilliseconds = 8_000

    /// Drains: takes no new calls, lets those that are open go on for as long, lets the agent say goodbye in what is left
    /// then, and stops. A task that is cancelled stops at once.
    public func end(within milliseconds: Int) async {
        drain()
        await untilNoCalls(atMost: milliseconds)
        if !Task.isCancelled {
            await endCalls(.endAfterGoodbye(.system, .draining))
            await untilNoCalls(atMost: Self.goodbyeMilliseconds)
        }
        await stop()
    }

    private func untilNoCalls(atMost milliseconds: Int) async {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while await openCalls() > 0, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func endCalls(_ command: CallCommand) async {
        for callSID in web.directory.liveIDs { _ = await web.directory.command(command, to: callSID) }
    }

    /// Ends everything: requests in progress are answered first.
    public func stop() async {
        for engine in engines { await engine.perform { $0.stopListening() } }
        // Before their connections go: a record tells why, and no model is dialled again.
        await endCalls(.hangUp(.system, .draining))
        await web.stop()
        for engine in engines { await engine.stop() }
        await web.closeRecords()
        await parrot?.stop()
    }
}
