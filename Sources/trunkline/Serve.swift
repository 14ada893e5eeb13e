import ArgumentParser
import CallServer
import Foundation
import Logging
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
              OPENAI_API_KEY           without it a built-in parrot answers
              OPENAI_MODEL, VOICE      gpt-realtime-2.1, marin
              GREETING                 instructions by which the agent speaks first
              COMPAT                   bridge, fastapi or demo: the ways of those servers
              LOG_LEVEL, LOG_FORMAT    debug, info, warning, error; text, json
            """
    )

    @OptionGroup var given: GivenSettings

    func run() async throws {
        let settings = given.read()
        // Lines are written off the loops: a reader of ours that stalls must not stall a call.
        let writer = LogWriter(descriptor: STDERR_FILENO)
        defer { writer.close() }
        LoggingSystem.bootstrap { label in
            BackgroundLogHandler(
                label: label,
                settings: settings.logging,
                writer: writer,
                secrets: settings.secrets
            )
        }
        let logger = Logger(label: "trunkline")
        let server: Server
        do {
            server = try await Server.start(settings, logger: logger)
        } catch {
            Standard.fail(["cannot listen on \(settings.host) port \(settings.port): \(error)"], status: 1)
        }
        announce(settings, server)
        await waitAndStop(server, logger, drainMilliseconds: settings.drainMilliseconds)
    }

    /// The first signal takes no new calls and lets open ones end within the drain time; the second ends them.
    private func waitAndStop(_ server: Server, _ logger: Logger, drainMilliseconds: Int) async {
        var signals = await UnixSignalsSequence(trapping: .sigint, .sigterm).makeAsyncIterator()
        _ = await signals.next()
        logger.info("stopping: no new calls; a second signal ends those that are open")
        server.drain()
        let drained = Task {
            let end = ContinuousClock.now + .milliseconds(drainMilliseconds)
            while await server.openCalls() > 0, ContinuousClock.now < end, !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(100))
            }
            await server.stop()
        }
        let second = Task {
            _ = await signals.next()
            drained.cancel()
        }
        await drained.value
        second.cancel()
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
