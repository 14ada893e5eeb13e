import CallPolicy
import RealtimeProtocol

/// Settings of the model session as operators write them: the flat names of the retired beta or those of today.
enum SessionSettings {
    /// What came of them.
    struct Outcome {
        var problems: [String] = []
        var notes: [String] = []
    }

    /// Names of the beta and of today, at the top of the settings.
    private static let known: Set<String> = [
        "type", "audio", "modalities", "output_modalities", "voice", "speed", "temperature", "instructions",
        "input_audio_format", "output_audio_format", "input_audio_transcription", "input_audio_noise_reduction",
        "turn_detection", "max_response_output_tokens", "max_output_tokens", "tool_choice", "truncation", "reasoning",
        "parallel_tool_calls", "model",
    ]

    /// Merges settings over a configuration; a value that is not given stays as it is.
    ///
    /// - Parameters:
    ///   - settings: An object of names and values.
    ///   - configuration: What they are merged over.
    static func apply(_ settings: JSONValue, to configuration: inout SessionConfiguration) -> Outcome {
        var outcome = Outcome()
        guard let object = settings.objectValue else {
            outcome.problems.append("is no object of names and values")
            return outcome
        }
        for name in object.keys where !known.contains(name) {
            outcome.problems.append("\"\(name)\" is no setting of a session")
        }
        if object["temperature"] != nil { outcome.notes.append("temperature is not sent: the API takes none any more") }
        let message: JSONValue = ["type": "session.update", "session": .object(spelledOut(object))]
        let translated = BetaTranslation.gaMessage(fromClient: message)
        do throws(ProtocolError) {
            let session = try SessionObject(json: translated["session"] ?? [:])
            merge(session, into: &configuration, &outcome)
        } catch {
            outcome.problems.append("\(error)")
        }
        return outcome
    }

    /// `"turn_detection": "server_vad"` and `"input_audio_transcription": "whisper-1"` as objects.
    private static func spelledOut(_ object: JSONObject) -> JSONObject {
        var result = object
        if let type = object["turn_detection"]?.stringValue {
            result["turn_detection"] = type == "none" ? .null : ["type": .string(type)]
        }
        if let model = object["input_audio_transcription"]?.stringValue {
            result["input_audio_transcription"] = model == "none" ? .null : ["model": .string(model)]
        }
        return result
    }

    private static func merge(
        _ session: SessionObject,
        into configuration: inout SessionConfiguration,
        _ outcome: inout Outcome
    ) {
        if let modalities = session.outputModalities, modalities != ["audio"] {
            outcome.problems.append("modalities without audio: a telephone cannot show text")
        }
        for format in [session.input?.format, session.output?.format].compactMap({ $0 }) where format != .pcmu {
            let name = format.betaName ?? format.json["type"]?.stringValue ?? ""
            outcome.problems.append("format \"\(name)\" is not g711_ulaw (audio/pcmu), which telephones speak")
        }
        if let voice = session.output?.voice?.stringValue {
            if Settings.voices.contains(where: { $0.name == voice }) {
                configuration.voice = voice
            } else {
                let names = Settings.voices.map(\.name).joined(separator: ", ")
                outcome.problems.append("voice \"\(voice)\" is not one of \(names)")
            }
        }
        if let speed = session.output?.speed { configuration.speed = speed }
        check(session.output?.speed, 0.25...1.5, "speed", &outcome)
        configuration.instructions = session.instructions ?? configuration.instructions
        configuration.maxOutputTokens = session.maxOutputTokens ?? configuration.maxOutputTokens
        if case .count(let count) = configuration.maxOutputTokens {
            check(Double(count), 1...32_000, "max_output_tokens", &outcome)
        }
        configuration.toolChoice = session.toolChoice ?? configuration.toolChoice
        configuration.truncation = session.truncation ?? configuration.truncation
        configuration.reasoningEffort = session.reasoningEffort ?? configuration.reasoningEffort
        configuration.parallelToolCalls = session.parallelToolCalls ?? configuration.parallelToolCalls
        if let transcription = session.input?.transcription { configuration.transcription = transcription.value }
        if let reduction = session.input?.noiseReduction { configuration.noiseReduction = reduction.value }
        if let detection = session.input?.turnDetection {
            merge(detection.value, into: &configuration, &outcome)
        }
    }

    private static func merge(
        _ detection: TurnDetection?,
        into configuration: inout SessionConfiguration,
        _ outcome: inout Outcome
    ) {
        guard let detection else {
            configuration.turnDetection = nil
            return
        }
        guard detection.kind == .serverVAD || detection.kind == .semanticVAD else {
            outcome.problems.append("turn_detection \"\(detection.kind.name)\" is not server_vad or semantic_vad")
            return
        }
        check(detection.threshold, 0...1, "threshold", &outcome)
        check(detection.prefixPaddingMilliseconds.map(Double.init), 0...5_000, "prefix_padding_ms", &outcome)
        check(detection.silenceDurationMilliseconds.map(Double.init), 0...10_000, "silence_duration_ms", &outcome)
        // What is not said keeps our own explicit value: the server's defaults differ by model.
        var merged: TurnDetection = detection.kind == .serverVAD ? .serverVAD() : .semanticVAD()
        merged.threshold = detection.threshold ?? merged.threshold
        merged.prefixPaddingMilliseconds = detection.prefixPaddingMilliseconds ?? merged.prefixPaddingMilliseconds
        merged.silenceDurationMilliseconds =
            detection.silenceDurationMilliseconds ?? merged.silenceDurationMilliseconds
        merged.idleTimeoutMilliseconds = detection.idleTimeoutMilliseconds ?? merged.idleTimeoutMilliseconds
        merged.eagerness = detection.eagerness ?? merged.eagerness
        merged.createResponse = detection.createResponse ?? merged.createResponse
        merged.interruptResponse = detection.interruptResponse ?? merged.interruptResponse
        configuration.turnDetection = merged
    }

    private static func check(
        _ value: Double?,
        _ range: ClosedRange<Double>,
        _ name: String,
        _ outcome: inout Outcome
    ) {
        guard let value, !range.contains(value) else { return }
        outcome.problems.append("\(name) \(value) is not from \(range.lowerBound) to \(range.upperBound)")
    }
}
