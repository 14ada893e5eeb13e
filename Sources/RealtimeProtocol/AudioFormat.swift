/// An audio format that a Realtime session accepts on a WebSocket.
public enum AudioFormat: Sendable, Hashable {
    /// G.711 µ-law, 8 kHz: what a telephone network carries, passed through untouched.
    case pcmu
    /// G.711 A-law, 8 kHz.
    case pcma
    /// Linear signed 16 bit, little-endian, mono, 24 kHz.
    case pcm24000
    /// A format this code does not know, as the server named it.
    case other(type: String, rate: Int?)

    /// Bytes of one millisecond of audio; 0 when the format is unknown.
    public var bytesPerMillisecond: Int {
        switch self {
        case .pcmu, .pcma: 8
        case .pcm24000: 48
        case .other: 0
        }
    }

    /// The format by its beta name (`g711_ulaw`, `g711_alaw`, `pcm16`).
    public init?(betaName: String) {
        switch betaName {
        case "g711_ulaw": self = .pcmu
        case "g711_alaw": self = .pcma
        case "pcm16": self = .pcm24000
        default: return nil
        }
    }

    /// The beta name, nil when beta had none.
    public var betaName: String? {
        switch self {
        case .pcmu: "g711_ulaw"
        case .pcma: "g711_alaw"
        case .pcm24000: "pcm16"
        case .other: nil
        }
    }
}

extension AudioFormat {
    init(_ fields: FieldReader) throws(ProtocolError) {
        let type = try fields.string("type")
        let rate = try fields.optionalInteger("rate")
        switch (type, rate) {
        case ("audio/pcmu", nil), ("audio/pcmu", 8000): self = .pcmu
        case ("audio/pcma", nil), ("audio/pcma", 8000): self = .pcma
        case ("audio/pcm", nil), ("audio/pcm", 24000): self = .pcm24000
        default: self = .other(type: type, rate: rate)
        }
    }

    /// The JSON of the format. `rate` only for linear audio: the server refuses it for G.711.
    public var json: JSONValue {
        switch self {
        case .pcmu: ["type": "audio/pcmu"]
        case .pcma: ["type": "audio/pcma"]
        case .pcm24000: ["type": "audio/pcm", "rate": 24000]
        case .other(let type, let rate?): ["type": .string(type), "rate": .integer(Int64(rate))]
        case .other(let type, nil): ["type": .string(type)]
        }
    }
}
