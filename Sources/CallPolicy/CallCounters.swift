/// What is counted in a call.
public struct CallCounters: Sendable, Hashable {
    /// Interruptions of the agent.
    public var interruptions = 0
    /// Truncations sent.
    public var truncations = 0
    /// Truncations the model refused.
    public var truncationsRejected = 0
    /// Model connections lost while they served.
    public var modelLosses = 0
    /// Dials after a loss.
    public var reconnectAttempts = 0
    /// Moves to a new session before the old one ended.
    public var rotations = 0
    /// Milliseconds without a model after a loss.
    public var outageMilliseconds = 0
    /// Tones while the model had not answered yet.
    public var waitingTones = 0
    /// Tools started.
    public var toolRuns = 0
    /// Tool calls that were refused.
    public var toolsRefused = 0
    /// Tools that took too long.
    public var toolTimeouts = 0
    /// Results of tools that came too late or for unknown calls.
    public var lateToolResults = 0
    /// Responses that failed.
    public var responsesFailed = 0
    /// Responses that stayed incomplete.
    public var responsesIncomplete = 0
    /// Requests that met a response of the server.
    public var responseCollisions = 0
    /// Error events of the model.
    public var modelErrors = 0
    /// Events of legs that were closed, or that made no sense.
    public var ignoredInputs = 0
    /// Events of the model that are not known.
    public var unknownEvents = 0
    /// Messages of the model that are no events of its protocol.
    public var unreadableEvents = 0
    /// Things of the model that were passed over because `CallLimits.idBytes` was hit.
    public var idsOverLimit = 0
    /// Function calls refused because `ToolPolicy.callsMaximum` was hit.
    public var toolsOverLimit = 0
    /// Sessions that opened and then did not answer.
    public var silentSessions = 0
    /// Requests dropped because `CallLimits.waitingResponses` was hit.
    public var responsesOverLimit = 0
    /// Entries dropped from the history because of its limits.
    public var historyDropped = 0
    /// Texts cut because of `CallLimits.recordTextBytes` or `CallLimits.toolOutputBytes`.
    public var textsCut = 0
    /// Parameters of the stream left out because of `CallLimits.parameters` or `CallLimits.parameterBytes`.
    public var parametersDropped = 0
    /// Agent items not followed because `CallLimits.openItems` was hit.
    public var itemsOverLimit = 0

    /// Nothing counted.
    public init() {}
}
