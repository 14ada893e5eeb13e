public import RealtimeProtocol

/// Something worth writing down: for the log, the transcript and the store. Texts are cut at
/// `CallLimits.recordTextBytes`.
public enum CallEvent: Sendable, Hashable {
    /// The carrier's stream is up.
    case started(CarrierStart)
    /// A connection to the model is being made: the first, after a loss (attempt 1...), or to rotate.
    case modelDialled(ModelLeg, purpose: DialPurpose)
    /// A model session is configured and serves the call now, so many milliseconds after it was dialled.
    case modelServing(ModelLeg, sessionID: String?, afterMilliseconds: Int)
    /// A model connection ended; `lost` when the call needed it.
    case modelLost(ModelLeg, LegClose, lost: Bool)
    /// After a loss the model is back; the caller had no model for this long, in milliseconds.
    case reconnected(ModelLeg, outageMilliseconds: Int, restoredItems: Int)
    /// The call moved from one model session to the next; `forced` when no silent moment came.
    case rotated(from: ModelLeg, to: ModelLeg, forced: Bool, restoredItems: Int)

    /// The caller began to speak.
    case callerSpeechStarted(itemID: String)
    /// The caller stopped.
    case callerSpeechStopped(itemID: String)
    /// The caller's turn is in the conversation: the model may answer it.
    case callerTurnCommitted(itemID: String)
    /// What the caller said in a turn.
    case callerTranscript(itemID: String, text: String)
    /// The caller has begun to hear an item, so many milliseconds ago, as the carrier's marks say.
    case agentHeard(itemID: String, agoMilliseconds: Int)
    /// What the agent said in an item: the part that was heard and the part that was not.
    case agentTranscript(AgentTranscript)
    /// The caller pressed these keys.
    case keys(String)
    /// How fast the agent answered a turn.
    case turnLatency(TurnLatency)

    /// The caller, a key or a command interrupted the agent.
    case interrupted(Interruption)
    /// The caller spoke while an utterance ran that must not be interrupted.
    case interruptionSuppressed
    /// It is over: both had spoken for so long, in milliseconds.
    case talkedOver(milliseconds: Int)
    /// The model was told how much of an item was heard.
    case truncated(itemID: String, audioEndMilliseconds: Int, receivedMilliseconds: Int)
    /// The model refused a truncation.
    case truncationRejected(itemID: String, APIError)

    /// A response was asked for.
    case responseRequested(ResponsePurpose)
    /// A response ended.
    case responseFinished(responseID: String, ResponsePurpose, status: String, detail: String?)
    /// The tokens of a response, and what they cost in millionths of a dollar.
    case usage(responseID: String, TokenUsage, costMicrodollars: Int64)
    /// What writing down a turn of the caller used, and what it cost in millionths of a dollar.
    case transcriptionUsage(TranscriptionUsage, costMicrodollars: Int64)

    /// A tool was started.
    case toolStarted(callID: String, name: String, arguments: String)
    /// A tool ended; after so many milliseconds.
    case toolFinished(callID: String, name: String, ToolOutcome, output: String, milliseconds: Int)

    /// The agent was muted or not any more.
    case agentMuted(Bool)
    /// What is left of the account's limits.
    case rateLimits([RateLimit])
    /// The model sent an event that is not known; its type, cut to `CallLimits.idBytes`.
    case unknownEvent(type: String)
    /// Something was not as it should be; the call went on.
    case warning(WarningKind, detail: String)
    /// The caller spoke during the goodbye of `end_call`: the call goes on.
    case goodbyeCancelled
    /// The call is about to end, and why in words.
    case ending(EndReason, EndInitiator, detail: String)
    /// What the call summed up to; the last record.
    case summary(CallSummary)
}

/// Why the model was dialled.
public enum DialPurpose: Sendable, Hashable {
    /// The first connection of the call.
    case first
    /// The connection was lost; the number of this attempt, 1 for the first.
    case reconnect(attempt: Int)
    /// The session is about to reach its age limit.
    case rotation
}

/// What the agent said in one item.
public struct AgentTranscript: Sendable, Hashable {
    /// The item.
    public var itemID: String
    /// The words that were heard.
    public var heard: String
    /// The words that were generated but not heard.
    public var unheard: String
    /// Audio that was heard, in milliseconds; nil when it was heard as a whole.
    public var heardMilliseconds: Int?
    /// Whether it was interrupted.
    public var wasInterrupted: Bool

    /// A transcript.
    public init(itemID: String, heard: String, unheard: String, heardMilliseconds: Int?, wasInterrupted: Bool) {
        self.itemID = itemID
        self.heard = heard
        self.unheard = unheard
        self.heardMilliseconds = heardMilliseconds
        self.wasInterrupted = wasInterrupted
    }
}

/// How fast the agent answered, in milliseconds since the caller stopped to speak.
public struct TurnLatency: Sendable, Hashable {
    /// Until the response was created; nil when it was created before.
    public var createdMilliseconds: Int?
    /// Until the first audio was sent to the caller.
    public var firstAudioMilliseconds: Int
}

/// One interruption of the agent.
public struct Interruption: Sendable, Hashable {
    /// What interrupted.
    public enum Cause: String, Sendable {
        /// The caller spoke.
        case speech
        /// The caller pressed a key.
        case key
        /// A command.
        case command
    }

    /// What interrupted.
    public var cause: Cause
    /// The item that was being heard, nil when the agent had not begun to speak.
    public var itemID: String?
    /// How much of it was heard, in milliseconds.
    public var heardMilliseconds: Int
    /// Audio that was dropped, in milliseconds.
    public var droppedMilliseconds: Int
    /// The response that was stopped, nil when it was whole already.
    public var responseID: String?
    /// How long both had been speaking, in milliseconds: from the start of the caller's speech in the audio that was sent
    /// to the model, to what had been sent when it was told of it. Nil when speech did not interrupt, or its start is not
    /// known.
    public var talkOverMilliseconds: Int?
}

/// How a tool ended.
public enum ToolOutcome: String, Sendable, Hashable {
    /// With an output.
    case succeeded
    /// With an error of the handler.
    case failed
    /// Not in time.
    case timedOut = "timed_out"
    /// The call ended first.
    case cancelled
    /// Not started: unknown, too many, or arguments that are not valid.
    case refused
}

/// What kind of thing was not as it should be.
public enum WarningKind: String, Sendable, Hashable, CaseIterable {
    /// The model reported an error that is not handled in another way.
    case modelError = "model_error"
    /// The negotiated audio format is another one.
    case formatMismatch = "format_mismatch"
    /// A response failed or stayed incomplete.
    case responseFailed = "response_failed"
    /// A request for a response was given up.
    case responseDropped = "response_dropped"
    /// The caller's words of a turn are not known.
    case transcriptionFailed = "transcription_failed"
    /// A tool's result came after it was answered.
    case lateToolResult = "late_tool_result"
    /// The model did not go on in time.
    case modelStalled = "model_stalled"
    /// A limit of `CallLimits` was hit.
    case limit
    /// An input that makes no sense at this moment.
    case unexpectedInput = "unexpected_input"
    /// The next session could not be made ready.
    case rotationFailed = "rotation_failed"
}

/// What a call summed up to.
public struct CallSummary: Sendable, Hashable {
    /// From `carrierStarted` to the end, in milliseconds.
    public var durationMilliseconds = 0
    /// Turns of the caller.
    public var callerTurns = 0
    /// Items of the agent of which something was heard.
    public var agentTurns = 0
    /// Tokens and money.
    public var usage = UsageTotals()
    /// Everything that was counted.
    public var counters = CallCounters()
}
