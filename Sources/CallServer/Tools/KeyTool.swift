import CallPolicy
import RealtimeProtocol

/// Lets the agent press keys: for calls that reach a menu instead of a person.
struct KeyTool: Sendable {
    /// Why no key was pressed, in words for the model.
    struct Failure: Error, CustomStringConvertible { let description: String }

    static let name = "send_dtmf"
    /// The most keys of one call of the tool.
    static let keysMaximum = 32
    /// The longest wait until the agent has said what it says, in milliseconds, before each piece of tones.
    private static let hearMilliseconds = 8_000
    /// How often tones are offered to a line that is silent at last, and then speaks again.
    private static let attempts = 5

    let directory: CallDirectory

    func register(in registry: inout ToolRegistry) {
        let definition = ToolDefinition(
            name: Self.name,
            description:
                "Presses keys of the telephone, as tones that the other side hears. Say nothing while you do it.",
            parameters: [
                "type": "object", "required": ["digits"],
                "properties": [
                    "digits": [
                        "type": "string", "description": "The keys, such as 12#.", "minLength": 1,
                        "maxLength": .integer(Int64(Self.keysMaximum)), "pattern": "^[0-9A-D*#]+$",
                    ]
                ],
            ],
            timeoutMilliseconds: 20_000
        )
        registry.register(definition) { (arguments: JSONValue, context) in
            guard let callSID = context.carrier?.callID else { throw Failure(description: "there is no line") }
            try await press(arguments["digits"]?.stringValue ?? "", in: callSID)
            return #"{"ok":true}"#
        }
    }

    private func press(_ digits: String, in callSID: String) async throws {
        var pieces: [[UInt8]] = []
        for (index, key) in digits.enumerated() {
            guard let audio = KeyTones.audio(key) else { throw Failure(description: "\(key) is no key") }
            if index % KeyTones.keysAtOnce == 0 { pieces.append([]) }
            pieces[pieces.count - 1] += audio
        }
        for piece in pieces where try await !play(piece, to: callSID) {
            throw Failure(description: "the line was never silent long enough")
        }
        try await directory.untilHeard(callSID, atMost: Self.hearMilliseconds)
    }

    private func play(_ audio: [UInt8], to callSID: String) async throws -> Bool {
        for _ in 0..<Self.attempts {
            try await directory.untilHeard(callSID, atMost: Self.hearMilliseconds)
            if await directory.play(audio, to: callSID) { return true }
        }
        return false
    }
}
