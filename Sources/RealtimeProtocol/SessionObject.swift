/// The session of the Realtime API (GA): what `session.update` sets and `session.created`/`session.updated` report.
///
/// Every field is optional; in an update only the fields that are present change.
public struct SessionObject: Sendable, Hashable {
    /// `realtime`; required in every update.
    public var type: String? = "realtime"
    /// `realtime.session`, only in what the server reports.
    public var object: String?
    /// The id, only in what the server reports.
    public var id: String?
    /// The model; fixed when the connection is opened.
    public var model: String?
    /// `["audio"]` or `["text"]`, never both.
    public var outputModalities: [String]?
    /// The instructions; an empty string clears them.
    public var instructions: String?
    /// The tools; an empty list clears them.
    public var tools: [SessionTool]?
    /// Whether and which tool the model must use.
    public var toolChoice: ToolChoice?
    /// The most tokens of one response.
    public var maxOutputTokens: TokenLimit?
    /// `tracing`, passed through.
    public var tracing: JSONValue?
    /// How the context is cut when it is full: `auto`, `disabled` or an object.
    public var truncation: JSONValue?
    /// `prompt`, passed through.
    public var prompt: JSONValue?
    /// When the session ends, in seconds since 1970; only in what the server reports.
    public var expiresAt: Int?
    /// The caller's audio.
    public var input: AudioInput?
    /// The model's audio.
    public var output: AudioOutput?
    /// `include`, passed through.
    public var include: JSONValue?
    /// Whether the model may call several tools at once (gpt-realtime-2 and later).
    public var parallelToolCalls: Bool?
    /// How much the model thinks: `minimal`, `low`, `medium`, `high`, `xhigh` (gpt-realtime-2 and later).
    public var reasoningEffort: String?

    /// A session in which nothing but the type is set.
    public init() {}

    /// `audio.input`.
    public struct AudioInput: Sendable, Hashable {
        /// The format of the caller's audio.
        public var format: AudioFormat?
        /// How the caller's words are written down; null is not at all.
        public var transcription: Nullable<InputTranscription>?
        /// How the audio is cleaned; null is not at all.
        public var noiseReduction: Nullable<NoiseReduction>?
        /// How turns are found; null is by `commit` only.
        public var turnDetection: Nullable<TurnDetection>?

        /// An input in which nothing is set.
        public init() {}
    }

    /// `audio.output`.
    public struct AudioOutput: Sendable, Hashable {
        /// The format of the model's audio.
        public var format: AudioFormat?
        /// The voice: a name or `{"id": ...}`. Fixed once the model has spoken.
        public var voice: JSONValue?
        /// How fast the model speaks, 0.25 to 1.5; 1 when absent.
        public var speed: Double?

        /// An output in which nothing is set.
        public init() {}
    }
}

extension SessionObject {
    /// This session with every field that `update` sets replaced by it.
    public func merging(_ update: SessionObject) -> SessionObject {
        var merged = self
        merged.model = update.model ?? model
        merged.outputModalities = update.outputModalities ?? outputModalities
        merged.instructions = update.instructions ?? instructions
        merged.tools = update.tools ?? tools
        merged.toolChoice = update.toolChoice ?? toolChoice
        merged.maxOutputTokens = update.maxOutputTokens ?? maxOutputTokens
        merged.tracing = update.tracing ?? tracing
        merged.truncation = update.truncation ?? truncation
        merged.prompt = update.prompt ?? prompt
        merged.include = update.include ?? include
        merged.parallelToolCalls = update.parallelToolCalls ?? parallelToolCalls
        merged.reasoningEffort = update.reasoningEffort ?? reasoningEffort
        if let changed = update.input {
            var input = input ?? AudioInput()
            input.format = changed.format ?? input.format
            input.transcription = changed.transcription ?? input.transcription
            input.noiseReduction = changed.noiseReduction ?? input.noiseReduction
            input.turnDetection = changed.turnDetection ?? input.turnDetection
            merged.input = input
        }
        if let changed = update.output {
            var output = output ?? AudioOutput()
            output.format = changed.format ?? output.format
            output.voice = changed.voice ?? output.voice
            output.speed = changed.speed ?? output.speed
            merged.output = output
        }
        return merged
    }
}
