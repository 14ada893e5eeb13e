import CallPolicy
import RealtimeProtocol

/// What an operator changes of how new calls are led, from the dashboard: over the settings, under routing rules.
struct SessionOverrides: Sendable, Hashable {
    /// Why a document is none.
    struct Failure: Error { let problems: [String] }

    /// The names under which records keep it.
    static let keptName = "configuration"
    private static let fields: Set<String> = [
        "instructions", "voice", "speed", "greeting", "say_first", "turn_detection", "transcription", "noise_reduction",
        "max_output_tokens",
    ]

    private var session: JSONObject
    /// Names of tools that are offered; nil offers all.
    private(set) var tools: [String]?

    /// The document's schema.
    static let schema: JSONValue = [
        "type": "object", "required": ["session"],
        "properties": [
            "session": [
                "type": "object", "additionalProperties": false,
                "properties": [
                    "instructions": ["type": "string"], "greeting": ["type": "string"], "say_first": ["type": "string"],
                    "voice": ["type": "string", "enum": .array(Settings.voices.map { .string($0.name) })],
                    "speed": ["type": "number", "minimum": 0.25, "maximum": 1.5],
                    "noise_reduction": ["enum": ["near_field", "far_field", .null]],
                    "max_output_tokens": SessionSchema.maxOutputTokens,
                    "transcription": [
                        "type": ["object", "null"], "required": ["model"],
                        "properties": [
                            "model": ["type": "string", "minLength": 1], "language": ["type": "string"],
                            "prompt": ["type": "string"],
                        ], "additionalProperties": false,
                    ],
                    "turn_detection": SessionSchema.turnDetection("object", ["server_vad", "semantic_vad", "none"]),
                ],
            ],
            "tools": [
                "type": ["array", "null"],
                "items": [
                    "anyOf": [
                        ["type": "string"],
                        [
                            "type": "object", "required": ["name"],
                            "properties": ["name": ["type": "string"], "enabled": ["type": "boolean"]],
                        ],
                    ]
                ],
            ],
        ],
    ]

    /// Reads a document with `session` and `tools`: names, or objects with `name` and `enabled`.
    init(_ document: JSONValue) throws(Failure) {
        if let problem = SchemaValidation.problem(document, schema: Self.schema) { throw Failure(problems: [problem]) }
        guard let object = document.objectValue, let session = object["session"]?.objectValue else {
            throw Failure(problems: ["session is no object"])
        }
        let unknown = session.keys.filter { !Self.fields.contains($0) }
        if !unknown.isEmpty { throw Failure(problems: unknown.map { "\"\($0)\" is no part of a session here" }) }
        self.session = session
        guard let list = object["tools"], !list.isNull else {
            tools = nil
            return
        }
        guard let entries = list.arrayValue else { throw Failure(problems: ["tools is no list"]) }
        tools = entries.compactMap { entry in
            entry.stringValue ?? (entry["enabled"]?.boolValue == false ? nil : entry["name"]?.stringValue)
        }
    }

    /// The document that says the same.
    var json: JSONValue {
        ["session": .object(session), "tools": tools.map { .array($0.map(JSONValue.string)) } ?? .null]
    }

    /// Whether nothing is changed.
    var isEmpty: Bool { session.members.isEmpty && tools == nil }

    /// Without what the configuration says already, so that settings which change later are not held back by it.
    ///
    /// - Parameters:
    ///   - configuration: The calls of the settings.
    ///   - names: Tools there are, beside `end_call`.
    func differing(from configuration: CallConfiguration, toolNames names: [String]) throws(Failure) -> SessionOverrides
    {
        var result = self
        result.session = JSONObject()
        // By what each field does: numbers, nulls and fields left out are spelled in many ways.
        for member in session.members where !Self.greetingFields.contains(member.key) {
            var one = SessionOverrides()
            one.session = [member.key: member.value]
            if try one.applied(to: configuration).session != configuration.session {
                result.session[member.key] = member.value
            }
        }
        let words = Self.greetingFields.compactMap { name in session[name].map { ($0.stringValue ?? "", name) } }
        let known = GreetingWords(configuration.greeting)
        if words.contains(where: { $0.0 != ($0.1 == "greeting" ? known.greeting : known.sayFirst) }) {
            for (text, name) in words { result.session[name] = .string(text) }
        }
        if let tools {
            let offered = names + (configuration.tools.offersEndCall ? [BuiltInTools.endCallName] : [])
            let told = Set(tools).intersection(names + [BuiltInTools.endCallName])
            if told == Set(offered) { result.tools = nil }
        }
        return result
    }

    private static let greetingFields = ["greeting", "say_first"]

    private init() {
        session = JSONObject()
        tools = nil
    }

    /// The configuration with these changes.
    func applied(to configuration: CallConfiguration) throws(Failure) -> CallConfiguration {
        var result = configuration
        var flat = JSONObject()
        for (from, to) in [
            ("instructions", "instructions"), ("voice", "voice"), ("speed", "speed"),
            ("turn_detection", "turn_detection"), ("transcription", "input_audio_transcription"),
            ("max_output_tokens", "max_response_output_tokens"),
        ] { if let value = session[from] { flat.append(to, Self.cleaned(value)) } }
        if flat["turn_detection"]?["type"] == "none" { flat["turn_detection"] = .null }
        if let reduction = session["noise_reduction"] {
            flat.append(
                "input_audio_noise_reduction",
                reduction.stringValue.map { $0.isEmpty ? .null : ["type": .string($0)] } ?? .null
            )
        }
        let problems = SessionSettings.apply(.object(flat), to: &result.session).problems
        if !problems.isEmpty { throw Failure(problems: problems) }
        if session["greeting"] != nil || session["say_first"] != nil {
            let (greeting, words) = (session["greeting"]?.stringValue ?? "", session["say_first"]?.stringValue ?? "")
            if !words.isEmpty {
                result.greeting = .agentFirst(.exactly(words))
            } else {
                result.greeting = greeting.isEmpty ? .callerFirst : .agentFirst(.instructions(greeting))
            }
        }
        if let tools { result.tools.offersEndCall = tools.contains(BuiltInTools.endCallName) }
        return result
    }

    /// Forms send fields that are left out as null: within an object they are as good as missing.
    private static func cleaned(_ value: JSONValue) -> JSONValue {
        guard let object = value.objectValue else { return value }
        return .object(JSONObject(object.members.filter { !$0.value.isNull && $0.value != "" }))
    }
}

/// How the agent begins, as forms show it: in words of its own after instructions, or in these words.
struct GreetingWords: Sendable, Hashable {
    var greeting = ""
    var sayFirst = ""

    init(_ greeting: Greeting) {
        switch greeting {
        case .agentFirst(.instructions(let text)), .agentAfter(_, .instructions(let text)): self.greeting = text
        case .agentFirst(.exactly(let text)), .agentAfter(_, .exactly(let text)): sayFirst = text
        case .callerFirst: break
        }
    }
}
