extension ServerEvent {
    /// The `type` on the wire (GA).
    public var type: String {
        switch self {
        case .sessionCreated: "session.created"
        case .sessionUpdated: "session.updated"
        case .conversationCreated: "conversation.created"
        case .error: "error"
        case .speechStarted: "input_audio_buffer.speech_started"
        case .speechStopped: "input_audio_buffer.speech_stopped"
        case .inputAudioCommitted: "input_audio_buffer.committed"
        case .inputAudioCleared: "input_audio_buffer.cleared"
        case .inputAudioTimeoutTriggered: "input_audio_buffer.timeout_triggered"
        case .itemAdded: "conversation.item.added"
        case .itemDone: "conversation.item.done"
        case .itemRetrieved: "conversation.item.retrieved"
        case .itemDeleted: "conversation.item.deleted"
        case .itemTruncated: "conversation.item.truncated"
        case .inputTranscriptionDelta: "conversation.item.input_audio_transcription.delta"
        case .inputTranscriptionCompleted: "conversation.item.input_audio_transcription.completed"
        case .inputTranscriptionFailed: "conversation.item.input_audio_transcription.failed"
        case .inputTranscriptionSegment: "conversation.item.input_audio_transcription.segment"
        case .responseCreated: "response.created"
        case .responseDone: "response.done"
        case .outputItemAdded: "response.output_item.added"
        case .outputItemDone: "response.output_item.done"
        case .contentPartAdded: "response.content_part.added"
        case .contentPartDone: "response.content_part.done"
        case .audioDelta: "response.output_audio.delta"
        case .audioDone: "response.output_audio.done"
        case .audioTranscriptDelta: "response.output_audio_transcript.delta"
        case .audioTranscriptDone: "response.output_audio_transcript.done"
        case .textDelta: "response.output_text.delta"
        case .textDone: "response.output_text.done"
        case .functionCallArgumentsDelta: "response.function_call_arguments.delta"
        case .functionCallArgumentsDone: "response.function_call_arguments.done"
        case .rateLimitsUpdated: "rate_limits.updated"
        case .unknown(let type): type
        }
    }

    /// The message as bytes of JSON.
    public func encode(eventID: String) -> [UInt8] { json(eventID: eventID).encode() }

    /// The message: `type`, then `event_id`, then the rest in the order in which the server writes it.
    public func json(eventID: String) -> JSONValue {
        var result: JSONObject = ["type": .string(type), "event_id": .string(eventID)]
        switch self {
        case .sessionCreated(let session), .sessionUpdated(let session): result.append("session", session.json)
        case .conversationCreated(let id): result.append("conversation", ["id": .string(id)])
        case .error(let error): result.append("error", error.json)
        case .rateLimitsUpdated(let limits): result.append("rate_limits", .array(limits.map(\.json)))
        case .responseCreated(let response), .responseDone(let response): result.append("response", response.json)
        case .unknown: break
        default:
            writeBuffer(into: &result)
            writeConversation(into: &result)
            writeInputTranscription(into: &result)
            writeParts(into: &result)
        }
        return .object(result)
    }

    private func writeBuffer(into result: inout JSONObject) {
        switch self {
        case .speechStarted(let item, let start):
            result.append("audio_start_ms", .integer(Int64(start)))
            result.append("item_id", .string(item))
        case .speechStopped(let item, let end):
            result.append("audio_end_ms", .integer(Int64(end)))
            result.append("item_id", .string(item))
        case .inputAudioCommitted(let item, let previous):
            result.append("previous_item_id", previous.map(JSONValue.string) ?? .null)
            result.append("item_id", .string(item))
        case .inputAudioTimeoutTriggered(let item, let start, let end):
            result.append("audio_start_ms", .integer(Int64(start)))
            result.append("audio_end_ms", .integer(Int64(end)))
            result.append("item_id", .string(item))
        default: break
        }
    }

    private func writeConversation(into result: inout JSONObject) {
        switch self {
        case .itemAdded(let item, let previous), .itemDone(let item, let previous):
            result.append("previous_item_id", previous.map(JSONValue.string) ?? .null)
            result.append("item", item.json)
        case .itemRetrieved(let item): result.append("item", item.json)
        case .itemDeleted(let item): result.append("item_id", .string(item))
        case .itemTruncated(let item, let index, let end):
            result.append("item_id", .string(item))
            result.append("content_index", .integer(Int64(index)))
            result.append("audio_end_ms", .integer(Int64(end)))
        default: break
        }
    }

    private func writeInputTranscription(into result: inout JSONObject) {
        switch self {
        case .inputTranscriptionDelta(let item, let index, let delta):
            result.append("item_id", .string(item))
            result.append("content_index", .integer(Int64(index)))
            result.append("delta", .string(delta))
        case .inputTranscriptionCompleted(let item, let index, let transcript, let usage):
            result.append("item_id", .string(item))
            result.append("content_index", .integer(Int64(index)))
            result.append("transcript", .string(transcript))
            result.append("usage", ifPresent: usage?.json)
        case .inputTranscriptionFailed(let item, let index, let error):
            result.append("item_id", .string(item))
            result.append("content_index", .integer(Int64(index)))
            result.append("error", error.json)
        case .inputTranscriptionSegment(let item, let text, let speaker, let start, let end):
            result.append("item_id", .string(item))
            result.append("content_index", 0)
            result.append("text", .string(text))
            result.append("speaker", ifPresent: speaker)
            result.append("start", .number(start))
            result.append("end", .number(end))
        default: break
        }
    }

    private func writeParts(into result: inout JSONObject) {
        switch self {
        case .outputItemAdded(let response, let index, let item), .outputItemDone(let response, let index, let item):
            result.append("response_id", .string(response))
            result.append("output_index", .integer(Int64(index)))
            result.append("item", item.json)
        case .contentPartAdded(let position, let part), .contentPartDone(let position, let part):
            position.write(into: &result)
            result.append("part", ifPresent: part?.json)
        case .audioDone(let position): position.write(into: &result)
        case .audioDelta(let position, let text), .audioTranscriptDelta(let position, let text),
            .textDelta(let position, let text):
            position.write(into: &result)
            result.append("delta", .string(text))
        case .audioTranscriptDone(let position, let transcript):
            position.write(into: &result)
            result.append("transcript", .string(transcript))
        case .textDone(let position, let text):
            position.write(into: &result)
            result.append("text", .string(text))
        case .functionCallArgumentsDelta(let position, let delta):
            position.write(into: &result)
            result.append("delta", .string(delta))
        case .functionCallArgumentsDone(let position, let name, let arguments):
            position.write(into: &result)
            result.append("name", ifPresent: name)
            result.append("arguments", .string(arguments))
        default: break
        }
    }
}

extension PartPosition {
    func write(into result: inout JSONObject) {
        result.append("response_id", .string(responseID))
        result.append("item_id", .string(itemID))
        result.append("output_index", .integer(Int64(outputIndex)))
        result.append("content_index", .integer(Int64(contentIndex)))
    }
}

extension CallPosition {
    func write(into result: inout JSONObject) {
        result.append("response_id", .string(responseID))
        result.append("item_id", .string(itemID))
        result.append("output_index", .integer(Int64(outputIndex)))
        result.append("call_id", .string(callID))
    }
}

extension RateLimit {
    /// The JSON.
    public var json: JSONValue {
        var result: JSONObject = ["name": .string(name), "limit": .integer(Int64(limit))]
        result.append("remaining", ifPresent: remaining)
        result.append("reset_seconds", .number(resetSeconds))
        return .object(result)
    }
}
