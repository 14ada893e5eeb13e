import RealtimeProtocol

/// What the settings of a session may be, as schemas: for those that are saved and for those that are sent to a call.
enum SessionSchema {
    static let speed: JSONValue = ["type": ["number", "null"], "minimum": 0.25, "maximum": 1.5]
    static let maxOutputTokens: JSONValue = [
        "anyOf": [["type": "integer", "minimum": 1, "maximum": 32_000], ["const": "inf"]]
    ]

    /// - Parameters:
    ///   - types: What stands for a detector: an object, or null where that is none.
    ///   - kinds: Detectors that may be named.
    static func turnDetection(_ types: JSONValue, _ kinds: JSONValue) -> JSONValue {
        [
            "type": types, "required": ["type"], "additionalProperties": false,
            "properties": [
                "type": ["enum": kinds],
                "threshold": ["type": ["number", "null"], "minimum": 0, "maximum": 1],
                "prefix_padding_ms": ["type": ["integer", "null"], "minimum": 0, "maximum": 5_000],
                "silence_duration_ms": ["type": ["integer", "null"], "minimum": 0, "maximum": 10_000],
                "idle_timeout_ms": ["type": ["integer", "null"], "minimum": 5_000, "maximum": 30_000],
                "eagerness": ["enum": ["low", "medium", "high", "auto", .null]],
                "create_response": ["type": ["boolean", "null"]],
                "interrupt_response": ["type": ["boolean", "null"]],
            ],
        ]
    }
}
