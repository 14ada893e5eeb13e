import Logging
import SelfTest
import Simulators
import Testing
import Trunk

@testable import CallBridge

/// A key must not reach a log, not even in the words of the server that refused it.
@Suite(.timeLimit(.minutes(5))) struct RedactionTests {
    /// Keeps all lines of all levels.
    private struct Keeper: LogHandler {
        final class Lines: Sendable {
            let all = Locked<[String]>([])
        }

        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.all.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }

    @Test func replacesWhatLooksLikeAKey() {
        #expect(Redaction.keys(in: "Incorrect API key provided: sk-abc123.") == "Incorrect API key provided: [key]")
        #expect(Redaction.keys(in: "(\"ek_1\", two)") == "(\"[key]\", two)")
        #expect(Redaction.keys(in: "nothing to hide") == "nothing to hide")
    }

    @Test func aRefusedKeyIsNotLogged() async throws {
        let lines = Keeper.Lines()
        var setup = Rig.Setup()
        setup.logger = Logger(label: "test") { _ in Keeper(lines: lines) }
        setup.model.handshake = .refused(
            code: "invalid_api_key",
            message: "Incorrect API key provided: sk-simulated."
        )
        let rig = try await Rig(setup)
        let script = PhoneScript.pattern(1, [.hangUp(.never)])
        let phone = try await rig.call(script)
        await phone.ended()
        await rig.waitForEnding(of: script.callID)
        await rig.stop()
        let all = lines.all.withLock { $0 }
        #expect(all.contains { $0.contains("[key]") })
        #expect(!all.contains { $0.contains("sk-simulated") })
    }
}
