import CallPolicy
import GRDB
import RealtimeProtocol
import Trunk

extension BatchWriting {
    func write(_ event: PlaybackEvent, of call: inout LiveCall, _ row: Int64, at moment: Int64) throws {
        switch event {
        case .arrived(let itemID):
            if call.turn(of: itemID) == nil {
                try addTurn("agent", to: &call, row, item: itemID, ["first_delta_at": moment])
            }
        case .started(let itemID):
            guard let turn = call.turn(of: itemID) else { return }
            call.agentTurn = turn
            try run("UPDATE turns SET began_at = ?, first_sent_at = ? WHERE id = ?", moment, moment, turn)
        case .finished(let itemID, _):
            guard let turn = call.turn(of: itemID) else { return }
            try run("UPDATE turns SET ended_at = ? WHERE id = ?", moment, turn)
        case .drained: break
        }
    }

    func write(_ event: CallEvent, of call: inout LiveCall, _ row: Int64, at moment: Int64) throws {
        switch event {
        case .callerSpeechStarted, .callerSpeechStopped, .callerTurnCommitted, .callerTranscript: fallthrough
        case .agentTranscript, .agentHeard, .keys, .turnLatency:
            try writeTurn(event, of: &call, row, at: moment)
        case .interrupted(let interruption):
            try insert(
                "barge_ins",
                [
                    "call_id": row, "at": moment, "cause": interruption.cause.rawValue,
                    "item_id": interruption.itemID, "response_id": interruption.responseID,
                    "heard_ms": interruption.heardMilliseconds, "dropped_ms": interruption.droppedMilliseconds,
                    "talk_over_ms": interruption.talkOverMilliseconds,
                ]
            )
        case .interruptionSuppressed:
            call.talkOver = try insert("barge_ins", ["call_id": row, "at": moment, "cause": "suppressed"])
        case .talkedOver(let milliseconds):
            guard let bargeIn = call.talkOver else { return }
            call.talkOver = nil
            try run("UPDATE barge_ins SET talk_over_ms = ? WHERE id = ?", milliseconds, bargeIn)
        case .toolStarted, .toolFinished: try writeTool(event, row, at: moment)
        case .modelLost, .reconnected, .rotated: try writeConnection(event, of: &call, row, at: moment)
        case .warning(let kind, let detail): try writeWarning(kind.rawValue, detail, row, at: moment)
        case .truncationRejected(_, let error):
            try writeWarning("truncation_rejected", error.message, row, at: moment)
        case .usage, .transcriptionUsage: try writeUsage(event, row, at: moment)
        case .ending(_, _, let detail):
            try run("UPDATE calls SET end_detail = ? WHERE id = ?", detail.stored, row)
        case .summary(let summary): try write(summary, row)
        default: break
        }
    }

    // MARK: Turns

    private func writeTurn(_ event: CallEvent, of call: inout LiveCall, _ row: Int64, at moment: Int64) throws {
        switch event {
        case .callerSpeechStarted(let itemID):
            call.speechEndedAt = nil
            call.committedAt = nil
            if call.turn(of: itemID) == nil {
                try addTurn("caller", to: &call, row, item: itemID, ["began_at": moment])
            }
        case .callerSpeechStopped(let itemID):
            call.speechEndedAt = moment
            guard let turn = call.turn(of: itemID) else { return }
            try run("UPDATE turns SET ended_at = ? WHERE id = ?", moment, turn)
        case .callerTurnCommitted(let itemID):
            call.committedAt = moment
            guard let turn = call.turn(of: itemID) else { return }
            try run("UPDATE turns SET committed_at = ? WHERE id = ?", moment, turn)
        case .agentHeard(let itemID, let ago):
            guard let turn = call.turn(of: itemID) else { return }
            // Not before it was sent: the moment of a mark is known to some milliseconds.
            try run(
                "UPDATE turns SET first_heard_at = max(?, coalesce(first_sent_at, 0)) WHERE id = ?",
                moment - Int64(ago),
                turn
            )
        case .callerTranscript(let itemID, let text):
            if let turn = call.turn(of: itemID) {
                try run("UPDATE turns SET text = ? WHERE id = ?", text.stored, turn)
            } else {
                try addTurn("caller", to: &call, row, item: itemID, ["text": text, "began_at": moment])
            }
        case .agentTranscript(let words): try write(words, of: &call, row, at: moment)
        case .keys(let keys):
            try addTurn("keys", to: &call, row, ["text": keys, "began_at": moment, "ended_at": moment])
        case .turnLatency(let latency): try write(latency, of: call)
        default: break
        }
    }

    private func write(_ words: AgentTranscript, of call: inout LiveCall, _ row: Int64, at moment: Int64) throws {
        let isSplit = !words.heard.isEmpty && !words.unheard.isEmpty
        let between = isSplit && words.heard.last?.isWhitespace != true && words.unheard.first?.isWhitespace != true
        let text = words.heard + (between ? " " : "") + words.unheard
        let turn =
            try call.turn(of: words.itemID)
            ?? addTurn("agent", to: &call, row, item: words.itemID, ["began_at": moment])
        guard let turn else { return }
        try run(
            """
            UPDATE turns SET text = ?, heard = ?, unheard = ?, heard_ms = ?, interrupted = ?,
                ended_at = coalesce(ended_at, ?)
            WHERE id = ?
            """,
            text.stored,
            words.heard.stored,
            words.unheard.stored,
            words.heardMilliseconds,
            words.wasInterrupted,
            moment,
            turn
        )
    }

    /// The waterfall of the answer that has just begun; its parts are told since the end of the caller's speech.
    private func write(_ latency: TurnLatency, of call: LiveCall) throws {
        guard let turn = call.agentTurn, let spoken = call.speechEndedAt else { return }
        try run(
            """
            UPDATE turns SET speech_ended_at = ?, committed_at = ?, response_created_at = ?,
                first_sent_at = coalesce(first_sent_at, ?)
            WHERE id = ?
            """,
            spoken,
            call.committedAt,
            latency.createdMilliseconds.map { spoken + Int64($0) },
            spoken + Int64(latency.firstAudioMilliseconds),
            turn
        )
    }

    // MARK: Tools, connections, warnings

    private func writeTool(_ event: CallEvent, _ row: Int64, at moment: Int64) throws {
        switch event {
        case .toolStarted(let callID, let name, let arguments):
            try insert(
                "tool_runs",
                [
                    "call_id": row, "tool_call_id": callID, "name": name, "arguments": arguments, "began_at": moment,
                ]
            )
        case .toolFinished(let callID, let name, let outcome, let output, let milliseconds):
            try run(
                """
                UPDATE tool_runs SET outcome = ?, output = ?, duration_ms = ?
                WHERE id = (SELECT max(id) FROM tool_runs
                    WHERE call_id = ? AND name = ? AND tool_call_id = ? AND outcome IS NULL)
                """,
                outcome.rawValue,
                output.stored,
                milliseconds,
                row,
                name.stored,
                callID.stored
            )
            if db.changesCount > 0 { return }
            try insert(
                "tool_runs",
                [
                    "call_id": row, "tool_call_id": callID, "name": name, "outcome": outcome.rawValue,
                    "output": output, "began_at": moment - Int64(milliseconds), "duration_ms": milliseconds,
                ]
            )
        default: break
        }
    }

    private func writeConnection(_ event: CallEvent, of call: inout LiveCall, _ row: Int64, at moment: Int64) throws {
        switch event {
        case .modelLost(_, let close, lost: true) where call.loss == nil:
            call.loss = try insert(
                "reconnects",
                [
                    "call_id": row, "at": moment, "kind": "loss",
                    "reason": "\(close.cause) \(close.code) \(close.reason)",
                ]
            )
        case .reconnected(_, let outage, let items):
            guard let loss = call.loss else { return }
            call.loss = nil
            try run("UPDATE reconnects SET outage_ms = ?, restored_items = ? WHERE id = ?", outage, items, loss)
        case .rotated(_, _, let forced, let items):
            try insert(
                "reconnects",
                [
                    "call_id": row, "at": moment, "kind": "rotation",
                    "reason": forced ? "session age, in mid-conversation" : "session age", "outage_ms": 0,
                    "restored_items": items,
                ]
            )
        default: break
        }
    }

    private func writeWarning(_ kind: String, _ detail: String, _ row: Int64, at moment: Int64) throws {
        try insert("warnings", ["call_id": row, "at": moment, "kind": kind, "detail": detail])
    }

    // MARK: Usage

    private func writeUsage(_ event: CallEvent, _ row: Int64, at moment: Int64) throws {
        var responses = 0
        var tokens = (text: 0, textCached: 0, textOut: 0, audio: 0, audioCached: 0, audioOut: 0)
        var transcription = (milliseconds: 0, tokens: 0)
        var cost: Int64 = 0
        var responseID: String?
        switch event {
        case .usage(let id, let used, let microdollars):
            responseID = id
            responses = 1
            let cachedText = min(used.cachedText, used.inputText)
            let cachedAudio = min(used.cachedAudio, used.inputAudio)
            tokens = (
                used.inputText - cachedText, cachedText, used.outputText, used.inputAudio - cachedAudio, cachedAudio,
                used.outputAudio
            )
            cost = microdollars
        case .transcriptionUsage(.duration(let seconds), let microdollars):
            transcription.milliseconds = Int((seconds * 1_000).rounded())
            cost = microdollars
        case .transcriptionUsage(.tokens(let input, let text, let audio, let output), let microdollars):
            tokens = (text, 0, output, audio, 0, 0)
            transcription.tokens = input + output
            cost = microdollars
        default: return
        }
        try insert(
            "usage",
            [
                "call_id": row, "at": moment, "kind": responses == 1 ? "response" : "transcription",
                "response_id": responseID, "text_input": tokens.text, "text_cached": tokens.textCached,
                "text_output": tokens.textOut, "audio_input": tokens.audio, "audio_cached": tokens.audioCached,
                "audio_output": tokens.audioOut, "transcription_ms": transcription.milliseconds,
                "cost_microdollars": cost,
            ]
        )
        // The sums are kept as they come, so that a call that is cut off has them, too.
        let counted =
            responses == 1 ? tokens : (text: 0, textCached: 0, textOut: 0, audio: 0, audioCached: 0, audioOut: 0)
        try run(
            """
            UPDATE calls SET responses = responses + ?, text_input = text_input + ?, text_cached = text_cached + ?,
                text_output = text_output + ?, audio_input = audio_input + ?, audio_cached = audio_cached + ?,
                audio_output = audio_output + ?, transcription_ms = transcription_ms + ?,
                transcription_tokens = transcription_tokens + ?, cost_microdollars = cost_microdollars + ?
            WHERE id = ?
            """,
            responses,
            counted.text,
            counted.textCached,
            counted.textOut,
            counted.audio,
            counted.audioCached,
            counted.audioOut,
            transcription.milliseconds,
            transcription.tokens,
            cost,
            row
        )
    }

    private func write(_ summary: CallSummary, _ row: Int64) throws {
        let usage = summary.usage
        try run(
            """
            UPDATE calls SET caller_turns = ?, agent_turns = ?, responses = ?, text_input = ?, text_cached = ?,
                text_output = ?, audio_input = ?, audio_cached = ?, audio_output = ?, transcription_ms = ?,
                transcription_tokens = ?, unpriced = ?, cost_microdollars = ?, counters = json_patch(counters, ?)
            WHERE id = ?
            """,
            summary.callerTurns,
            summary.agentTurns,
            usage.responses,
            usage.textInput,
            usage.textCached,
            usage.textOutput,
            usage.audioInput,
            usage.audioCached,
            usage.audioOutput,
            usage.transcriptionMilliseconds,
            usage.transcriptionTokens,
            usage.unpriced,
            usage.costMicrodollars,
            JSONValue.object(JSONObject(countersOf: summary.counters)).text,
            row
        )
    }
}
