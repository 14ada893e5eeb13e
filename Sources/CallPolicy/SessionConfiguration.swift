public import RealtimeProtocol

/// The model session of a call.
public struct SessionConfiguration: Sendable, Hashable {
    /// The model; it goes into the address, never into `session.update`.
    public var model = "gpt-realtime-2.1"
    /// The instructions.
    public var instructions = ""
    /// The voice.
    public var voice = "marin"
    /// How fast the model speaks, 0.25 to 1.5.
    public var speed = 1.0
    /// The format of the caller's audio towards the model.
    public var inputFormat = AudioFormat.pcmu
    /// The format of the model's audio.
    public var outputFormat = AudioFormat.pcmu
    /// How turns are found; nil is only by commit.
    public var turnDetection: TurnDetection? = .serverVAD()
    /// How the caller's words are written down; nil is not at all.
    public var transcription: InputTranscription? = InputTranscription(model: "gpt-realtime-whisper")
    /// How the caller's audio is cleaned; nil is not at all.
    public var noiseReduction: NoiseReduction? = .nearField
    /// Whether and which tool the model must use.
    public var toolChoice = ToolChoice.auto
    /// The most tokens of one response.
    public var maxOutputTokens = TokenLimit.infinite
    /// How the context is cut when it is full.
    public var truncation: JSONValue = "auto"
    /// How much the model thinks; nil is the model's default.
    public var reasoningEffort: String?
    /// Whether the model may call several tools at once; nil is the model's default.
    public var parallelToolCalls: Bool?
    /// Tools that the server runs (`mcp`), passed through.
    public var serverTools: [SessionTool] = []

    /// The defaults.
    public init() {}

    /// The session to ask for, with these tools.
    public func session(tools: [ToolDefinition]) -> SessionObject {
        var session = SessionObject()
        session.outputModalities = ["audio"]
        session.instructions = instructions
        session.tools = tools.map(\.sessionTool) + serverTools
        session.toolChoice = toolChoice
        session.maxOutputTokens = maxOutputTokens
        session.truncation = truncation
        session.parallelToolCalls = parallelToolCalls
        session.reasoningEffort = reasoningEffort
        var input = SessionObject.AudioInput()
        input.format = inputFormat
        input.transcription = transcription.map(Nullable.value) ?? .null
        input.noiseReduction = noiseReduction.map(Nullable.value) ?? .null
        input.turnDetection = turnDetection.map(Nullable.value) ?? .null
        session.input = input
        var output = SessionObject.AudioOutput()
        output.format = outputFormat
        output.voice = .string(voice)
        output.speed = speed
        session.output = output
        return session
    }
}
