/// Translates between the retired beta shape of the Realtime API and the GA shape.
///
/// Viewers written for the beta still speak it; they are served by translating what they send and what they get.
public enum BetaTranslation {
    /// Beta names of server events and what GA calls them.
    static let serverNames: [(beta: String, ga: String)] = [
        ("response.audio.delta", "response.output_audio.delta"),
        ("response.audio.done", "response.output_audio.done"),
        ("response.audio_transcript.delta", "response.output_audio_transcript.delta"),
        ("response.audio_transcript.done", "response.output_audio_transcript.done"),
        ("response.text.delta", "response.output_text.delta"),
        ("response.text.done", "response.output_text.done"),
        ("conversation.item.created", "conversation.item.added"),
    ]

    /// The GA name of a server event that may have its beta name.
    public static func gaName(ofServerEvent type: String) -> String {
        serverNames.first { $0.beta == type }?.ga ?? type
    }

    /// The beta name of a GA server event, nil when beta had no such event.
    public static func betaName(ofServerEvent type: String) -> String? {
        if type == "conversation.item.done" { return nil }
        return serverNames.first { $0.ga == type }?.beta ?? type
    }
}

// MARK: - Client messages, beta to GA

extension BetaTranslation {
    /// A client message in GA shape. A message that is GA already stays as it is.
    public static func gaMessage(fromClient message: JSONValue) -> JSONValue {
        guard case .object(var object) = message, let type = object["type"]?.stringValue else { return message }
        switch type {
        case "session.update":
            if let session = object["session"]?.objectValue { object["session"] = .object(gaSession(session)) }
        case "conversation.item.create":
            if let item = object["item"] { object["item"] = gaItem(item) }
        case "response.create":
            if let response = object["response"]?.objectValue {
                object["response"] = .object(gaResponseOptions(response))
            }
        default: break
        }
        return .object(object)
    }

    /// Output modalities: GA has audio or text, never both; audio brings its transcript along.
    private static func gaModalities(_ value: JSONValue) -> JSONValue {
        let names = value.arrayValue?.compactMap(\.stringValue) ?? []
        return names.contains("audio") || names.isEmpty ? ["audio"] : ["text"]
    }

    private static func gaFormat(_ value: JSONValue) -> JSONValue {
        value.stringValue.flatMap { AudioFormat(betaName: $0) }?.json ?? value
    }

    private static func gaSession(_ beta: JSONObject) -> JSONObject {
        var session: JSONObject = ["type": "realtime"]
        var input = beta["audio"]?["input"]?.objectValue ?? [:]
        var output = beta["audio"]?["output"]?.objectValue ?? [:]
        for member in beta.members {
            let value = member.value
            switch member.key {
            case "type", "audio", "temperature": break
            case "modalities": session["output_modalities"] = gaModalities(value)
            case "voice": output["voice"] = value
            case "speed": output["speed"] = value
            case "output_audio_format": output["format"] = gaFormat(value)
            case "input_audio_format": input["format"] = gaFormat(value)
            case "input_audio_transcription": input["transcription"] = value
            case "input_audio_noise_reduction": input["noise_reduction"] = value
            case "turn_detection": input["turn_detection"] = value
            case "max_response_output_tokens": session["max_output_tokens"] = value
            case "tools": session["tools"] = gaTools(value)
            default: session[member.key] = value
            }
        }
        var audio = JSONObject()
        if !input.members.isEmpty { audio.append("input", .object(input)) }
        if !output.members.isEmpty { audio.append("output", .object(output)) }
        if !audio.members.isEmpty { session.append("audio", .object(audio)) }
        return session
    }

    /// Tools nested under `function` become flat.
    private static func gaTools(_ value: JSONValue) -> JSONValue {
        guard let tools = value.arrayValue else { return value }
        return .array(
            tools.map { tool in
                guard let function = tool["function"]?.objectValue else { return tool }
                var flat: JSONObject = ["type": "function"]
                flat.members.append(contentsOf: function.members.filter { $0.key != "type" })
                return .object(flat)
            }
        )
    }

    private static func gaItem(_ item: JSONValue) -> JSONValue {
        guard case .object(var object) = item, let parts = object["content"]?.arrayValue else { return item }
        let isAssistant = object["role"]?.stringValue == "assistant"
        object["content"] = .array(
            parts.map { part in
                guard case .object(var fields) = part, let type = fields["type"]?.stringValue else { return part }
                switch (type, isAssistant) {
                case ("text", true): fields["type"] = "output_text"
                case ("audio", true): fields["type"] = "output_audio"
                case ("text", false): fields["type"] = "input_text"
                default: break
                }
                return .object(fields)
            }
        )
        return .object(object)
    }

    private static func gaResponseOptions(_ beta: JSONObject) -> JSONObject {
        var options = JSONObject()
        var output = beta["audio"]?["output"]?.objectValue ?? [:]
        for member in beta.members {
            switch member.key {
            case "audio", "temperature": break
            case "modalities": options["output_modalities"] = gaModalities(member.value)
            case "voice": output["voice"] = member.value
            case "output_audio_format": output["format"] = gaFormat(member.value)
            case "max_response_output_tokens": options["max_output_tokens"] = member.value
            case "tools": options["tools"] = gaTools(member.value)
            default: options[member.key] = member.value
            }
        }
        if !output.members.isEmpty { options.append("audio", ["output": .object(output)]) }
        return options
    }
}

// MARK: - Server events, GA to beta

extension BetaTranslation {
    /// A GA server event in beta shape; nil when beta had no such event (`conversation.item.done`).
    public static func betaEvent(fromServer event: JSONValue) -> JSONValue? {
        guard case .object(var object) = event, let type = object["type"]?.stringValue else { return event }
        guard let name = betaName(ofServerEvent: type) else { return nil }
        object["type"] = .string(name)
        if let session = object["session"]?.objectValue { object["session"] = .object(betaSession(session)) }
        if let item = object["item"] { object["item"] = betaItem(item) }
        if let response = object["response"]?.objectValue { object["response"] = .object(betaResponse(response)) }
        return .object(object)
    }

    private static func betaModalities(_ value: JSONValue) -> JSONValue {
        value.arrayValue?.contains("audio") == true ? ["text", "audio"] : ["text"]
    }

    private static func betaFormat(_ value: JSONValue) -> JSONValue {
        guard let reader = try? FieldReader(value), let format = try? AudioFormat(reader) else { return value }
        return format.betaName.map(JSONValue.string) ?? value
    }

    private static func betaSession(_ session: JSONObject) -> JSONObject {
        var beta = JSONObject()
        for member in session.members {
            switch member.key {
            case "type", "audio": break
            case "output_modalities": beta["modalities"] = betaModalities(member.value)
            case "max_output_tokens": beta["max_response_output_tokens"] = member.value
            default: beta[member.key] = member.value
            }
        }
        let input = session["audio"]?["input"], output = session["audio"]?["output"]
        if let format = input?["format"] { beta["input_audio_format"] = betaFormat(format) }
        if let format = output?["format"] { beta["output_audio_format"] = betaFormat(format) }
        beta["voice"] = output?["voice"] ?? beta["voice"]
        beta["speed"] = output?["speed"] ?? beta["speed"]
        beta["input_audio_transcription"] = input?["transcription"] ?? beta["input_audio_transcription"]
        beta["input_audio_noise_reduction"] = input?["noise_reduction"] ?? beta["input_audio_noise_reduction"]
        beta["turn_detection"] = input?["turn_detection"] ?? beta["turn_detection"]
        return beta
    }

    private static func betaItem(_ item: JSONValue) -> JSONValue {
        guard case .object(var object) = item, let parts = object["content"]?.arrayValue else { return item }
        object["content"] = .array(
            parts.map { part in
                guard case .object(var fields) = part, let type = fields["type"]?.stringValue else { return part }
                if type == "output_text" { fields["type"] = "text" }
                if type == "output_audio" { fields["type"] = "audio" }
                return .object(fields)
            }
        )
        return .object(object)
    }

    private static func betaResponse(_ response: JSONObject) -> JSONObject {
        var beta = JSONObject()
        for member in response.members {
            switch member.key {
            case "audio":
                if let voice = member.value["output"]?["voice"] { beta["voice"] = voice }
                if let format = member.value["output"]?["format"] { beta["output_audio_format"] = betaFormat(format) }
            case "output_modalities": beta["modalities"] = betaModalities(member.value)
            case "output": beta["output"] = .array(member.value.arrayValue?.map(betaItem) ?? [])
            default: beta[member.key] = member.value
            }
        }
        return beta
    }
}
