import CallPolicy
import Foundation
import Testing

/// Many calls with random callers, servers and faults; every step is checked.
///
/// `TRUNKLINE_SIMULATED_CALLS` sets how many (20,000), `TRUNKLINE_SEED` the first seed (1).
@Suite struct CallSimulationTests {
    private static func setting(_ name: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    @Test func nothingThatMustHoldIsBroken() async {
        let count = Self.setting("TRUNKLINE_SIMULATED_CALLS", 20_000)
        let first = Self.setting("TRUNKLINE_SEED", 1)
        let shards = max(1, min(count, ProcessInfo.processInfo.activeProcessorCount))
        let tally = await withTaskGroup(of: SimulationTally.self) { group in
            for shard in 0..<shards {
                group.addTask {
                    var tally = SimulationTally()
                    for seed in stride(from: first + shard, to: first + count, by: shards) {
                        tally.add(SimulatedWorld(seed: UInt64(seed)), seed: seed)
                    }
                    return tally
                }
            }
            return await group.reduce(into: SimulationTally()) { $0.add($1) }
        }
        for failure in tally.failures.prefix(10) { Issue.record("\(failure)") }
        print(tally.report)
        guard count >= 2_000 else { return }
        #expect(tally.unseen.isEmpty, "the simulation did not come to \(tally.unseen)")
    }

    @Test func theSameSeedGivesTheSameCall() {
        for seed in 1...200 {
            let once = SimulatedWorld(seed: UInt64(seed), keepsTranscript: true)
            let again = SimulatedWorld(seed: UInt64(seed), keepsTranscript: true)
            _ = (once.run(), again.run())
            #expect(once.transcript == again.transcript)
        }
    }
}
