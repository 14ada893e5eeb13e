extension ServerEvent {
    static func readResponse(_ type: String, _ fields: FieldReader) throws(ProtocolError) -> ServerEvent {
        switch type {
        case "response.created": return .responseCreated(try Response(try fields.reader("response")))
        case "response.done": return .responseDone(try Response(try fields.reader("response")))
        case "response.output_item.added", "response.output_item.done":
            let response = try fields.string("response_id")
            let index = try fields.optionalInteger("output_index") ?? 0
            let item = try ConversationItem(try fields.reader("item"))
            return type.hasSuffix("added")
                ? .outputItemAdded(responseID: response, outputIndex: index, item: item)
                : .outputItemDone(responseID: response, outputIndex: index, item: item)
        case "response.content_part.added": return .contentPartAdded(try position(fields), part: try part(fields))
        case "response.content_part.done": return .contentPartDone(try position(fields), part: try part(fields))
        case "response.function_call_arguments.delta":
            return .functionCallArgumentsDelta(try call(fields), delta: try fields.string("delta"))
        case "response.function_call_arguments.done":
            return .functionCallArgumentsDone(
                try call(fields),
                name: try fields.optionalString("name"),
                arguments: try fields.string("arguments")
            )
        default: return try readMedia(type, fields)
        }
    }

    private static func readMedia(_ type: String, _ fields: FieldReader) throws(ProtocolError) -> ServerEvent {
        switch type {
        case "response.output_audio.delta":
            return .audioDelta(try position(fields), delta: try fields.string("delta"))
        case "response.output_audio.done": return .audioDone(try position(fields))
        case "response.output_audio_transcript.delta":
            return .audioTranscriptDelta(try position(fields), delta: try fields.string("delta"))
        case "response.output_audio_transcript.done":
            return .audioTranscriptDone(
                try position(fields),
                transcript: try fields.optionalString("transcript") ?? ""
            )
        case "response.output_text.delta":
            return .textDelta(try position(fields), delta: try fields.string("delta"))
        case "response.output_text.done":
            return .textDone(try position(fields), text: try fields.optionalString("text") ?? "")
        default: return .unknown(type: type)
        }
    }

    private static func position(_ fields: FieldReader) throws(ProtocolError) -> PartPosition {
        PartPosition(
            responseID: try fields.string("response_id"),
            itemID: try fields.string("item_id"),
            outputIndex: try fields.optionalInteger("output_index") ?? 0,
            contentIndex: try fields.optionalInteger("content_index") ?? 0
        )
    }

    private static func call(_ fields: FieldReader) throws(ProtocolError) -> CallPosition {
        CallPosition(
            responseID: try fields.string("response_id"),
            itemID: try fields.string("item_id"),
            outputIndex: try fields.optionalInteger("output_index") ?? 0,
            callID: try fields.string("call_id")
        )
    }

    private static func part(_ fields: FieldReader) throws(ProtocolError) -> ContentPart? {
        guard let fields = fields.lenientReader("part") else { return nil }
        return try ContentPart(fields)
    }
}
