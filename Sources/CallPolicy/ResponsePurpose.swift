/// Why the model is asked to speak.
public enum ResponsePurpose: String, Sendable, Hashable, CaseIterable {
    /// The server created the response by itself, after a turn of the caller.
    case server
    /// The first words of the agent.
    case greeting
    /// A turn of the caller that the server does not answer by itself.
    case callerTurn = "caller_turn"
    /// A turn whose answer was lost with the model.
    case lostTurn = "lost_turn"
    /// Outputs of tools.
    case toolOutputs = "tool_outputs"
    /// Words while a tool runs.
    case filler
    /// Words that a command wants said.
    case say
    /// Something a command told the model.
    case instruct
    /// Keys that the caller pressed.
    case keys
    /// A prompt because nobody speaks.
    case idlePrompt = "idle_prompt"
    /// The call is nearly at its maximum duration.
    case durationWarning = "duration_warning"
    /// The rest of a response that was cut by a limit.
    case continuation
    /// The goodbye.
    case goodbye
}
