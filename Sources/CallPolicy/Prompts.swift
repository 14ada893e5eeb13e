import RealtimeProtocol

/// Instructions for responses that the machine asks for by itself.
enum Prompts {
    static func exactly(_ text: String) -> String {
        "Say the following to the caller, word for word, and nothing else: \(text)"
    }

    static let filler = "Tell the caller in one short sentence that you are still working on it. Do not promise a time."

    static let goodbye = "Say goodbye to the caller in one short sentence. Do not ask anything."

    static let askToRepeat =
        "The line was disturbed and you did not hear the caller's last words. Ask the caller to repeat them."

    static let failure =
        "Tell the caller in one short sentence that there was a technical problem, and ask them to say it again."

    static let continuation = "Your last answer was cut off. Finish it briefly; do not repeat what you said."

    /// Options that make the model say this, and call no tool.
    static func options(_ text: GreetingText) -> ResponseOptions {
        var options = ResponseOptions()
        options.toolChoice = ToolChoice.none
        switch text {
        case .exactly(let words): options.instructions = exactly(words)
        case .instructions(let instructions): options.instructions = instructions
        }
        return options
    }
}
