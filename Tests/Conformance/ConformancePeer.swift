import ArgumentParser
import Foundation
import Trunk

/// An echo peer in both roles, on the same legs as calls, for WebSocket conformance suites.
@main
struct ConformancePeer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance-peer",
        subcommands: [EchoServer.self, EchoClient.self, Certificate.self]
    )
}

/// The suite sends messages of 16 MiB and in 65,536 fragments: production limits are tested elsewhere.
private func wideConfiguration() -> EngineConfiguration {
    var configuration = EngineConfiguration()
    configuration.serverMessageMax = 16 << 20
    configuration.clientMessageMax = 16 << 20
    configuration.fragmentsMax = 1 << 20
    configuration.queueBytesMax = 64 << 20
    configuration.pingsMax = 1_000
    return configuration
}

/// Sends everything back.
private final class Echo: LegHandler, LegAcceptor {
    private let whenClosed: @Sendable () -> Void

    init(_ whenClosed: @escaping @Sendable () -> Void = {}) { self.whenClosed = whenClosed }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        try? engine.accept(leg, handler: self)
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {}

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        let bytes = message.withUnsafeBytes { Array($0) }
        if isText {
            try? engine.send(text: bytes, to: leg)
        } else {
            try? engine.send(binary: bytes, to: leg)
        }
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) { whenClosed() }
}

/// Listens until it is killed.
private struct EchoServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "server")

    @Option var port = 9_001

    @Option(help: "A folder for a loopback certificate; with it the port speaks TLS.")
    var tls: String?

    func run() async throws {
        let certificate = try tls.map { try LoopbackCertificate(in: $0) }
        let engine = try CallEngine.start(wideConfiguration())
        let port = port
        _ = try await engine.perform { engine in
            try engine.listen(
                ListenAddress(
                    host: "127.0.0.1",
                    port: port,
                    paths: ["/"],
                    certificateFile: certificate?.certificateFile,
                    keyFile: certificate?.keyFile
                ),
                acceptor: Echo()
            )
        }
        await withCheckedContinuation { (_: CheckedContinuation<Void, Never>) in }
    }
}

/// Writes a loopback certificate for the suite's own server.
private struct Certificate: ParsableCommand {
    @Argument var folder: String

    func run() throws { _ = try LoopbackCertificate(in: folder) }
}

/// Runs all cases of a fuzzing server.
private struct EchoClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "client")

    @Argument var url: String
    @Argument var agent: String
    @Option var caFile: String?

    func run() async throws {
        let engine = try CallEngine.start(wideConfiguration())
        let count = Int(try await ask("/getCaseCount", engine)) ?? 0
        for number in 1...max(1, count) {
            let target = target("/runCase?case=\(number)&agent=\(agent)")
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                Task {
                    try await engine.perform { engine in
                        _ = try engine.dial(target, handler: Echo { continuation.resume() })
                    }
                }
            }
        }
        _ = try await ask("/updateReports?agent=\(agent)", engine)
        await engine.stop()
    }

    private func target(_ path: String) -> DialTarget {
        let isSecure = url.hasPrefix("wss://")
        let authority = url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        let parts = authority.split(separator: ":")
        return DialTarget(
            host: String(parts.first ?? "127.0.0.1"),
            port: Int(parts.last ?? "") ?? 9_001,
            isSecure: isSecure,
            target: path,
            authorityFile: caFile
        )
    }

    /// One connection whose first message is the answer.
    private func ask(_ path: String, _ engine: CallEngine) async throws -> String {
        let target = target(path)
        return await withCheckedContinuation { (continuation: CheckedContinuation<String, Never>) in
            Task {
                try await engine.perform { engine in
                    _ = try engine.dial(target, handler: Answer { continuation.resume(returning: $0) })
                }
            }
        }
    }
}

/// Keeps the first message of a connection.
private final class Answer: LegHandler {
    private var text = ""
    private let whenClosed: @Sendable (String) -> Void

    init(_ whenClosed: @escaping @Sendable (String) -> Void) { self.whenClosed = whenClosed }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {}

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        text = message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) { whenClosed(text) }
}
