/// The tokens of one response, from `response.done`.
///
/// Cached tokens are part of the input tokens, reasoning tokens are part of the output text tokens.
public struct TokenUsage: Sendable, Hashable {
    /// Everything.
    public var total = 0
    /// All input tokens.
    public var input = 0
    /// All output tokens.
    public var output = 0
    /// Input tokens of text, cached ones included.
    public var inputText = 0
    /// Input tokens of audio, cached ones included.
    public var inputAudio = 0
    /// Input tokens of pictures, cached ones included.
    public var inputImage = 0
    /// All cached input tokens.
    public var cached = 0
    /// Cached input tokens of text.
    public var cachedText = 0
    /// Cached input tokens of audio.
    public var cachedAudio = 0
    /// Cached input tokens of pictures.
    public var cachedImage = 0
    /// Output tokens of text.
    public var outputText = 0
    /// Output tokens of audio.
    public var outputAudio = 0
    /// Output tokens of reasoning, nil when the model does not reason.
    public var reasoning: Int?

    /// No tokens.
    public init() {}

    init(_ fields: FieldReader) throws(ProtocolError) {
        total = try Self.count(fields, "total_tokens")
        input = try Self.count(fields, "input_tokens")
        output = try Self.count(fields, "output_tokens")
        if let details = fields.lenientReader("input_token_details") {
            inputText = try Self.count(details, "text_tokens")
            inputAudio = try Self.count(details, "audio_tokens")
            inputImage = try Self.count(details, "image_tokens")
            cached = try Self.count(details, "cached_tokens")
            if let cachedDetails = details.lenientReader("cached_tokens_details") {
                cachedText = try Self.count(cachedDetails, "text_tokens")
                cachedAudio = try Self.count(cachedDetails, "audio_tokens")
                cachedImage = try Self.count(cachedDetails, "image_tokens")
            }
        }
        if let details = fields.lenientReader("output_token_details") {
            outputText = try Self.count(details, "text_tokens")
            outputAudio = try Self.count(details, "audio_tokens")
            reasoning = try details.optionalInteger("reasoning_tokens").map(Self.clamp)
        }
    }

    /// The most tokens that one field is believed to hold; beyond it sums could overflow.
    public static let countLimit = 1_000_000_000

    private static func clamp(_ count: Int) -> Int { min(max(count, 0), countLimit) }

    private static func count(_ fields: FieldReader, _ key: String) throws(ProtocolError) -> Int {
        clamp(try fields.optionalInteger(key) ?? 0)
    }

    /// The JSON, keys in the order in which the server writes them.
    public var json: JSONValue {
        func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        var outputDetails: JSONObject = ["text_tokens": number(outputText), "audio_tokens": number(outputAudio)]
        outputDetails.append("reasoning_tokens", ifPresent: reasoning)
        return [
            "total_tokens": number(total), "input_tokens": number(input), "output_tokens": number(output),
            "input_token_details": [
                "text_tokens": number(inputText), "audio_tokens": number(inputAudio),
                "image_tokens": number(inputImage), "cached_tokens": number(cached),
                "cached_tokens_details": [
                    "text_tokens": number(cachedText), "audio_tokens": number(cachedAudio),
                    "image_tokens": number(cachedImage),
                ],
            ],
            "output_token_details": .object(outputDetails),
        ]
    }
}

/// What writing down one turn of the caller cost.
public enum TranscriptionUsage: Sendable, Hashable {
    /// Priced by duration, in seconds.
    case duration(seconds: Double)
    /// Priced by tokens.
    case tokens(input: Int, inputText: Int, inputAudio: Int, output: Int)

    init?(_ fields: FieldReader) throws(ProtocolError) {
        switch try fields.optionalString("type") {
        case "duration":
            self = .duration(seconds: min(max(try fields.optionalDouble("seconds") ?? 0, 0), 86_400))
        case "tokens":
            let details = fields.lenientReader("input_token_details")
            func count(_ reader: FieldReader?, _ key: String) throws(ProtocolError) -> Int {
                min(max(try reader?.optionalInteger(key) ?? 0, 0), TokenUsage.countLimit)
            }
            self = .tokens(
                input: try count(fields, "input_tokens"),
                inputText: try count(details, "text_tokens"),
                inputAudio: try count(details, "audio_tokens"),
                output: try count(fields, "output_tokens")
            )
        default: return nil
        }
    }

    /// The JSON.
    public var json: JSONValue {
        switch self {
        case .duration(let seconds):
            return ["type": "duration", "seconds": Int64(exactly: seconds).map(JSONValue.integer) ?? .number(seconds)]
        case .tokens(let input, let inputText, let inputAudio, let output):
            return [
                "type": "tokens", "total_tokens": .integer(Int64(input + output)),
                "input_tokens": .integer(Int64(input)),
                "input_token_details": [
                    "text_tokens": .integer(Int64(inputText)), "audio_tokens": .integer(Int64(inputAudio)),
                ],
                "output_tokens": .integer(Int64(output)),
            ]
        }
    }
}
