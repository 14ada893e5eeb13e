import CallServer
import Foundation
import Glibc
import Logging
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// Each subsystem's lines go under its label, with the level that LOG_LEVELS gives it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SubsystemTests {
    @Test func linesHaveTheirSubsystem() async throws {
        let folder = try TemporaryFolder()
        let said = LogLines()
        let server = try await ServerFixture(["DATABASE_PATH": folder.path + "/calls.db"], logger: said.logger)
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 500), .hangUp(.stop)])
        await outcome.ended()
        _ = try await server.ask(
            "POST",
            "/status",
            headers: ["Content-Type: application/x-www-form-urlencoded"],
            body: "CallSid=CA1&CallStatus=ringing"
        )
        let lines = said.lines
        #expect(lines.contains { $0.hasPrefix("info bridge ") && $0.contains("call started") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("info carrier ") && $0.contains("carrier reports ringing") }, "\(lines)")
        await server.stop()
    }

    /// Whoever looks for a call finds all of its lines: refused ones, errors and tools included.
    @Test func eachLineOfACallHasItsID() async throws {
        let said = LogLines()
        let server = try await ServerFixture(
            logger: said.logger,
            model: { $0.toolCalls = [.init(turn: 1, name: "current_time", arguments: "{}")] }
        )
        let script = PhoneScript.pattern(
            1,
            [.speakPattern(milliseconds: 500), .pause(milliseconds: 1_500), .hangUp(.stop)]
        )
        let outcome = try await server.call(script)
        await outcome.ended()
        _ = try await server.ask("/calls") { $0.text.contains("ended_at") }
        let lines = said.lines.filter { $0.split(separator: " ").dropFirst().first == "bridge" }
        #expect(lines.count > 5, "\(said.lines)")
        #expect(lines.filter { !$0.contains("call=\(script.callID) ") } == [])
        await server.stop()
    }

    /// Through the program's own handler, down to the bytes.
    @Test func aLevelOfItsOwnHolds() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/log"
        let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
        let writer = LogWriter(descriptor: descriptor)
        let settings = try Settings(environment: ["LOG_LEVELS": "carrier=error,bridge=debug"], prompt: nil)
        let logger = Logger(label: "trunkline") {
            BackgroundLogHandler(label: $0, settings: settings.logging, writer: writer)
        }
        let server = try await ServerFixture(logger: logger)
        _ = try await server.ask(
            "POST",
            "/status",
            headers: ["Content-Type: application/x-www-form-urlencoded"],
            body: "CallSid=CA1&CallStatus=ringing"
        )
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 500), .hangUp(.stop)])
        await outcome.ended()
        await server.stop()
        writer.close()
        close(descriptor)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("call started") && text.contains(" debug "), "\(text)")
        #expect(!text.contains("carrier reports"))
    }

    /// Keys that come with a reload are hidden as those of the start are.
    @Test func aReloadHidesItsKeys() async throws {
        var parts = Server.Parts()
        parts.secrets = SecretWords(["first-key"])
        let server = try await ServerFixture(["API_TOKEN": "a-token-of-24-characters"], parts: parts)
        #expect(Set(parts.secrets.all).isSuperset(of: ["first-key", "a-token-of-24-characters", "sk-test"]))
        var settings = try Settings(environment: ["OPENAI_API_KEY": "sk-test"], prompt: nil)
        settings.records.endSecret = "a-key-of-the-reload"
        server.server.reload(settings)
        #expect(parts.secrets.all.contains("a-key-of-the-reload"))
        let line = LogLine(milliseconds: 0, level: .info, label: "x", message: "it said a-key-of-the-reload")
        let text = String(decoding: line.bytes(.text, hiding: parts.secrets.all), as: UTF8.self)
        #expect(text.contains("it said [secret]"))
        await server.stop()
    }

    @Test func namesThatNobodyHasAreTold() throws {
        let settings = try Settings(environment: ["LOG_LEVELS": "bridges=debug"], prompt: nil)
        #expect(settings.notes.contains { $0.contains(#""bridges" is none of our subsystems"#) })
    }
}
