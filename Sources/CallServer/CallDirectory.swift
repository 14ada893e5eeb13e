import CallBridge
import CallPolicy
import RealtimeProtocol
import Trunk

/// The calls in progress and the last that ended, by the carrier's id.
public final class CallDirectory: Sendable {
    /// One call, as it is told of.
    struct Entry: Sendable {
        var callSID: String
        var streamSID: String
        var startedAt: Int64
        var endedAt: Int64?
        var reason: EndReason?
        var initiator: EndInitiator?
        var isModelServing = false
        var isAgentMuted = false
        var interruptions = 0
        var transcript: [(who: String, text: String)] = []
        var costMicrodollars: Int64 = 0
        /// Where it runs; nil when it has ended.
        var seat: (engine: CallEngine, call: CallID)?
    }

    /// What was counted.
    struct Totals: Sendable {
        var started = 0
        var ended: [EndReason: Int] = [:]
        var interruptions = 0
        var reconnects = 0
        var tools: [ToolOutcome: Int] = [:]
    }

    /// Calls that are remembered after their end.
    static let endedKept = 100
    /// Lines of a call's transcript that are kept, the last ones.
    static let linesKept = 100

    private struct State {
        var live: [String: Entry] = [:]
        var ended: [Entry] = []
        var totals = Totals()
    }

    private let state = Locked(State())

    init() {}

    var totals: Totals { state.withLock { $0.totals } }
    var liveCount: Int { state.withLock { $0.live.count } }

    /// Calls in progress, the oldest first, then those that ended, the last first.
    var entries: [Entry] {
        state.withLock { $0.live.values.sorted { $0.startedAt < $1.startedAt } + $0.ended.reversed() }
    }

    func entry(_ callSID: String) -> Entry? {
        state.withLock { state in state.live[callSID] ?? state.ended.last { $0.callSID == callSID } }
    }

    /// Writes down what happened to a call of this engine.
    func note(_ record: CallRecord, on engine: CallEngine) {
        state.withLock { state in
            switch record.kind {
            case .event(.started(let start)):
                state.totals.started += 1
                state.live[record.callSID] = Entry(
                    callSID: record.callSID,
                    streamSID: start.streamID,
                    startedAt: Timestamp.now,
                    seat: (engine, record.call)
                )
            case .event(let event):
                state.totals.note(event)
                state.live[record.callSID]?.note(event)
            case .ended(let reason, let initiator, _):
                state.totals.ended[reason, default: 0] += 1
                guard var entry = state.live.removeValue(forKey: record.callSID) else { return }
                entry.endedAt = Timestamp.now
                entry.reason = reason
                entry.initiator = initiator
                entry.seat = nil
                state.ended.append(entry)
                if state.ended.count > Self.endedKept { state.ended.removeFirst() }
            case .playback: break
            }
        }
    }

    /// Gives a command to a call; false when it is not in progress.
    func command(_ command: CallCommand, to callSID: String) async -> Bool {
        guard let seat = entry(callSID)?.seat else { return false }
        await seat.engine.perform { engine in Bridge.command(command, to: seat.call, on: engine) }
        return true
    }
}

extension CallDirectory.Totals {
    fileprivate mutating func note(_ event: CallEvent) {
        switch event {
        case .interrupted: interruptions += 1
        case .reconnected: reconnects += 1
        case .toolFinished(_, _, let outcome, _, _): tools[outcome, default: 0] += 1
        default: break
        }
    }
}

extension CallDirectory.Entry {
    fileprivate mutating func note(_ event: CallEvent) {
        switch event {
        case .modelServing: isModelServing = true
        case .modelLost(_, _, lost: true): isModelServing = false
        case .agentMuted(let muted): isAgentMuted = muted
        case .interrupted: interruptions += 1
        case .callerTranscript(_, let text): say("caller", text)
        case .agentTranscript(let words): say("agent", words.heard)
        case .usage(_, _, let cost), .transcriptionUsage(_, let cost): costMicrodollars += cost
        default: break
        }
    }

    private mutating func say(_ who: String, _ text: String) {
        if text.isEmpty { return }
        transcript.append((who, text))
        if transcript.count > CallDirectory.linesKept { transcript.removeFirst() }
    }

    /// As `/calls` tells it.
    var summary: JSONObject {
        var object: JSONObject = [
            "call_sid": .string(callSID), "stream_sid": .string(streamSID),
            "status": .string(endedAt == nil ? "in-progress" : "completed"),
            "started_at": .string(Timestamp.text(startedAt)),
            "duration_ms": .integer((endedAt ?? Timestamp.now) - startedAt),
            "model_serving": .bool(isModelServing && endedAt == nil), "agent_muted": .bool(isAgentMuted),
        ]
        if let endedAt { object["ended_at"] = .string(Timestamp.text(endedAt)) }
        if let reason { object["end_reason"] = .string(reason.rawValue) }
        if let initiator { object["ended_by"] = .string(initiator.rawValue) }
        return object
    }

    /// As `/calls/{id}` tells it.
    var detail: JSONObject {
        var object = summary
        object["interruptions"] = .integer(Int64(interruptions))
        object["cost_usd"] = .number(Double(costMicrodollars) / 1_000_000)
        object["transcript"] = .array(transcript.map { ["who": .string($0.who), "text": .string($0.text)] })
        return object
    }
}
