import RealtimeProtocol

/// What answers look like, for the API document: clients in languages with types are made from it.
enum AnswerSchema {
    private static let text: JSONValue = ["type": "string"]
    private static let textOrNull: JSONValue = ["type": ["string", "null"]]
    private static let flag: JSONValue = ["type": "boolean"]
    private static let count: JSONValue = ["type": "integer", "minimum": 0]
    private static let number: JSONValue = ["type": "number"]
    private static let moment: JSONValue = ["type": "string", "description": "ISO 8601, UTC."]
    private static let anyObject: JSONValue = ["type": "object"]

    /// - Parameters:
    ///   - properties: What is always there.
    ///   - optional: What may be there.
    private static func object(_ properties: JSONObject, optional: JSONObject = [:]) -> JSONValue {
        [
            "type": "object", "required": .array(properties.keys.map(JSONValue.string)),
            "properties": .object(JSONObject(properties.members + optional.members)),
        ]
    }

    private static func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

    // MARK: - The server

    static let root = object(["message": text], optional: ["version": text, "status": text])
    static let publicURL = object(["publicUrl": text])
    static let ready = object(["ready": flag])

    private static let status: JSONValue = ["type": "string", "enum": ["healthy", "warning", "critical"]]
    static let health = object([
        "status": status, "timestamp": moment,
        "services": list(object(["service": text, "status": status, "message": text, "details": anyObject])),
        "errors": object([
            "total_errors": count, "error_counts": ["type": "object", "additionalProperties": count],
            "recent_errors": list(object(["timestamp": moment, "type": text, "context": text, "message": text])),
        ]),
    ])

    private static let toolList = list(
        object(
            ["type": text],
            optional: ["name": text, "description": text, "parameters": anyObject, "server_label": textOrNull]
        )
    )
    /// The list alone with `COMPAT=demo`.
    static let tools: JSONValue = ["anyOf": [object(["tools": toolList]), toolList]]

    // MARK: - Calls

    static let made = object(["call_sid": text, "status": ["const": "queued"]])

    private static let callStatus: JSONValue = [
        "type": "string",
        "enum": .array(
            CallDirectory.finalStatuses.union(CallDirectory.earlyStatuses).sorted().map { .string($0) }
        ),
    ]
    private static let summary: JSONObject = [
        "call_sid": text, "stream_sid": text, "from": text, "to": text, "direction": text, "rule": text, "model": text,
        "voice": text, "status": callStatus, "started_at": moment, "duration_ms": ["type": "integer"],
        "model_serving": flag, "agent_muted": flag,
        "speaking": ["type": "string", "enum": ["nobody", "caller", "agent", "both"]], "interruptions": count,
        "reconnects": count, "cost_usd": number, "audio_bytes_per_ms": count, "can_transfer": flag,
    ]
    private static let mayBeThere: JSONObject = [
        "latency_ms": ["type": "integer"], "ended_at": moment, "end_reason": text, "ended_by": text, "end_detail": text,
    ]

    static let calls = object(["calls": list(object(summary, optional: mayBeThere))])
    static let call = object(
        JSONObject(
            summary.members
                + ([
                    "transcript": list(
                        object([
                            "who": text, "text": text, "unheard": text, "interrupted": flag, "item_id": text,
                            "at": moment,
                        ])
                    ),
                    "tools": list(
                        object([
                            "call_id": text, "name": text, "arguments": text, "outcome": textOrNull, "output": text,
                            "duration_ms": ["type": ["integer", "null"]], "at": moment,
                        ])
                    ),
                    "actions": list(object(["who": text, "what": text, "detail": text, "at": moment])),
                ] as JSONObject).members
        ),
        optional: mayBeThere
    )

    // MARK: - Records

    static let history = object([
        "calls": list(
            object(
                [
                    "call_sid": text, "stream_sid": textOrNull, "from": text, "to": text, "direction": textOrNull,
                    "rule": text, "model": textOrNull, "voice": textOrNull, "status": callStatus,
                    "started_at": moment, "duration_ms": ["type": "integer"], "cost_usd": number,
                    "interruptions": count, "reconnects": count, "turns": count, "snippet": textOrNull,
                    "latency_ms": ["type": ["number", "null"]], "ended_by": textOrNull, "end_detail": textOrNull,
                ],
                optional: ["ended_at": moment, "end_reason": text]
            )
        ), "next": textOrNull, "total": ["type": ["integer", "null"]],
    ])
}
