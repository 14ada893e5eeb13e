import RealtimeProtocol

/// Tools that every call can offer.
public enum BuiltInTools {
    /// The name of the tool that ends the call.
    public static let endCallName = "end_call"

    /// Ends the call after the goodbye was heard. The machine does it; it is never given to the bridge.
    public static let endCall = ToolDefinition(
        name: endCallName,
        description: "Ends the telephone call. Use it when the caller has said goodbye or wants to hang up.",
        parameters: [
            "type": "object",
            "properties": ["reason": ["type": "string", "description": "Why the call ends, in a few words."]],
        ]
    )

    /// The name of the tool that tells the time.
    public static let currentTimeName = "current_time"

    /// Tells the date and the time at the server.
    public static let currentTime = ToolDefinition(
        name: currentTimeName,
        description: "Tells the current date, weekday and time.",
        parameters: ["type": "object", "properties": [:], "additionalProperties": false]
    )
}
