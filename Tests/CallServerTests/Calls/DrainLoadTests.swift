import CallServer
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// A server that is stopped with many calls. `make test` runs this by itself: it loads the machine.
@Suite(.timeLimit(.minutes(3))) struct DrainLoadTests {
    @Test func ofAHundredCallsNoneIsCut() async throws {
        // A stalled machine must not look like lost audio: what waits is counted, not dropped.
        let server = try await ServerFixture(settings: { $0.engine.waitingMillisecondsMax = 60_000 })
        let turn: [PhoneScript.Step] = [
            .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 2_500, atMost: 60_000),
        ]
        var outcomes: [PhoneSimulator.Outcome] = []
        for number in 1...100 {
            outcomes.append(try await server.call(number, turn + turn + [.hangUp(.stop)]))
            try await Task.sleep(for: .milliseconds(20))
        }
        _ = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_calls_active 100\n") }
        server.server.drain()
        #expect(try await server.ask("GET", "/ready").status == 503)
        for outcome in outcomes { await outcome.ended() }
        for (index, outcome) in outcomes.enumerated() {
            let report = outcome.report
            #expect(!report.checks.isEmpty && report.checks.values.allSatisfy { $0.isPerfect })
            // A caller of a busy machine may not wait for an answer's end; whoever does hears it whole.
            #expect(report.heardItems.values.contains(1_000 * 8))
            #expect(server.modelLog.checks[UInt16(index + 1)]?.isPerfect == true)
        }
        let text = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_calls_active 0\n") }.text
        #expect(text.contains("\ntrunkline_calls_total{outcome=\"caller_hung_up\",initiator=\"caller\"} 100\n"))
        await server.stop()
    }
}
