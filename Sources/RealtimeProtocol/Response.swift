/// A response of the model, as in `response.created` and `response.done`.
public struct Response: Sendable, Hashable {
    /// How far a response is.
    public enum Status: Sendable, Hashable {
        /// Being generated.
        case inProgress
        /// Whole.
        case completed
        /// Stopped, by the caller's speech or by us.
        case cancelled
        /// Broken by an error.
        case failed
        /// Cut by a limit or a filter.
        case incomplete
        /// A status this code does not know.
        case other(String)

        /// The name on the wire.
        public var name: String {
            switch self {
            case .inProgress: "in_progress"
            case .completed: "completed"
            case .cancelled: "cancelled"
            case .failed: "failed"
            case .incomplete: "incomplete"
            case .other(let name): name
            }
        }

        init(name: String) {
            switch name {
            case "in_progress": self = .inProgress
            case "completed": self = .completed
            case "cancelled": self = .cancelled
            case "failed": self = .failed
            case "incomplete": self = .incomplete
            default: self = .other(name)
            }
        }
    }

    /// Why a response is not complete.
    public struct StatusDetails: Sendable, Hashable {
        /// The status again.
        public var type: String?
        /// `turn_detected`, `client_cancelled`, `max_output_tokens` or `content_filter`.
        public var reason: String?
        /// What broke a failed response.
        public var error: APIError?

        /// Details.
        public init(type: String?, reason: String? = nil, error: APIError? = nil) {
            self.type = type
            self.reason = reason
            self.error = error
        }
    }

    /// The id.
    public var id: String
    /// How far it is.
    public var status: Status
    /// Why it is not complete.
    public var statusDetails: StatusDetails?
    /// Its items; empty until it is done.
    public var output: [ConversationItem] = []
    /// The conversation it belongs to.
    public var conversationID: String?
    /// `["audio"]` or `["text"]`.
    public var outputModalities: [String]?
    /// The most tokens it may have.
    public var maxOutputTokens: TokenLimit?
    /// The format and voice of its audio.
    public var audio: SessionObject.AudioOutput?
    /// Its tokens, when it is done.
    public var usage: TokenUsage?
    /// What `response.create` gave it, in order; empty when the server created the response by itself.
    public var metadata: JSONObject?

    /// A response.
    public init(id: String, status: Status, statusDetails: StatusDetails? = nil) {
        self.id = id
        self.status = status
        self.statusDetails = statusDetails
    }
}

extension Response {
    init(_ fields: FieldReader) throws(ProtocolError) {
        id = try fields.string("id")
        status = Status(name: try fields.string("status"))
        if let details = fields.lenientReader("status_details") {
            statusDetails = StatusDetails(
                type: try details.optionalString("type"),
                reason: try details.optionalString("reason"),
                error: try details.lenientReader("error").map { (fields) throws(ProtocolError) in
                    try APIError(fields)
                }
            )
        }
        output =
            try fields.optionalList("output") { (fields) throws(ProtocolError) in try ConversationItem(fields) } ?? []
        conversationID = try fields.optionalString("conversation_id")
        outputModalities = try fields.optionalArray("output_modalities").map { $0.compactMap(\.stringValue) }
        maxOutputTokens = fields.value("max_output_tokens").flatMap { TokenLimit($0) }
        audio = try fields.lenientReader("audio")?.lenientReader("output").map { (fields) throws(ProtocolError) in
            try SessionObject.AudioOutput(fields)
        }
        usage = try fields.lenientReader("usage").map { (fields) throws(ProtocolError) in try TokenUsage(fields) }
        metadata = fields.object["metadata"]?.objectValue
    }

    /// The JSON, keys in the order in which the server writes them; what is unknown is null.
    public var json: JSONValue {
        var result: JSONObject = [
            "object": "realtime.response", "id": .string(id), "status": .string(status.name),
            "status_details": statusDetails?.json ?? .null, "output": .array(output.map(\.json)),
        ]
        result.append("conversation_id", ifPresent: conversationID)
        result.append("output_modalities", ifPresent: outputModalities.map { .array($0.map(JSONValue.string)) })
        result.append("max_output_tokens", ifPresent: maxOutputTokens?.json)
        result.append("audio", ifPresent: audio.map { ["output": $0.json] })
        result.append("usage", usage?.json ?? .null)
        result.append("metadata", metadata.map(JSONValue.object) ?? .null)
        return .object(result)
    }
}

extension Response.StatusDetails {
    var json: JSONValue {
        var result = JSONObject()
        result.append("type", ifPresent: type)
        result.append("reason", ifPresent: reason)
        result.append("error", ifPresent: error?.shortJSON)
        return .object(result)
    }
}

/// What `response.create` may set for one response.
public struct ResponseOptions: Sendable, Hashable {
    /// `["audio"]` or `["text"]`.
    public var outputModalities: [String]?
    /// Replaces the session's instructions for this response.
    public var instructions: String?
    /// The format and voice of the audio.
    public var audio: SessionObject.AudioOutput?
    /// The tools.
    public var tools: [SessionTool]?
    /// Whether and which tool the model must use.
    public var toolChoice: ToolChoice?
    /// The most tokens.
    public var maxOutputTokens: TokenLimit?
    /// `auto` (absent) or `none`: beside the conversation.
    public var conversation: String?
    /// Comes back in `response.created` and `response.done`: 16 pairs, keys of 64, values of 512 characters.
    public var metadata: JSONObject?
    /// The context instead of the conversation, passed through.
    public var input: JSONValue?

    /// Nothing set.
    public init() {}

    init(_ fields: FieldReader) throws(ProtocolError) {
        outputModalities = try fields.optionalArray("output_modalities").map { $0.compactMap(\.stringValue) }
        instructions = try fields.optionalString("instructions")
        audio = try fields.lenientReader("audio")?.lenientReader("output").map { (fields) throws(ProtocolError) in
            try SessionObject.AudioOutput(fields)
        }
        tools = try fields.optionalList("tools") { (fields) throws(ProtocolError) in try SessionTool(fields) }
        toolChoice = fields.value("tool_choice").map { ToolChoice($0) }
        maxOutputTokens = fields.value("max_output_tokens").flatMap { TokenLimit($0) }
        conversation = try fields.optionalString("conversation")
        metadata = fields.object["metadata"]?.objectValue
        input = fields.value("input")
    }

    /// The JSON.
    public var json: JSONValue {
        var result = JSONObject()
        result.append("output_modalities", ifPresent: outputModalities.map { .array($0.map(JSONValue.string)) })
        result.append("instructions", ifPresent: instructions)
        result.append("audio", ifPresent: audio.map { ["output": $0.json] })
        result.append("tools", ifPresent: tools.map { .array($0.map(\.json)) })
        result.append("tool_choice", ifPresent: toolChoice?.json)
        result.append("max_output_tokens", ifPresent: maxOutputTokens?.json)
        result.append("conversation", ifPresent: conversation)
        result.append("metadata", ifPresent: metadata.map(JSONValue.object))
        result.append("input", ifPresent: input)
        return .object(result)
    }
}
