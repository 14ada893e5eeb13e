import CallBridge
import CallPolicy
import RealtimeProtocol
import Trunk

/// One call, as it is told of.
struct CallEntry: Sendable {
    /// Who speaks at this moment.
    enum Speaking: String, Sendable { case nobody, caller, agent, both }

    /// Something that was said.
    struct Line: Sendable {
        var who: String
        var text: String
        /// Words of the agent that the caller did not hear.
        var unheard = ""
        var wasInterrupted = false
        var itemID = ""
        var at: Int64
    }

    /// A function call of the model.
    struct ToolRun: Sendable {
        var id: String
        var name: String
        var arguments: String
        var outcome: ToolOutcome?
        var output = ""
        var milliseconds: Int?
        var at: Int64
    }

    /// Something that a person did to the call.
    struct Act: Sendable {
        var who: String
        var what: String
        /// The words that were said or whispered, or to whom the call was given.
        var detail = ""
        var at: Int64
    }

    /// Lines, function calls and acts that are kept, the last ones of each.
    static let linesKept = 200
    static let runsKept = 100
    static let actsKept = 100

    var callSID: String
    var streamSID = ""
    var caller = ""
    var called = ""
    var direction = ""
    var rule = ""
    var model = ""
    var voice = ""
    /// The audio of the model.
    var modelFormat = AudioFormat.pcmu
    /// Whether Twilio brought it: only such calls can be given to somebody else.
    var isTwilio = false
    /// Whether Twilio can be asked to.
    var hasAccount = false
    var startedAt: Int64
    var endedAt: Int64?
    /// What the carrier said of a call that we make, until its stream begins.
    var carrierStatus: String?
    var reason: EndReason?
    var initiator: EndInitiator?
    var endDetail = ""
    var isModelServing = false
    var isAgentMuted = false
    var isCallerSpeaking = false
    var isAgentSpeaking = false
    var interruptions = 0
    var reconnects = 0
    var lastLatency: Int?
    var costMicrodollars: Int64 = 0
    var lines: [Line] = []
    var runs: [ToolRun] = []
    var acts: [Act] = []
    /// Where it runs; nil when it has ended.
    var seat: (engine: CallEngine, call: CallID)?

    init(callSID: String, startedAt: Int64) {
        self.callSID = callSID
        self.startedAt = startedAt
    }

    var speaking: Speaking {
        switch (isCallerSpeaking, isAgentSpeaking) {
        case (false, false): .nobody
        case (true, false): .caller
        case (false, true): .agent
        case (true, true): .both
        }
    }

    // MARK: - What happens

    mutating func note(_ plan: CallPlan) {
        rule = plan.rule
        model = plan.call.session.model
        voice = plan.call.session.voice
        modelFormat = plan.call.session.outputFormat
    }

    /// The number at the other end.
    var party: String { direction.hasPrefix("outbound") ? called : caller }

    mutating func note(_ event: CallEvent, at moment: Int64) {
        switch event {
        case .started(let start):
            streamSID = start.streamID
            isTwilio = !start.hasLine
            caller = start.parameters[CallPlanner.callerParameter] ?? ""
            called = start.parameters[CallPlanner.calledParameter] ?? ""
            direction = start.parameters[CallPlanner.directionParameter] ?? ""
        case .modelServing: isModelServing = true
        case .modelLost(_, _, lost: true): isModelServing = false
        case .reconnected: reconnects += 1
        case .agentMuted(let muted): isAgentMuted = muted
        case .callerSpeechStarted: isCallerSpeaking = true
        case .callerSpeechStopped: isCallerSpeaking = false
        case .interrupted:
            interruptions += 1
            isAgentSpeaking = false
        case .turnLatency(let latency): lastLatency = latency.firstAudioMilliseconds
        case .callerTranscript(let item, let text): say(Line(who: "caller", text: text, itemID: item, at: moment))
        case .keys(let keys): say(Line(who: "keys", text: keys, at: moment))
        case .agentTranscript(let words):
            say(
                Line(
                    who: "agent",
                    text: words.heard,
                    unheard: words.unheard,
                    wasInterrupted: words.wasInterrupted,
                    itemID: words.itemID,
                    at: moment
                )
            )
        case .toolStarted(let id, let name, let arguments):
            runs.append(ToolRun(id: id, name: name, arguments: arguments, at: moment))
            if runs.count > Self.runsKept { runs.removeFirst() }
        case .toolFinished(let id, let name, let outcome, let output, let milliseconds):
            let index = runs.lastIndex { $0.id == id }
            var run = index.map { runs[$0] } ?? ToolRun(id: id, name: name, arguments: "", at: moment)
            (run.outcome, run.output, run.milliseconds) = (outcome, output, milliseconds)
            if let index { runs[index] = run } else { runs.append(run) }
        case .usage(_, _, let cost), .transcriptionUsage(_, let cost): costMicrodollars += cost
        case .ending(_, _, let detail): endDetail = detail
        default: break
        }
    }

    mutating func note(_ playback: PlaybackEvent) {
        switch playback {
        case .started: isAgentSpeaking = true
        case .drained: isAgentSpeaking = false
        case .arrived, .finished: break
        }
    }

    mutating func act(_ what: String, by who: String, detail: String, at moment: Int64) {
        acts.append(Act(who: who, what: what, detail: detail, at: moment))
        if acts.count > Self.actsKept { acts.removeFirst() }
    }

    private mutating func say(_ line: Line) {
        if line.text.isEmpty, line.unheard.isEmpty { return }
        lines.append(line)
        if lines.count > Self.linesKept { lines.removeFirst() }
    }

    // MARK: - How it is told

    /// As `/calls` tells it.
    var summary: JSONObject {
        let isLive = endedAt == nil
        var object: JSONObject = [
            "call_sid": .string(callSID), "stream_sid": .string(streamSID), "from": .string(caller),
            "to": .string(called), "direction": .string(direction), "rule": .string(rule), "model": .string(model),
            "voice": .string(voice), "status": .string(carrierStatus ?? (isLive ? "in-progress" : "completed")),
            "started_at": .string(UnixTime.text(startedAt)),
            "duration_ms": .integer((endedAt ?? UnixTime.milliseconds) - startedAt),
            "model_serving": .bool(isModelServing && isLive), "agent_muted": .bool(isAgentMuted),
            "speaking": .string(isLive ? speaking.rawValue : Speaking.nobody.rawValue),
            "interruptions": .integer(Int64(interruptions)), "reconnects": .integer(Int64(reconnects)),
            "cost_usd": .number(Double(costMicrodollars) / 1_000_000),
            "audio_bytes_per_ms": .integer(Int64(modelFormat.bytesPerMillisecond)),
            "can_transfer": .bool(isTwilio && hasAccount && isLive),
        ]
        if let lastLatency { object["latency_ms"] = .integer(Int64(lastLatency)) }
        if let endedAt { object["ended_at"] = .string(UnixTime.text(endedAt)) }
        if let reason { object["end_reason"] = .string(reason.rawValue) }
        if let initiator { object["ended_by"] = .string(initiator.rawValue) }
        if endedAt != nil, !endDetail.isEmpty { object["end_detail"] = .string(endDetail) }
        return object
    }

    /// As `/calls/{id}` tells it.
    var detail: JSONObject {
        var object = summary
        object["transcript"] = .array(
            lines.map { line in
                [
                    "who": .string(line.who), "text": .string(line.text), "unheard": .string(line.unheard),
                    "interrupted": .bool(line.wasInterrupted), "item_id": .string(line.itemID),
                    "at": .string(UnixTime.text(line.at)),
                ]
            }
        )
        object["tools"] = .array(
            runs.map { run in
                [
                    "call_id": .string(run.id), "name": .string(run.name), "arguments": .string(run.arguments),
                    "outcome": run.outcome.map { .string($0.rawValue) } ?? .null, "output": .string(run.output),
                    "duration_ms": run.milliseconds.map { .integer(Int64($0)) } ?? .null,
                    "at": .string(UnixTime.text(run.at)),
                ]
            }
        )
        object["actions"] = .array(
            acts.map { act in
                [
                    "who": .string(act.who), "what": .string(act.what), "detail": .string(act.detail),
                    "at": .string(UnixTime.text(act.at)),
                ]
            }
        )
        return object
    }
}
