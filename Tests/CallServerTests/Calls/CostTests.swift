import CallPolicy
import CallServer
import Foundation
import RealtimeProtocol
import Simulators
import TestSupport
import Testing

/// Bounds on what calls cost, through a whole server.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CostTests {
    private static let turns: [PhoneScript.Step] = Array(
        repeating: [.speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000)],
        count: 20
    ).flatMap { $0 }

    /// A dollar for each token: one answer is more than any bound here.
    private static func dear(_ settings: inout Settings) {
        settings.call.prices.models["gpt-realtime-2.1"] = ModelPrice(
            textInput: 1_000_000_000_000,
            textCached: 0,
            textOutput: 0,
            audioInput: 0,
            audioCached: 0,
            audioOutput: 0
        )
    }

    @Test func aCallThatCostsTooMuchEnds() async throws {
        let server = try await ServerFixture(["COST_PER_CALL": "1"], settings: Self.dear)
        let outcome = try await server.call(1, Self.turns)
        await outcome.ended()
        let calls = try await server.ask("/calls") { $0.text.contains("ended_at") }
        #expect(calls.text.contains(#""end_reason":"maximum_cost""#), "\(calls.text)")
        await server.stop()
    }

    /// The day's budget ends calls and refuses new ones, also after a restart: it is not spent once more.
    @Test func aDayThatCostsTooMuchTakesNoCalls() async throws {
        let folder = try TemporaryFolder()
        let settings = ["COST_PER_DAY": "1", "DATABASE_PATH": folder.path + "/calls.db"]
        var server = try await ServerFixture(settings, settings: Self.dear)
        let outcome = try await server.call(1, Self.turns)
        await outcome.ended()
        _ = try await server.ask("/history") { $0.text.contains(#""end_reason":"maximum_cost""#) }
        #expect(try await server.ask("GET", "/incoming-call").text.contains("<Connect>") == false)
        await server.stop()

        let said = LogLines()
        server = try await ServerFixture(settings, logger: said.logger, settings: Self.dear)
        #expect(try await server.ask("GET", "/incoming-call").text.contains("<Connect>") == false)
        #expect(said.lines.contains { $0.contains("COST_PER_DAY is spent by calls of before the start") })
        await server.stop()
    }

    /// What has no price is counted as free: a bound would bound nothing.
    @Test(arguments: [
        ["OPENAI_MODEL": "a-model-of-ours", "COST_PER_DAY": "5"],
        ["OPENAI_MODEL": "a-model-of-ours", "COST_PER_CALL": "5"],
    ])
    func aBoundNeedsPrices(settings: [String: String]) throws {
        let failure = try #require(throws: Settings.Failure.self) { try Settings(environment: settings, prompt: nil) }
        #expect(failure.problems.count == 1 && failure.problems[0].contains("a-model-of-ours has no price"))
        let priced = try Settings(environment: ["OPENAI_MODEL": "gpt-realtime", "COST_PER_DAY": "5"], prompt: nil)
        #expect(priced.caps.dayMicrodollars == 5_000_000)
    }
}
