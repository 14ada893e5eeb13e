public import RealtimeProtocol

/// What the model and the machine must know of a tool.
public struct ToolDefinition: Sendable, Hashable {
    /// The name, `[a-zA-Z0-9_-]`, 64 characters at most.
    public var name: String
    /// What it does, for the model.
    public var description: String
    /// The JSON Schema of its arguments; an object.
    public var parameters: JSONValue
    /// How long it may take, in milliseconds; nil is the default of `ToolPolicy`.
    public var timeoutMilliseconds: Int?
    /// When the agent says something while the tool runs, in milliseconds after its start; nil is never.
    public var fillerAfterMilliseconds: Int?
    /// What the agent says then, word for word; nil lets the model find words.
    public var filler: String?
    /// Whether a person beside the call answers it (`CallCommand.answerTool`) and nothing is run.
    public var isManual = false

    /// How long a person has for an answer, in milliseconds.
    public static let manualTimeoutMilliseconds = 120_000

    /// A tool.
    public init(
        name: String,
        description: String,
        parameters: JSONValue = ["type": "object", "properties": [:]],
        timeoutMilliseconds: Int? = nil,
        fillerAfterMilliseconds: Int? = nil,
        filler: String? = nil
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.timeoutMilliseconds = timeoutMilliseconds
        self.fillerAfterMilliseconds = fillerAfterMilliseconds
        self.filler = filler
    }

    /// A tool of a session that nobody but a person can answer.
    init(manual tool: FunctionTool) {
        self.init(
            name: tool.name,
            description: tool.description ?? "",
            parameters: tool.parameters ?? ["type": "object", "properties": [:]],
            timeoutMilliseconds: Self.manualTimeoutMilliseconds
        )
        isManual = true
    }

    /// The tool as the session names it.
    public var sessionTool: SessionTool {
        .function(FunctionTool(name: name, description: description, parameters: parameters))
    }
}
