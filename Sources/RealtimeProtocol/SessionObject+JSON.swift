extension SessionObject {
    /// Reads a session from its JSON.
    public init(json: JSONValue) throws(ProtocolError) {
        try self.init(try FieldReader(json, path: "session"))
    }

    init(_ fields: FieldReader) throws(ProtocolError) {
        type = try fields.optionalString("type")
        object = try fields.optionalString("object")
        id = try fields.optionalString("id")
        model = try fields.optionalString("model")
        if let modalities = try fields.optionalArray("output_modalities") {
            outputModalities = modalities.compactMap(\.stringValue)
        }
        instructions = try fields.optionalString("instructions")
        tools = try fields.optionalList("tools") { (fields) throws(ProtocolError) in try SessionTool(fields) }
        toolChoice = fields.value("tool_choice").map { ToolChoice($0) }
        maxOutputTokens = fields.value("max_output_tokens").flatMap { TokenLimit($0) }
        tracing = fields.object["tracing"]
        truncation = fields.object["truncation"]
        prompt = fields.object["prompt"]
        expiresAt = try fields.optionalInteger("expires_at")
        include = fields.object["include"]
        parallelToolCalls = try fields.optionalBool("parallel_tool_calls")
        reasoningEffort = try fields.lenientReader("reasoning")?.optionalString("effort")
        guard let audio = try fields.optionalReader("audio") else { return }
        input = try audio.optionalReader("input").map { (fields) throws(ProtocolError) in try AudioInput(fields) }
        output = try audio.optionalReader("output").map { (fields) throws(ProtocolError) in try AudioOutput(fields) }
    }

    /// The JSON, keys in the order in which the server writes them.
    public var json: JSONValue {
        var result = JSONObject()
        result.append("type", ifPresent: type)
        result.append("object", ifPresent: object)
        result.append("id", ifPresent: id)
        result.append("model", ifPresent: model)
        result.append("output_modalities", ifPresent: outputModalities.map { .array($0.map(JSONValue.string)) })
        result.append("instructions", ifPresent: instructions)
        result.append("tools", ifPresent: tools.map { .array($0.map(\.json)) })
        result.append("tool_choice", ifPresent: toolChoice?.json)
        result.append("max_output_tokens", ifPresent: maxOutputTokens?.json)
        result.append("tracing", ifPresent: tracing)
        result.append("truncation", ifPresent: truncation)
        result.append("prompt", ifPresent: prompt)
        result.append("expires_at", ifPresent: expiresAt)
        if input != nil || output != nil {
            var audio = JSONObject()
            audio.append("input", ifPresent: input?.json)
            audio.append("output", ifPresent: output?.json)
            result.append("audio", .object(audio))
        }
        result.append("include", ifPresent: include)
        result.append("parallel_tool_calls", ifPresent: parallelToolCalls.map(JSONValue.bool))
        result.append("reasoning", ifPresent: reasoningEffort.map { ["effort": .string($0)] })
        return .object(result)
    }
}

extension SessionObject.AudioInput {
    init(_ fields: FieldReader) throws(ProtocolError) {
        format = try fields.optionalReader("format").map { (fields) throws(ProtocolError) in try AudioFormat(fields) }
        transcription = try fields.nullable("transcription") { (fields) throws(ProtocolError) in
            try InputTranscription(fields)
        }
        noiseReduction = try fields.nullable("noise_reduction") { (fields) throws(ProtocolError) in
            try NoiseReduction(fields)
        }
        turnDetection = try fields.nullable("turn_detection") { (fields) throws(ProtocolError) in
            try TurnDetection(fields)
        }
    }

    /// The JSON.
    public var json: JSONValue {
        var result = JSONObject()
        result.append("format", ifPresent: format?.json)
        result.append("transcription", transcription, \.json)
        result.append("noise_reduction", noiseReduction, \.json)
        result.append("turn_detection", turnDetection, \.json)
        return .object(result)
    }
}

extension SessionObject.AudioOutput {
    init(_ fields: FieldReader) throws(ProtocolError) {
        format = try fields.optionalReader("format").map { (fields) throws(ProtocolError) in try AudioFormat(fields) }
        voice = fields.value("voice")
        speed = try fields.optionalDouble("speed")
    }

    /// The JSON.
    public var json: JSONValue {
        var result = JSONObject()
        result.append("format", ifPresent: format?.json)
        result.append("voice", ifPresent: voice)
        result.append("speed", ifPresent: speed.map(JSONValue.number))
        return .object(result)
    }
}
