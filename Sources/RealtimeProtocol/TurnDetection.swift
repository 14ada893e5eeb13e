/// How the server finds the ends of the caller's turns.
public struct TurnDetection: Sendable, Hashable {
    /// The kind of detector.
    public enum Kind: Sendable, Hashable {
        /// By level: `server_vad`.
        case serverVAD
        /// By meaning: `semantic_vad`.
        case semanticVAD
        /// A detector this code does not know.
        case other(String)

        /// The name on the wire.
        public var name: String {
            switch self {
            case .serverVAD: "server_vad"
            case .semanticVAD: "semantic_vad"
            case .other(let name): name
            }
        }

        init(name: String) {
            switch name {
            case "server_vad": self = .serverVAD
            case "semantic_vad": self = .semanticVAD
            default: self = .other(name)
            }
        }
    }

    /// The kind of detector.
    public var kind: Kind
    /// Level that counts as speech, 0 to 1 (`server_vad`).
    public var threshold: Double?
    /// Audio before the start that belongs to the turn, in milliseconds (`server_vad`).
    public var prefixPaddingMilliseconds: Int?
    /// Silence that ends a turn, in milliseconds (`server_vad`). The server's default differs by model: set it.
    public var silenceDurationMilliseconds: Int?
    /// Silence of the caller after which the server speaks by itself, in milliseconds (`server_vad`); null is never.
    public var idleTimeoutMilliseconds: Nullable<Int>?
    /// `low`, `medium`, `high` or `auto` (`semantic_vad`).
    public var eagerness: String?
    /// Whether the server creates a response when a turn ends; absent is true.
    public var createResponse: Bool?
    /// Whether the server stops its response when the caller begins to speak; absent is true.
    public var interruptResponse: Bool?

    /// Silence after which a turn has ended for certain, in milliseconds. How long `semantic_vad` waits at most is told by
    /// its eagerness.
    public var longestSilenceMilliseconds: Int {
        switch kind {
        case .serverVAD: return silenceDurationMilliseconds ?? 500
        case .semanticVAD where eagerness == "high": return 2_000
        case .semanticVAD where eagerness != "low": return 4_000
        case .semanticVAD, .other: return 8_000
        }
    }

    /// What the server takes where `prefix_padding_ms` is left to it.
    public static let defaultPrefixPadding = 300

    /// A detector with everything else left to the server.
    public init(kind: Kind) { self.kind = kind }

    /// A level detector with every value explicit.
    public static func serverVAD(
        threshold: Double = 0.5,
        prefixPaddingMilliseconds: Int = defaultPrefixPadding,
        silenceDurationMilliseconds: Int = 500,
        createResponse: Bool = true,
        interruptResponse: Bool = true
    ) -> TurnDetection {
        var detection = TurnDetection(kind: .serverVAD)
        detection.threshold = threshold
        detection.prefixPaddingMilliseconds = prefixPaddingMilliseconds
        detection.silenceDurationMilliseconds = silenceDurationMilliseconds
        detection.idleTimeoutMilliseconds = .null
        detection.createResponse = createResponse
        detection.interruptResponse = interruptResponse
        return detection
    }

    /// A detector by meaning with every value explicit.
    public static func semanticVAD(
        eagerness: String = "auto",
        createResponse: Bool = true,
        interruptResponse: Bool = true
    ) -> TurnDetection {
        var detection = TurnDetection(kind: .semanticVAD)
        detection.eagerness = eagerness
        detection.createResponse = createResponse
        detection.interruptResponse = interruptResponse
        return detection
    }
}

extension TurnDetection {
    init(_ fields: FieldReader) throws(ProtocolError) {
        kind = Kind(name: try fields.string("type"))
        threshold = try fields.optionalDouble("threshold")
        prefixPaddingMilliseconds = try fields.optionalInteger("prefix_padding_ms")
        silenceDurationMilliseconds = try fields.optionalInteger("silence_duration_ms")
        if fields.object["idle_timeout_ms"] != nil {
            idleTimeoutMilliseconds = try fields.optionalInteger("idle_timeout_ms").map { .value($0) } ?? .null
        }
        eagerness = try fields.optionalString("eagerness")
        createResponse = try fields.optionalBool("create_response")
        interruptResponse = try fields.optionalBool("interrupt_response")
    }

    /// The JSON, keys as the server writes them.
    public var json: JSONValue {
        var object: JSONObject = ["type": .string(kind.name)]
        object.append("threshold", ifPresent: threshold.map(JSONValue.number))
        object.append("prefix_padding_ms", ifPresent: prefixPaddingMilliseconds)
        object.append("silence_duration_ms", ifPresent: silenceDurationMilliseconds)
        object.append("idle_timeout_ms", idleTimeoutMilliseconds) { .integer(Int64($0)) }
        object.append("eagerness", ifPresent: eagerness)
        object.append("create_response", ifPresent: createResponse.map(JSONValue.bool))
        object.append("interrupt_response", ifPresent: interruptResponse.map(JSONValue.bool))
        return .object(object)
    }
}
