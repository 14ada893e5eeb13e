/// One item of the conversation.
public struct ConversationItem: Sendable, Hashable {
    /// The id; 32 characters at most when we choose it.
    public var id: String?
    /// `in_progress`, `completed` or `incomplete`; absent on function call outputs.
    public var status: Status?
    /// What it is.
    public var kind: Kind

    /// An item.
    public init(id: String? = nil, status: Status? = nil, kind: Kind) {
        self.id = id
        self.status = status
        self.kind = kind
    }

    /// How far an item is.
    public enum Status: Sendable, Hashable {
        /// Being generated.
        case inProgress
        /// Whole.
        case completed
        /// Cut off, by an interruption or a limit.
        case incomplete
        /// A status this code does not know.
        case other(String)

        /// The name on the wire.
        public var name: String {
            switch self {
            case .inProgress: "in_progress"
            case .completed: "completed"
            case .incomplete: "incomplete"
            case .other(let name): name
            }
        }

        init(name: String) {
            switch name {
            case "in_progress": self = .inProgress
            case "completed": self = .completed
            case "incomplete": self = .incomplete
            default: self = .other(name)
            }
        }
    }

    /// What an item is.
    public enum Kind: Sendable, Hashable {
        /// Something said or written.
        case message(Message)
        /// The model wants a function to be run.
        case functionCall(callID: String, name: String, arguments: String)
        /// What a function returned.
        case functionCallOutput(callID: String, output: String)
        /// Anything else (`mcp_call` ...), all its keys but `id` and `status`.
        case other(JSONObject)
    }

    /// A message.
    public struct Message: Sendable, Hashable {
        /// `user`, `assistant` or `system`.
        public var role: String
        /// Its parts.
        public var content: [ContentPart]
        /// `final_answer` or `commentary`; undocumented, newer models only.
        public var phase: String?

        /// A message.
        public init(role: String, content: [ContentPart], phase: String? = nil) {
            self.role = role
            self.content = content
            self.phase = phase
        }
    }

    /// A message of text: `input_text` for user and system, `output_text` for the assistant.
    public static func text(_ text: String, role: String, id: String? = nil) -> ConversationItem {
        let type: ContentPart.Kind = role == "assistant" ? .outputText : .inputText
        return ConversationItem(
            id: id,
            kind: .message(Message(role: role, content: [ContentPart(kind: type, text: text)]))
        )
    }
}

/// One part of a message.
public struct ContentPart: Sendable, Hashable {
    /// What the part is, by its name on the wire.
    public enum Kind: String, Sendable {
        /// Text to the model.
        case inputText = "input_text"
        /// Audio to the model.
        case inputAudio = "input_audio"
        /// A picture to the model.
        case inputImage = "input_image"
        /// Text of the model, inside an item.
        case outputText = "output_text"
        /// Audio of the model, inside an item.
        case outputAudio = "output_audio"
        /// Text of the model, in `response.content_part.*`.
        case text
        /// Audio of the model, in `response.content_part.*`.
        case audio
        /// Something this code does not know.
        case other
    }

    /// What the part is.
    public var kind: Kind
    /// The text of a text part.
    public var text: String?
    /// The words of an audio part, nil when they are not (yet) known.
    public var transcript: String?
    /// The audio, base64.
    public var audio: String?

    /// A part.
    public init(kind: Kind, text: String? = nil, transcript: String? = nil, audio: String? = nil) {
        self.kind = kind
        self.text = text
        self.transcript = transcript
        self.audio = audio
    }
}

extension ContentPart {
    init(_ fields: FieldReader) throws(ProtocolError) {
        kind = Kind(rawValue: try fields.string("type")) ?? .other
        text = try fields.optionalString("text")
        transcript = try fields.optionalString("transcript")
        audio = try fields.optionalString("audio")
    }

    /// The JSON. The caller's audio carries `transcript: null` until its words are known.
    public var json: JSONValue {
        var result: JSONObject = ["type": .string(kind.rawValue)]
        result.append("text", ifPresent: text)
        result.append("audio", ifPresent: audio)
        if let transcript {
            result.append("transcript", .string(transcript))
        } else if kind == .inputAudio, audio == nil {
            result.append("transcript", .null)
        }
        return .object(result)
    }
}

extension ConversationItem {
    init(_ fields: FieldReader) throws(ProtocolError) {
        id = try fields.optionalString("id")
        status = try fields.optionalString("status").map { Status(name: $0) }
        switch try fields.string("type") {
        case "message":
            let content = try fields.optionalList("content") { (fields) throws(ProtocolError) in
                try ContentPart(fields)
            }
            let phase = try fields.optionalString("phase")
            kind = .message(Message(role: try fields.string("role"), content: content ?? [], phase: phase))
        case "function_call":
            kind = .functionCall(
                callID: try fields.string("call_id"),
                name: try fields.string("name"),
                arguments: try fields.optionalString("arguments") ?? ""
            )
        case "function_call_output":
            kind = .functionCallOutput(
                callID: try fields.string("call_id"),
                output: try fields.optionalString("output") ?? ""
            )
        default:
            kind = .other(JSONObject(fields.object.members.filter { $0.key != "id" && $0.key != "status" }))
        }
    }

    /// The JSON, keys in the order in which the server writes them.
    public var json: JSONValue {
        var result = JSONObject()
        result.append("id", ifPresent: id)
        switch kind {
        case .message(let message):
            result.append("type", "message")
            result.append("status", ifPresent: status?.name)
            result.append("role", .string(message.role))
            result.append("phase", ifPresent: message.phase)
            result.append("content", .array(message.content.map(\.json)))
        case .functionCall(let callID, let name, let arguments):
            result.append("type", "function_call")
            result.append("status", ifPresent: status?.name)
            result.append("name", .string(name))
            result.append("call_id", .string(callID))
            result.append("arguments", .string(arguments))
        case .functionCallOutput(let callID, let output):
            result.append("type", "function_call_output")
            result.append("status", ifPresent: status?.name)
            result.append("call_id", .string(callID))
            result.append("output", .string(output))
        case .other(let object):
            result.members.append(contentsOf: object.members)
            result.append("status", ifPresent: status?.name)
        }
        return .object(result)
    }
}
