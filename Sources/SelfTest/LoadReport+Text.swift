public import RealtimeProtocol

extension LoadReport {
    private var worstTruncations: [Int] { truncationErrors.map(abs).sorted() }

    /// Lines for a person.
    public var lines: [String] {
        let truncations = worstTruncations
        return [
            "calls            \(calls) at once, \(seconds) s each",
            "caller → model   \(callerFrames) frames, \(callerFaults) lost, repeated or reordered",
            "model → caller   \(agentFrames) frames, \(agentFaults) lost, repeated or reordered",
            "answers          \(answersWhole) heard whole, \(answersInterrupted) interrupted",
            "truncation error p50 \(Self.percentile(truncations, 0.5)) ms, p99 \(Self.percentile(truncations, 0.99)) ms, \(truncationsRejected) rejected",
            "barge-in         speech found → clear at the phone: p50 \(Self.percentile(bargeIns, 0.5)) µs, p99 \(Self.percentile(bargeIns, 0.99)) µs",
            "at the phone     at most \(queuedMillisecondsHigh) ms queued",
            "server CPU       \(rounded(cpuMillisecondsPerCallSecond)) ms per call-second, \(rounded(writesPerFrame)) writes per media message",
            "memory           \(residentBytes / max(1, calls) / 1_024) KiB per call, both simulators included",
            "loop             longest turn \(longestTurn) µs, \(slowTurns) over 5 ms",
        ]
    }

    /// The same for a machine.
    public var json: JSONValue {
        func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        let truncations = worstTruncations
        return [
            "calls": number(calls), "seconds": number(seconds),
            "caller_frames": number(callerFrames), "caller_faults": number(callerFaults),
            "agent_frames": number(agentFrames), "agent_faults": number(agentFaults),
            "answers_whole": number(answersWhole), "answers_interrupted": number(answersInterrupted),
            "truncation_error_ms_p50": number(Self.percentile(truncations, 0.5)),
            "truncation_error_ms_p99": number(Self.percentile(truncations, 0.99)),
            "truncations_rejected": number(truncationsRejected),
            "barge_in_us_p50": number(Self.percentile(bargeIns, 0.5)),
            "barge_in_us_p99": number(Self.percentile(bargeIns, 0.99)),
            "queued_ms_max": number(queuedMillisecondsHigh),
            "cpu_ms_per_call_second": .number(cpuMillisecondsPerCallSecond),
            "writes_per_media_message": .number(writesPerFrame),
            "resident_bytes_per_call": number(residentBytes / max(1, calls)),
            "turn_longest_us": number(longestTurn), "turns_over_5ms": number(slowTurns),
            "failures": .array((failures + misses).map(JSONValue.string)),
        ]
    }

    private func rounded(_ value: Double) -> String {
        let hundredths = Int(value * 100 + 0.5)
        let rest = String(hundredths % 100)
        return "\(hundredths / 100).\(String(repeating: "0", count: 2 - rest.count))\(rest)"
    }
}
