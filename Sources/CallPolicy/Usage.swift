public import RealtimeProtocol

/// Prices of one model in millionths of a dollar per million tokens, so `32_000_000` is 32 dollars.
public struct ModelPrice: Sendable, Hashable {
    /// Input text.
    public var textInput: Int64
    /// Input text that was cached.
    public var textCached: Int64
    /// Output text.
    public var textOutput: Int64
    /// Input audio.
    public var audioInput: Int64
    /// Input audio that was cached.
    public var audioCached: Int64
    /// Output audio.
    public var audioOutput: Int64

    /// A price.
    public init(
        textInput: Int64,
        textCached: Int64,
        textOutput: Int64,
        audioInput: Int64,
        audioCached: Int64,
        audioOutput: Int64
    ) {
        self.textInput = textInput
        self.textCached = textCached
        self.textOutput = textOutput
        self.audioInput = audioInput
        self.audioCached = audioCached
        self.audioOutput = audioOutput
    }

    /// gpt-realtime-2, 2.1 (November 2026).
    public static let realtime2 = ModelPrice(
        textInput: 4_000_000,
        textCached: 400_000,
        textOutput: 24_000_000,
        audioInput: 32_000_000,
        audioCached: 400_000,
        audioOutput: 64_000_000
    )
    /// gpt-realtime-1.5 and gpt-realtime (November 2026).
    public static let realtime1 = ModelPrice(
        textInput: 4_000_000,
        textCached: 400_000,
        textOutput: 16_000_000,
        audioInput: 32_000_000,
        audioCached: 400_000,
        audioOutput: 64_000_000
    )
    /// gpt-realtime-2.1-mini (November 2026).
    public static let realtime2Mini = ModelPrice(
        textInput: 600_000,
        textCached: 60_000,
        textOutput: 2_400_000,
        audioInput: 10_000_000,
        audioCached: 300_000,
        audioOutput: 20_000_000
    )
}

/// What things cost.
public struct PriceTable: Sendable, Hashable {
    /// Prices by model name; the longest name with which the model's name begins counts.
    public var models: [String: ModelPrice]
    /// Transcription models in millionths of a dollar per minute of audio.
    public var transcriptionPerMinute: [String: Int64]

    /// A table.
    public init(models: [String: ModelPrice], transcriptionPerMinute: [String: Int64]) {
        self.models = models
        self.transcriptionPerMinute = transcriptionPerMinute
    }

    /// The published prices of November 2026.
    public static let published = PriceTable(
        models: [
            "gpt-realtime-2": .realtime2, "gpt-realtime-2.1-mini": .realtime2Mini, "gpt-realtime": .realtime1,
        ],
        transcriptionPerMinute: ["gpt-realtime-whisper": 17_000]
    )

    /// The price of a model, nil when it is not in the table.
    public func price(of model: String) -> ModelPrice? {
        models.filter { model.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }
}

/// The tokens and the money of a call.
public struct UsageTotals: Sendable, Hashable {
    /// Responses that reported their tokens.
    public var responses = 0
    /// Input tokens of text that were not cached.
    public var textInput = 0
    /// Input tokens of text that were cached.
    public var textCached = 0
    /// Output tokens of text, reasoning included.
    public var textOutput = 0
    /// Input tokens of audio that were not cached.
    public var audioInput = 0
    /// Input tokens of audio that were cached.
    public var audioCached = 0
    /// Output tokens of audio.
    public var audioOutput = 0
    /// Audio written down and priced by duration, in milliseconds.
    public var transcriptionMilliseconds = 0
    /// Tokens of transcription priced by tokens.
    public var transcriptionTokens = 0
    /// Responses or transcriptions whose model has no price.
    public var unpriced = 0
    /// The sum in millionths of a millionth of a dollar, so that nothing is lost by rounding.
    var costPicodollars: Int64 = 0

    /// Nothing used.
    public init() {}

    /// The sum in millionths of a dollar, rounded down.
    public var costMicrodollars: Int64 { costPicodollars / 1_000_000 }

    /// Adds one response and returns its cost in millionths of a dollar.
    public mutating func add(_ usage: TokenUsage, price: ModelPrice?) -> Int64 {
        responses += 1
        let cachedText = min(usage.cachedText, usage.inputText)
        let cachedAudio = min(usage.cachedAudio, usage.inputAudio)
        textInput += usage.inputText - cachedText
        textCached += cachedText
        textOutput += usage.outputText
        audioInput += usage.inputAudio - cachedAudio
        audioCached += cachedAudio
        audioOutput += usage.outputAudio
        guard let price else {
            unpriced += 1
            return 0
        }
        var cost = Self.product(usage.inputText - cachedText, price.textInput)
        cost = Self.sum(cost, Self.product(cachedText, price.textCached))
        cost = Self.sum(cost, Self.product(usage.outputText, price.textOutput))
        cost = Self.sum(cost, Self.product(usage.inputAudio - cachedAudio, price.audioInput))
        cost = Self.sum(cost, Self.product(cachedAudio, price.audioCached))
        cost = Self.sum(cost, Self.product(usage.outputAudio, price.audioOutput))
        costPicodollars = Self.sum(costPicodollars, cost)
        return cost / 1_000_000
    }

    /// Adds one transcription and returns its cost in millionths of a dollar.
    public mutating func add(_ usage: TranscriptionUsage, perMinute: Int64?) -> Int64 {
        switch usage {
        case .tokens(let input, _, _, let output):
            transcriptionTokens += input + output
            unpriced += 1
            return 0
        case .duration(let seconds):
            let milliseconds = Int((seconds * 1000).rounded())
            transcriptionMilliseconds += milliseconds
            guard let perMinute else {
                unpriced += 1
                return 0
            }
            let cost = Self.product(milliseconds, perMinute) / 60_000
            costPicodollars = Self.sum(costPicodollars, Self.product(Int(cost), 1_000_000))
            return cost
        }
    }

    private static func product(_ count: Int, _ price: Int64) -> Int64 {
        let (value, overflow) = Int64(count).multipliedReportingOverflow(by: price)
        return overflow ? .max : value
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (value, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : value
    }
}
