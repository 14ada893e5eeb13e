extension ServerEvent {
    /// Parses one message.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        try self.init(json: try JSONValue(event: bytes))
    }

    /// Parses one message.
    public init(parsing bytes: [UInt8]) throws(ProtocolError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch {
            throw ProtocolError(field: "", problem: .notJSON(error))
        }
        try self.init(json: json)
    }

    /// Reads an event from its JSON.
    public init(json: JSONValue) throws(ProtocolError) {
        let fields = try FieldReader(json)
        let type = BetaTranslation.gaName(ofServerEvent: try fields.string("type"))
        do {
            self =
                switch type.prefix(while: { $0 != "." }) {
                case "session", "error", "rate_limits": try Self.readSession(type, fields)
                case "input_audio_buffer": try Self.readBuffer(type, fields)
                case "conversation": try Self.readConversation(type, fields)
                case "response": try Self.readResponse(type, fields)
                default: .unknown(type: type)
                }
        } catch {
            var error = error
            error.eventType = type
            throw error
        }
    }

    private static func readSession(_ type: String, _ fields: FieldReader) throws(ProtocolError) -> ServerEvent {
        switch type {
        case "session.created": return .sessionCreated(try SessionObject(try fields.reader("session")))
        case "session.updated": return .sessionUpdated(try SessionObject(try fields.reader("session")))
        case "error": return .error(try APIError(try fields.reader("error")))
        case "rate_limits.updated":
            let limits = try fields.optionalList("rate_limits") { (fields) throws(ProtocolError) in
                RateLimit(
                    name: try fields.string("name"),
                    limit: try fields.optionalInteger("limit") ?? 0,
                    remaining: try fields.optionalInteger("remaining"),
                    resetSeconds: try fields.optionalDouble("reset_seconds") ?? 0
                )
            }
            return .rateLimitsUpdated(limits ?? [])
        default: return .unknown(type: type)
        }
    }

    private static func readBuffer(_ type: String, _ fields: FieldReader) throws(ProtocolError) -> ServerEvent {
        switch type {
        case "input_audio_buffer.speech_started":
            return .speechStarted(
                itemID: try fields.string("item_id"),
                audioStartMilliseconds: try fields.optionalInteger("audio_start_ms") ?? 0
            )
        case "input_audio_buffer.speech_stopped":
            return .speechStopped(
                itemID: try fields.string("item_id"),
                audioEndMilliseconds: try fields.optionalInteger("audio_end_ms") ?? 0
            )
        case "input_audio_buffer.committed":
            return .inputAudioCommitted(
                itemID: try fields.string("item_id"),
                previousItemID: try fields.optionalString("previous_item_id")
            )
        case "input_audio_buffer.cleared": return .inputAudioCleared
        case "input_audio_buffer.timeout_triggered":
            return .inputAudioTimeoutTriggered(
                itemID: try fields.string("item_id"),
                audioStartMilliseconds: try fields.optionalInteger("audio_start_ms") ?? 0,
                audioEndMilliseconds: try fields.optionalInteger("audio_end_ms") ?? 0
            )
        default: return .unknown(type: type)
        }
    }

    private static func readConversation(_ type: String, _ fields: FieldReader) throws(ProtocolError) -> ServerEvent {
        switch type {
        case "conversation.created":
            return .conversationCreated(id: try fields.optionalReader("conversation")?.optionalString("id") ?? "")
        case "conversation.item.added":
            return .itemAdded(
                try ConversationItem(try fields.reader("item")),
                previousItemID: try fields.optionalString("previous_item_id")
            )
        case "conversation.item.done":
            return .itemDone(
                try ConversationItem(try fields.reader("item")),
                previousItemID: try fields.optionalString("previous_item_id")
            )
        case "conversation.item.retrieved":
            return .itemRetrieved(try ConversationItem(try fields.reader("item")))
        case "conversation.item.deleted": return .itemDeleted(itemID: try fields.string("item_id"))
        case "conversation.item.truncated":
            return .itemTruncated(
                itemID: try fields.string("item_id"),
                contentIndex: try fields.optionalInteger("content_index") ?? 0,
                audioEndMilliseconds: try fields.optionalInteger("audio_end_ms") ?? 0
            )
        default: return try readInputTranscription(type, fields)
        }
    }

    private static func readInputTranscription(
        _ type: String,
        _ fields: FieldReader
    ) throws(ProtocolError) -> ServerEvent {
        let prefix = "conversation.item.input_audio_transcription."
        guard type.hasPrefix(prefix) else { return .unknown(type: type) }
        let kind = type.dropFirst(prefix.count)
        guard ["delta", "completed", "failed", "segment"].contains(kind) else { return .unknown(type: type) }
        let item = try fields.string("item_id")
        let index = try fields.optionalInteger("content_index") ?? 0
        switch kind {
        case "delta":
            let delta = try fields.optionalString("delta") ?? ""
            return .inputTranscriptionDelta(itemID: item, contentIndex: index, delta: delta)
        case "completed":
            var usage: TranscriptionUsage?
            if let reader = fields.lenientReader("usage") { usage = try TranscriptionUsage(reader) }
            let transcript = try fields.optionalString("transcript") ?? ""
            return .inputTranscriptionCompleted(
                itemID: item,
                contentIndex: index,
                transcript: transcript,
                usage: usage
            )
        case "failed":
            let error = try APIError(try fields.reader("error"))
            return .inputTranscriptionFailed(itemID: item, contentIndex: index, error: error)
        default:
            return .inputTranscriptionSegment(
                itemID: item,
                text: try fields.optionalString("text") ?? "",
                speaker: try fields.optionalString("speaker"),
                start: try fields.optionalDouble("start") ?? 0,
                end: try fields.optionalDouble("end") ?? 0
            )
        }
    }
}
