import CallServer
import Foundation
import Logging
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// A whole server with a model that answers in patterns, and phones to call it.
struct ServerFixture: Sendable {
    let server: Server
    let model: CallEngine
    let modelLog = ModelLog()
    let phones: CallEngine

    var port: Int { server.port }

    /// - Parameters:
    ///   - environment: Settings beside those of the fixture.
    ///   - change: What is different in the settings; they stand on this machine's own addresses.
    ///   - parts: What the program brings along.
    ///   - logger: Where log lines go.
    ///   - model: What is different in the model.
    init(
        _ environment: [String: String] = [:],
        parts: Server.Parts = Server.Parts(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        settings change: (inout Settings) -> Void = { _ in },
        model adjust: (inout ModelScript) -> Void = { _ in }
    ) async throws {
        var script = ModelScript()
        script.voice = .pattern
        script.answerMilliseconds = 1_000
        adjust(&script)
        let (simulated, log) = (script, modelLog)
        model = try CallEngine.start()
        let modelPort = try await model.perform { try ModelSimulator.listen(simulated, log: log, on: $0) }
        phones = try CallEngine.start()
        var all = [
            "HOST": "127.0.0.1", "PORT": "0", "OPENAI_API_KEY": "sk-test",
            "DATABASE_PATH": "none", "OPENAI_REALTIME_URL": "ws://127.0.0.1:\(modelPort)\(ModelSimulator.path)",
        ]
        all.merge(environment) { $1 }
        var settings = try Settings(environment: all, prompt: nil)
        change(&settings)
        server = try await Server.start(settings, parts, logger: logger)
    }

    /// Lets a phone call that stays until it is hung up from elsewhere, unless its steps say otherwise.
    func call(_ number: Int = 1, _ steps: [PhoneScript.Step] = [.pause(milliseconds: 60_000)]) async throws
        -> PhoneSimulator.Outcome
    {
        try await call(PhoneScript.pattern(number, steps))
    }

    /// Lets a phone call by a script.
    func call(_ script: PhoneScript) async throws -> PhoneSimulator.Outcome {
        let target = DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/media-stream")
        return try await phones.perform { try PhoneSimulator.call(target, script, on: $0) }
    }

    func ask(
        _ method: String = "GET",
        _ target: String,
        headers: [String] = [],
        host: String = "127.0.0.1",
        body: String = ""
    )
        async throws -> HTTPAnswer
    {
        try #require(
            try await RawClient.ask(method, target, port: port, headers: headers, host: host, body: body)
        )
    }

    /// Asks until the answer is as wanted; the test's time limit ends what never comes.
    func ask(_ target: String, until isEnough: (HTTPAnswer) -> Bool) async throws -> HTTPAnswer {
        var answer = try await ask("GET", target)
        try await Patience.wait {
            if isEnough(answer) { return true }
            answer = try await ask("GET", target)
            return isEnough(answer)
        }
        return answer
    }

    /// A viewer's connection, open.
    func viewer(_ target: String = "/ws/logs", headers: String = "") async throws -> RawClient {
        let client = try RawClient(port: port)
        client.send(RawBytes.upgrade(to: target).replacing("\r\n\r\n", with: "\r\n\(headers)\r\n"))
        return client
    }

    func stop() async {
        await phones.stop()
        await server.stop()
        await model.stop()
    }
}

extension RawClient {
    /// Reads a WebSocket from its head on, until one of its texts holds this; returns all texts.
    func texts(until needle: String) async -> [String] {
        let bytes = await read { bytes in Self.texts(bytes).contains { $0.contains(needle) } }
        return Self.texts(bytes)
    }

    private static func texts(_ bytes: [UInt8]) -> [String] {
        RawAnswer(bytes).frames.filter { $0.opcode == 1 }.map { String(decoding: $0.payload, as: UTF8.self) }
    }
}
