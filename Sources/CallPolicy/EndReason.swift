/// Why a call ended; a closed list.
public enum EndReason: String, Sendable, Hashable, CaseIterable {
    /// The caller hung up: the carrier sent `stop` or closed in an orderly way.
    case callerHungUp = "caller_hung_up"
    /// The carrier's connection broke.
    case carrierLost = "carrier_lost"
    /// The carrier stayed connected and sent no audio.
    case noMedia = "no_media"
    /// The agent ended the call with `end_call`.
    case agentHungUp = "agent_hung_up"
    /// An operator ended the call.
    case operatorHungUp = "operator_hung_up"
    /// The call was handed to someone else.
    case transferred
    /// Nobody spoke for too long.
    case idle
    /// The call reached its maximum duration.
    case maximumDuration = "maximum_duration"
    /// The call reached its maximum cost.
    case maximumCost = "maximum_cost"
    /// The model could not be reached any more.
    case modelUnreachable = "model_unreachable"
    /// The model refused us for good: key, quota, account or model name.
    case modelRefused = "model_refused"
    /// The model refused the session's configuration.
    case sessionRefused = "session_refused"
    /// The carrier's stream or the model's session has another audio format than a telephone's.
    case formatMismatch = "format_mismatch"
    /// The model failed to answer, too often in a row.
    case modelFailed = "model_failed"
    /// The server is shutting down.
    case draining
    /// Something in the server went wrong.
    case internalError = "internal_error"
}

/// Who ended a call.
public enum EndInitiator: String, Sendable, Hashable, CaseIterable {
    /// The person on the phone, or their carrier.
    case caller
    /// The model, with `end_call`.
    case agent
    /// A person beside the call.
    case `operator`
    /// The server itself.
    case system
    /// The model's service.
    case model
}
