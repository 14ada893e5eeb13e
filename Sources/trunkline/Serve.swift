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
            Settings come from the environment and from .env in this folder; the environment wins.

              HOST, PORT               where to listen (0.0.0.0, 5050)
              OPENAI_API_KEY           without it a built-in parrot answers
              OPENAI_REALTIME_URL      ws:// or wss:// (wss://api.openai.com/v1/realtime)
              OPENAI_MODEL, VOICE      gpt-realtime-2.1, marin
              OPENAI_CA_FILE           PEM file of authorities for that address
              GREETING                 instructions by which the agent speaks first
              LOG_LEVEL                debug, info, warning, error
              MAX_CONNECTIONS, LOOPS   calls at once (1000), threads (1)
              PUBLIC_URL, COMPAT       our address for Twilio; bridge, fastapi or demo
              API_TOKEN, CORS_ORIGINS  who may see calls; whose pages may ask
              HTTP_CONNECTIONS_MAX, LOG_VIEWERS_MAX, HEALTH_CHECK_INTERVAL
              LEAD_MS, APPEND_MS       audio ahead of real time (300), gathering (20)
              RECONNECT_MAX_ATTEMPTS, RECONNECT_INITIAL_DELAY, RECONNECT_MAX_DELAY, ROTATE_AFTER
            """
    )

    @Option(help: "Instructions for the model.")
    var prompt = "sample_prompt.txt"

    /// sysexits(3): the configuration is wrong.
    private static let wrongConfiguration: Int32 = 78

    func run() async throws {
        let settings = readSettings()
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = settings.logLevel
            return handler
        }
        let logger = Logger(label: "trunkline")
        let server: Server
        do {
            server = try await Server.start(settings, logger: logger)
        } catch {
            fail(["cannot listen on \(settings.host) port \(settings.port): \(error)"], status: 1)
        }
        announce(settings, server)
        await waitAndStop(server, logger)
    }

    /// The first signal stops listening and lets open calls end; the second ends them.
    private func waitAndStop(_ server: Server, _ logger: Logger) async {
        var signals = await UnixSignalsSequence(trapping: .sigint, .sigterm).makeAsyncIterator()
        _ = await signals.next()
        logger.info("stopping: no new calls; a second signal ends those that are open")
        server.drain()
        let drained = Task {
            while await server.openCalls() > 0, !Task.isCancelled { try? await Task.sleep(nanoseconds: 100_000_000) }
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

    private func readSettings() -> Settings {
        var environment = ProcessInfo.processInfo.environment
        if let data = FileManager.default.contents(atPath: ".env") {
            guard let text = String(data: data, encoding: .utf8) else {
                fail([".env: is not UTF-8"], status: Self.wrongConfiguration)
            }
            let file = DotEnv.parse(text, environment: environment)
            for problem in file.problems { FileHandle.standardError.write(Data(".env: \(problem)\n".utf8)) }
            environment.merge(file.values) { real, _ in real }
        }
        if FileManager.default.fileExists(atPath: ".env"), !FileManager.default.isReadableFile(atPath: ".env") {
            fail([".env: cannot be read"], status: Self.wrongConfiguration)
        }
        do throws(Settings.Failure) {
            let settings = try Settings(environment: environment, prompt: readPrompt())
            if let file = settings.authorityFile, !FileManager.default.isReadableFile(atPath: file) {
                fail(["OPENAI_CA_FILE: \"\(file)\" cannot be read"], status: Self.wrongConfiguration)
            }
            return settings
        } catch {
            fail(error.problems, status: Self.wrongConfiguration)
        }
    }

    /// The prompt file; nil when there is none at the default place.
    private func readPrompt() -> String? {
        guard let data = FileManager.default.contents(atPath: prompt) else {
            if prompt != "sample_prompt.txt" {
                fail(["--prompt \(prompt): cannot be read"], status: Self.wrongConfiguration)
            }
            return nil
        }
        guard let text = String(data: data, encoding: .utf8) else {
            fail(["\(prompt): is not UTF-8"], status: Self.wrongConfiguration)
        }
        return text
    }

    private func fail(_ problems: [String], status: Int32) -> Never {
        for problem in problems { FileHandle.standardError.write(Data("trunkline: \(problem)\n".utf8)) }
        Foundation.exit(status)
    }
}
