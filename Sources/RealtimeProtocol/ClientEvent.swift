/// What a client says to the Realtime API (GA names).
///
/// The server repeats `eventID` in the error when an event fails, and nowhere else: give every event one.
public enum ClientEvent: Sendable, Hashable {
    /// Sets the fields of the session that are present.
    case sessionUpdate(SessionObject, eventID: String? = nil)
    /// Adds audio, base64 in the session's input format.
    case inputAudioAppend(audio: String, eventID: String? = nil)
    /// Ends the caller's turn; not needed with turn detection.
    case inputAudioCommit(eventID: String? = nil)
    /// Forgets audio that was not committed.
    case inputAudioClear(eventID: String? = nil)
    /// Adds an item after `previousItemID`, at the end when nil, at the start when `root`.
    case itemCreate(ConversationItem, previousItemID: String? = nil, eventID: String? = nil)
    /// Keeps the first `audioEndMilliseconds` of the item's audio: what was heard.
    case itemTruncate(itemID: String, contentIndex: Int, audioEndMilliseconds: Int, eventID: String? = nil)
    /// Removes an item.
    case itemDelete(itemID: String, eventID: String? = nil)
    /// Asks for an item.
    case itemRetrieve(itemID: String, eventID: String? = nil)
    /// Asks the model to speak.
    case responseCreate(ResponseOptions? = nil, eventID: String? = nil)
    /// Stops a response, the active one when nil.
    case responseCancel(responseID: String? = nil, eventID: String? = nil)
}

extension ClientEvent {
    /// The `type` on the wire.
    public var type: String {
        switch self {
        case .sessionUpdate: "session.update"
        case .inputAudioAppend: "input_audio_buffer.append"
        case .inputAudioCommit: "input_audio_buffer.commit"
        case .inputAudioClear: "input_audio_buffer.clear"
        case .itemCreate: "conversation.item.create"
        case .itemTruncate: "conversation.item.truncate"
        case .itemDelete: "conversation.item.delete"
        case .itemRetrieve: "conversation.item.retrieve"
        case .responseCreate: "response.create"
        case .responseCancel: "response.cancel"
        }
    }

    /// The event's own id.
    public var eventID: String? {
        switch self {
        case .sessionUpdate(_, let id), .inputAudioAppend(_, let id), .inputAudioCommit(let id),
            .inputAudioClear(let id), .itemCreate(_, _, let id), .itemTruncate(_, _, _, let id),
            .itemDelete(_, let id), .itemRetrieve(_, let id), .responseCreate(_, let id), .responseCancel(_, let id):
            id
        }
    }

    /// The message as bytes of JSON.
    public func encode() -> [UInt8] { json.encode() }

    /// The message: `type`, then `event_id`, then the rest.
    public var json: JSONValue {
        var result: JSONObject = ["type": .string(type)]
        result.append("event_id", ifPresent: eventID)
        switch self {
        case .sessionUpdate(let session, _): result.append("session", session.json)
        case .inputAudioAppend(let audio, _): result.append("audio", .string(audio))
        case .inputAudioCommit, .inputAudioClear: break
        case .itemCreate(let item, let previous, _):
            result.append("previous_item_id", ifPresent: previous)
            result.append("item", item.json)
        case .itemTruncate(let item, let index, let end, _):
            result.append("item_id", .string(item))
            result.append("content_index", .integer(Int64(index)))
            result.append("audio_end_ms", .integer(Int64(end)))
        case .itemDelete(let item, _), .itemRetrieve(let item, _): result.append("item_id", .string(item))
        case .responseCreate(let options, _): result.append("response", ifPresent: options?.json)
        case .responseCancel(let response, _): result.append("response_id", ifPresent: response)
        }
        return .object(result)
    }

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
        let type = try fields.string("type")
        do { self = try Self.read(type, fields) } catch {
            var error = error
            error.eventType = type
            throw error
        }
    }

    private static func read(_ type: String, _ fields: FieldReader) throws(ProtocolError) -> ClientEvent {
        let id = try fields.optionalString("event_id")
        switch type {
        case "session.update": return .sessionUpdate(try SessionObject(try fields.reader("session")), eventID: id)
        case "input_audio_buffer.append": return .inputAudioAppend(audio: try fields.string("audio"), eventID: id)
        case "input_audio_buffer.commit": return .inputAudioCommit(eventID: id)
        case "input_audio_buffer.clear": return .inputAudioClear(eventID: id)
        case "conversation.item.create":
            let previous = try fields.optionalString("previous_item_id")
            return .itemCreate(try ConversationItem(try fields.reader("item")), previousItemID: previous, eventID: id)
        case "conversation.item.truncate":
            return .itemTruncate(
                itemID: try fields.string("item_id"),
                contentIndex: try fields.integer("content_index"),
                audioEndMilliseconds: try fields.integer("audio_end_ms"),
                eventID: id
            )
        case "conversation.item.delete": return .itemDelete(itemID: try fields.string("item_id"), eventID: id)
        case "conversation.item.retrieve": return .itemRetrieve(itemID: try fields.string("item_id"), eventID: id)
        case "response.create":
            let options = try fields.optionalReader("response").map { (fields) throws(ProtocolError) in
                try ResponseOptions(fields)
            }
            return .responseCreate(options, eventID: id)
        case "response.cancel":
            return .responseCancel(responseID: try fields.optionalString("response_id"), eventID: id)
        default: throw ProtocolError(field: "type", problem: .unknownType)
        }
    }
}

extension JSONValue {
    /// Parses a message; what is not JSON is a protocol error.
    init(event bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        do { self = try JSONValue(parsing: bytes) } catch {
            throw ProtocolError(field: "", problem: .notJSON(error))
        }
    }
}
