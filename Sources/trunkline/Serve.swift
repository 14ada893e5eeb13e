import ArgumentParser
import CallServer
import Foundation
import Logging
import OutboundHTTP
import UnixSignals

/// Takes calls until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take calls on /media-stream and /ws/call, and requests on the same port (/docs).",
        discussion: """
            Settings come from --set, the environment, .env in this folder and CONFIG_FILE, in this order; `trunkline config`
            prints them all. The most used ones:

              HOST, PORT               where to listen (0.0.0.0, 5050)
              PUBLIC_URL               where carriers find the server
              TWILIO_AUTH_TOKEN        whose signatures are taken
              API_TOKEN                opens dashboard and API from elsewhere
              OPENAI_API_KEY           without it a built-in parrot answers
              OPENAI_MODEL, VOICE      gpt-realtime-2.1, marin
              GREETING                 instructions by which the agent speaks first
              COMPAT                   bridge, fastapi or demo: the ways of those servers
              LOG_LEVEL, LOG_FORMAT    debug, info, warning, error; text, json

            SIGHUP reads prompt, texts, tools, routing and prices anew, for new calls. SIGTERM and SIGINT take no new calls
            and wait for those that are open; a second one ends them.
            """
    )

    @OptionGroup var given: GivenSettings

    func run() async throws {
        let settings = given.read()
        // Lines are written off the loops: a reader of ours that stalls must not stall a call.
        let writer = LogWriter(descriptor: STDERR_FILENO)
        defer { writer.close() }
        let secrets = SecretWords(settings.secrets)
        LoggingSystem.bootstrap { label in
            BackgroundLogHandler(
                label: label,
                settings: settings.logging,
                writer: writer,
                secrets: secrets
            )
        }
        let logger = Logger(label: "trunkline")
        for note in settings.notes { logger.notice("\(note)") }
        // Before anything answers: whoever sees it answer may send signals.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        let client = OutboundHTTPClient()
        var parts = Server.Parts()
        parts.fetcher = client
        parts.secrets = secrets
        parts.logCounters = { writer.counters }
        let server: Server
        do {
            server = try await Server.start(settings, parts, logger: logger)
        } catch let failure as Settings.Failure {
            Standard.fail(failure.problems, status: Standard.wrongConfiguration)
        } catch {
            Standard.fail(["cannot listen on \(settings.host) port \(settings.port): \(error)"], status: 1)
        }
        announce(settings, server)
        let manager = ServiceManager(environment: ProcessInfo.processInfo.environment)
        manager.ready()
        await serve(server, signals, logger, manager, drainMilliseconds: settings.drainMilliseconds)
        await client.shutdown()
    }

    /// SIGHUP reloads; the first other signal takes no new calls and lets open ones end within the drain time, the second
    /// ends them.
    private func serve(
        _ server: Server,
        _ signals: UnixSignalsSequence,
        _ logger: Logger,
        _ manager: ServiceManager,
        drainMilliseconds: Int
    ) async {
        let watchdog = watch(manager, server)
        defer { watchdog?.cancel() }
        var signals = signals.makeAsyncIterator()
        let certificates = watchCertificate(server, logger)
        defer { certificates.cancel() }
        while await signals.next() == .sighup { await reload(server, logger, manager) }
        manager.stopping()
        logger.info("stopping: no new calls; a second signal ends those that are open")
        let drained = Task { await server.end(within: drainMilliseconds) }
        let second = Task {
            while let signal = await signals.next(), signal == .sighup {}
            drained.cancel()
        }
        await drained.value
        second.cancel()
    }

    /// Tells systemd that the loops still turn: the answer comes from them.
    private func watch(_ manager: ServiceManager, _ server: Server) -> Task<Void, Never>? {
        guard let milliseconds = manager.watchdogMilliseconds, milliseconds > 0 else { return nil }
        return Task {
            while !Task.isCancelled {
                _ = await server.openCalls()
                manager.alive()
                try? await Task.sleep(for: .milliseconds(milliseconds))
            }
        }
    }

    /// Certificates are renewed every few weeks by programs that tell nobody: the files are looked at once a minute.
    private func watchCertificate(_ server: Server, _ logger: Logger) -> Task<Void, Never> {
        Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(60))
                if let problem = await server.renewCertificate() { logger.error("\(problem)") }
            }
        }
    }

    private func reloadCertificate(_ server: Server, _ logger: Logger) async {
        if let problem = await server.reloadCertificate() { logger.error("\(problem)") }
    }

    private func reload(_ server: Server, _ logger: Logger, _ manager: ServiceManager) async {
        manager.reloading()
        defer { manager.ready() }
        await reloadCertificate(server, logger)
        do throws(Settings.Failure) {
            let reload = server.reload(try given.load())
            let changed = reload.newCalls.isEmpty ? "nothing" : reload.newCalls.joined(separator: ", ")
            logger.notice("reloaded: \(changed) changed for new calls")
            if !reload.needRestart.isEmpty {
                let names = reload.needRestart.joined(separator: ", ")
                logger.warning("reloaded: \(names) changed, but stays until the server is started anew")
            }
        } catch {
            for problem in error.problems { logger.error("not reloaded: \(problem)") }
        }
    }

    private func announce(_ settings: Settings, _ server: Server) {
        print(
            "trunkline listens on \(settings.host):\(server.port): phones on /media-stream and /ws/call, /docs for the rest"
        )
        if settings.usesParrot {
            print("OPENAI_API_KEY is not set: a built-in parrot answers and says back what it hears.")
        }
        fflush(nil)
    }
}
