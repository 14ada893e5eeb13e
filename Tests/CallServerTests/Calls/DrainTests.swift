import CallServer
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing

/// How calls end when the server does.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DrainTests {
    /// A server with a call whose model serves.
    private static func talking(_ said: LogLines) async throws -> (ServerFixture, PhoneSimulator.Outcome) {
        let server = try await ServerFixture(logger: said.logger("test"))
        let outcome = try await server.call()
        let path = "/calls/\(PhoneScript.pattern(1, []).callID)"
        _ = try await server.ask(path) { $0.text.contains(#""model_serving":true"#) }
        return (server, outcome)
    }

    /// When the time is over the agent says goodbye, and the record tells why the call ended.
    @Test func afterItsTimeCallsEndWithAGoodbye() async throws {
        let said = LogLines()
        let (server, outcome) = try await Self.talking(said)
        await server.server.end(within: 200)
        await outcome.ended()
        #expect(outcome.report.heardItems.values.reduce(0, +) == 1_000 * 8)
        #expect(said.lines.contains { $0.contains("call ended: draining by system") })
        #expect(!said.lines.contains { $0.contains("carrier_lost") || $0.contains("reconnect(") })
        #expect(server.modelLog.connections == 1)
        await server.stop()
    }

    /// A second signal: at once, and with the same reason.
    @Test func aStopEndsCallsAtOnce() async throws {
        let said = LogLines()
        let (server, outcome) = try await Self.talking(said)
        let end = Task { await server.server.end(within: 60_000) }
        end.cancel()
        await end.value
        await outcome.ended()
        #expect(outcome.report.heardItems.isEmpty)
        #expect(said.lines.contains { $0.contains("call ended: draining by system") })
        #expect(server.modelLog.connections == 1)
        await server.stop()
    }
}
