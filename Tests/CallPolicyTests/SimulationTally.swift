import CallPolicy

/// What happened in many simulated calls, to be sure that they come to what they are to test.
struct SimulationTally: Sendable {
    private(set) var failures: [String] = []
    private var calls = 0
    private var inputs = 0
    private var reasons: [EndReason: Int] = [:]
    private var counts: [String: Int] = [:]

    /// Runs a call and counts it.
    mutating func add(_ world: SimulatedWorld, seed: Int) {
        let violations = world.run()
        if !violations.isEmpty, failures.count < 10 { failures.append("seed \(seed): \(violations)") }
        calls += 1
        inputs += world.handled
        if let reason = world.invariants.reason { reasons[reason, default: 0] += 1 }
        let counters = world.machine.counters
        let numbers = [
            "interruptions": counters.interruptions, "truncations": counters.truncations,
            "rejected truncations": counters.truncationsRejected, "losses": counters.modelLosses,
            "reconnect attempts": counters.reconnectAttempts, "rotations": counters.rotations,
            "tool runs": counters.toolRuns, "refused tools": counters.toolsRefused,
            "tool time-outs": counters.toolTimeouts, "late tool results": counters.lateToolResults,
            "failed responses": counters.responsesFailed, "cut responses": counters.responsesIncomplete,
            "collisions": counters.responseCollisions, "history dropped": counters.historyDropped,
            "ignored inputs": counters.ignoredInputs,
        ]
        for (name, number) in numbers { counts[name, default: 0] += number }
    }

    mutating func add(_ other: SimulationTally) {
        failures += other.failures
        calls += other.calls
        inputs += other.inputs
        reasons.merge(other.reasons, uniquingKeysWith: +)
        counts.merge(other.counts, uniquingKeysWith: +)
    }

    /// Reasons and counters that no call came to.
    var unseen: [String] {
        // These need someone beside the call, or a fault of the server itself.
        let outside: Set<EndReason> = [.transferred, .draining, .internalError]
        return EndReason.allCases.filter { reasons[$0] == nil && !outside.contains($0) }.map(\.rawValue)
            + counts.filter { $0.value == 0 }.map(\.key)
    }

    var report: String {
        let ends = reasons.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue) \($0.value)" }
        let numbers = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "\(calls) calls, \(inputs) inputs; \(numbers.joined(separator: ", ")); "
            + "ended: \(ends.joined(separator: ", "))"
    }
}
