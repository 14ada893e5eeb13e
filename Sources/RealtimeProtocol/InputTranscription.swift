/// How the server writes down what the caller says.
public struct InputTranscription: Sendable, Hashable {
    /// The model, such as `gpt-realtime-whisper`.
    public var model: String?
    /// The language, ISO 639-1.
    public var language: String?
    /// A hint in words; not for every model.
    public var prompt: String?
    /// Everything else the server knows (`languages`, `keywords`, `delay`), passed through.
    public var more: JSONObject

    /// A transcription by this model.
    public init(model: String?, language: String? = nil, prompt: String? = nil, more: JSONObject = [:]) {
        self.model = model
        self.language = language
        self.prompt = prompt
        self.more = more
    }
}

extension InputTranscription {
    init(_ fields: FieldReader) throws(ProtocolError) {
        model = try fields.optionalString("model")
        language = try fields.optionalString("language")
        prompt = try fields.optionalString("prompt")
        more = JSONObject(fields.object.members.filter { !["model", "language", "prompt"].contains($0.key) })
    }

    /// The JSON.
    public var json: JSONValue {
        var object = JSONObject()
        object.append("model", ifPresent: model)
        object.append("language", ifPresent: language)
        object.append("prompt", ifPresent: prompt)
        object.members.append(contentsOf: more.members)
        return .object(object)
    }
}

/// How the server cleans the caller's audio before it listens.
public struct NoiseReduction: Sendable, Hashable {
    /// `near_field` (a telephone at the ear) or `far_field` (a loudspeaker).
    public var type: String
    /// How strongly, 1 when absent.
    public var strength: Double?

    /// A noise reduction of this type.
    public init(type: String, strength: Double? = nil) {
        self.type = type
        self.strength = strength
    }

    /// A telephone at the ear.
    public static let nearField = NoiseReduction(type: "near_field")
    /// A loudspeaker.
    public static let farField = NoiseReduction(type: "far_field")
}

extension NoiseReduction {
    init(_ fields: FieldReader) throws(ProtocolError) {
        type = try fields.string("type")
        strength = try fields.optionalDouble("strength")
    }

    /// The JSON.
    public var json: JSONValue {
        var object: JSONObject = ["type": .string(type)]
        object.append("strength", ifPresent: strength.map(JSONValue.number))
        return .object(object)
    }
}
