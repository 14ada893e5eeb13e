import CallPolicy
import RealtimeProtocol

/// A session as in `session.update`, from a viewer of the logs or over HTTP: checked as settings are, since a model refuses
/// an update as a whole, and the calls that come would begin without their own.
struct SessionUpdate: Sendable {
    /// Why it is not taken.
    struct Failure: Error { let problems: [String] }

    /// What is passed on. Never an audio format: the media core knows one, which the settings of all calls have.
    let session: SessionObject

    /// Reads a session by the names of the API or of its beta.
    init(_ json: JSONValue) throws(Failure) {
        guard let object = json.objectValue else { throw Failure(problems: ["session is no JSON object"]) }
        if let problem = SchemaValidation.problem(json, schema: Self.schema) { throw Failure(problems: [problem]) }
        let settings = JSONObject(object.members.filter { !Self.passedThrough.contains($0.key) })
        var copy = SessionConfiguration()
        let problems = SessionSettings.apply(.object(settings), to: &copy).problems
        if !problems.isEmpty { throw Failure(problems: problems) }
        let message = BetaTranslation.gaMessage(fromClient: ["type": "session.update", "session": json])
        do throws(ProtocolError) {
            session = Self.withoutFormats(try SessionObject(json: message["session"] ?? [:]))
        } catch {
            throw Failure(problems: ["\(error)"])
        }
    }

    var hasVoice: Bool { session.output?.voice != nil }

    /// Without a voice, which cannot change once it has spoken: the model would refuse the whole update.
    var forCallInProgress: SessionObject {
        var session = session
        session.output?.voice = nil
        if session.output == SessionObject.AudioOutput() { session.output = nil }
        return session
    }

    private static func withoutFormats(_ session: SessionObject) -> SessionObject {
        var session = session
        session.input?.format = nil
        session.output?.format = nil
        if session.input == SessionObject.AudioInput() { session.input = nil }
        if session.output == SessionObject.AudioOutput() { session.output = nil }
        return session
    }

    // MARK: - What it may say

    /// What settings do not have, and the API judges.
    private static let passedThrough: Set<String> = ["tools", "tracing", "prompt", "include"]

    private static let turnDetection = SessionSchema.turnDetection(["object", "null"], ["server_vad", "semantic_vad"])
    private static let transcription: JSONValue = [
        "type": ["object", "null"],
        "properties": [
            "model": ["type": ["string", "null"]], "language": ["type": ["string", "null"]],
            "prompt": ["type": ["string", "null"]],
        ],
    ]
    private static let noiseReduction: JSONValue = [
        "type": ["object", "null"], "required": ["type"],
        "properties": [
            "type": ["enum": ["near_field", "far_field"]], "strength": ["type": ["number", "null"]],
        ],
    ]
    private static let voice: JSONValue = [
        "type": ["string", "object", "null"],
        "description": "A name, or an object with the id of a voice of one's own.",
    ]
    private static let text: JSONValue = ["type": ["string", "null"]]
    private static let names: JSONValue = ["type": ["array", "null"], "items": ["type": "string"]]

    /// Names of the API.
    private static let current: JSONObject = [
        "type": ["const": "realtime"], "model": text, "instructions": text, "output_modalities": names,
        "max_output_tokens": SessionSchema.maxOutputTokens,
        "tools": ["type": ["array", "null"], "items": ["type": "object"]],
        "tool_choice": ["type": ["string", "object", "null"]], "truncation": ["type": ["string", "object", "null"]],
        "reasoning": ["type": ["object", "null"]], "parallel_tool_calls": ["type": ["boolean", "null"]],
        "tracing": [:], "prompt": [:], "include": [:],
        "audio": [
            "type": ["object", "null"], "additionalProperties": false,
            "properties": [
                "input": [
                    "type": ["object", "null"], "additionalProperties": false,
                    "properties": [
                        "format": ["type": ["object", "null"]], "transcription": transcription,
                        "noise_reduction": noiseReduction, "turn_detection": turnDetection,
                    ],
                ],
                "output": [
                    "type": ["object", "null"], "additionalProperties": false,
                    "properties": [
                        "format": ["type": ["object", "null"]], "voice": voice, "speed": SessionSchema.speed,
                    ],
                ],
            ],
        ],
    ]

    /// Names of the beta, which are translated.
    private static let beta: JSONObject = [
        "modalities": names, "voice": voice, "speed": SessionSchema.speed,
        "temperature": ["type": ["number", "null"]], "input_audio_format": text, "output_audio_format": text,
        "input_audio_transcription": transcription, "input_audio_noise_reduction": noiseReduction,
        "turn_detection": turnDetection, "max_response_output_tokens": SessionSchema.maxOutputTokens,
    ]

    /// The schema of a body that is a session.
    static let schema: JSONValue = [
        "type": "object", "description": "A session as in session.update, by the names of the API or of its beta.",
        "additionalProperties": false, "properties": .object(JSONObject(current.members + beta.members)),
    ]
}
