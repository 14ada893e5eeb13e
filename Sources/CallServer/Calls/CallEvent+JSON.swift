import CallPolicy
import RealtimeProtocol

extension CallEvent {
    /// The event for people and pages that watch a call: its name under `type`, and what belongs to it.
    var json: JSONObject {
        switch self {
        case .started(let start): ["type": "started", "stream_sid": .string(start.streamID)]
        case .modelDialled(let leg, let purpose):
            ["type": "model_dialled", "leg": .integer(Int64(leg.number)), "purpose": .string(purpose.name)]
        case .modelServing(let leg, let session, let milliseconds):
            [
                "type": "model_serving", "leg": .integer(Int64(leg.number)), "session_id": .string(session ?? ""),
                "after_ms": .integer(Int64(milliseconds)),
            ]
        case .modelLost(let leg, let close, let lost):
            [
                "type": "model_lost", "leg": .integer(Int64(leg.number)), "code": .integer(Int64(close.code)),
                "reason": .string(close.reason), "needed": .bool(lost),
            ]
        case .reconnected(_, let outage, let items):
            ["type": "reconnected", "outage_ms": .integer(Int64(outage)), "restored_items": .integer(Int64(items))]
        case .rotated(_, _, let forced, let items):
            ["type": "rotated", "forced": .bool(forced), "restored_items": .integer(Int64(items))]
        case .callerSpeechStarted(let item): ["type": "caller_speech_started", "item_id": .string(item)]
        case .callerSpeechStopped(let item): ["type": "caller_speech_stopped", "item_id": .string(item)]
        case .callerTranscript(let item, let text):
            ["type": "caller_transcript", "item_id": .string(item), "text": .string(text)]
        case .agentTranscript(let words): words.json
        case .keys(let keys): ["type": "keys", "keys": .string(keys)]
        case .turnLatency(let latency):
            [
                "type": "turn_latency", "first_audio_ms": .integer(Int64(latency.firstAudioMilliseconds)),
                "created_ms": latency.createdMilliseconds.map { .integer(Int64($0)) } ?? .null,
            ]
        case .interrupted(let interruption): interruption.json
        case .callerTurnCommitted(let item): ["type": "caller_turn_committed", "item_id": .string(item)]
        case .agentHeard(let item, let ago):
            ["type": "agent_heard", "item_id": .string(item), "ago_ms": .integer(Int64(ago))]
        case .talkedOver(let milliseconds): ["type": "talked_over", "duration_ms": .integer(Int64(milliseconds))]
        case .interruptionSuppressed: ["type": "interruption_suppressed"]
        case .truncated(let item, let end, let received):
            [
                "type": "truncated", "item_id": .string(item), "audio_end_ms": .integer(Int64(end)),
                "received_ms": .integer(Int64(received)),
            ]
        case .truncationRejected(let item, let error):
            ["type": "truncation_rejected", "item_id": .string(item), "message": .string(error.message)]
        case .responseRequested(let purpose): ["type": "response_requested", "purpose": .string(purpose.rawValue)]
        case .responseFinished(let id, let purpose, let status, let detail):
            [
                "type": "response_finished", "response_id": .string(id), "purpose": .string(purpose.rawValue),
                "status": .string(status), "detail": detail.map(JSONValue.string) ?? .null,
            ]
        case .usage(let id, let usage, let cost):
            [
                "type": "usage", "response_id": .string(id), "cost_usd": .number(Double(cost) / 1_000_000),
                "input_tokens": .integer(Int64(usage.inputText + usage.inputAudio)),
                "output_tokens": .integer(Int64(usage.outputText + usage.outputAudio)),
                "cached_tokens": .integer(Int64(usage.cachedText + usage.cachedAudio)),
            ]
        case .transcriptionUsage(_, let cost):
            ["type": "transcription_usage", "cost_usd": .number(Double(cost) / 1_000_000)]
        case .toolStarted(let id, let name, let arguments):
            [
                "type": "tool_started", "call_id": .string(id), "name": .string(name),
                "arguments": .string(arguments),
            ]
        case .toolFinished(let id, let name, let outcome, let output, let milliseconds):
            [
                "type": "tool_finished", "call_id": .string(id), "name": .string(name),
                "outcome": .string(outcome.rawValue), "output": .string(output),
                "duration_ms": .integer(Int64(milliseconds)),
            ]
        case .agentMuted(let muted): ["type": "agent_muted", "muted": .bool(muted)]
        case .rateLimits(let limits):
            ["type": "rate_limits", "limits": .array(limits.map(\.told))]
        case .unknownEvent(let type): ["type": "unknown_event", "name": .string(type)]
        case .warning(let kind, let detail):
            ["type": "warning", "kind": .string(kind.rawValue), "detail": .string(detail)]
        case .goodbyeCancelled: ["type": "goodbye_cancelled"]
        case .ending(let reason, let initiator, let detail):
            [
                "type": "ending", "reason": .string(reason.rawValue), "by": .string(initiator.rawValue),
                "detail": .string(detail),
            ]
        case .summary(let summary):
            [
                "type": "summary", "duration_ms": .integer(Int64(summary.durationMilliseconds)),
                "caller_turns": .integer(Int64(summary.callerTurns)),
                "agent_turns": .integer(Int64(summary.agentTurns)),
                "cost_usd": .number(Double(summary.usage.costMicrodollars) / 1_000_000),
            ]
        }
    }
}

extension DialPurpose {
    fileprivate var name: String {
        switch self {
        case .first: "first"
        case .reconnect(let attempt): "reconnect \(attempt)"
        case .rotation: "rotation"
        }
    }
}

extension AgentTranscript {
    fileprivate var json: JSONObject {
        [
            "type": "agent_transcript", "item_id": .string(itemID), "text": .string(heard),
            "unheard": .string(unheard), "interrupted": .bool(wasInterrupted),
            "heard_ms": heardMilliseconds.map { .integer(Int64($0)) } ?? .null,
        ]
    }
}

extension Interruption {
    fileprivate var json: JSONObject {
        [
            "type": "interrupted", "cause": .string(cause.rawValue), "item_id": itemID.map(JSONValue.string) ?? .null,
            "heard_ms": .integer(Int64(heardMilliseconds)), "dropped_ms": .integer(Int64(droppedMilliseconds)),
            "talk_over_ms": talkOverMilliseconds.map { .integer(Int64($0)) } ?? .null,
        ]
    }
}

extension RateLimit {
    fileprivate var told: JSONValue {
        ["name": .string(name), "remaining": remaining.map { .integer(Int64($0)) } ?? .null]
    }
}
