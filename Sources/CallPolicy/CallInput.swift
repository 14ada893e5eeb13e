public import RealtimeProtocol

/// What can happen to a call.
public enum CallInput: Sendable {
    /// The carrier's stream is up (Twilio `start`).
    case carrierStarted(CarrierStart)
    /// The carrier says that the call is over (Twilio `stop`).
    case carrierStopped
    /// The carrier has sent no audio for too long.
    case carrierSilent
    /// The carrier's connection is gone.
    case carrierClosed(LegClose)
    /// The caller pressed a key: one of `0`-`9`, `*`, `#`, `A`-`D`.
    case dtmf(String, PlaybackSnapshot)
    /// The WebSocket handshake with the model is done.
    case modelOpened(ModelLeg)
    /// A model connection is gone, or could not be made.
    case modelClosed(ModelLeg, LegClose)
    /// The model said something; audio deltas are never given here.
    case modelEvent(ModelLeg, ServerEvent, PlaybackSnapshot)
    /// The model said something that is no event of its protocol.
    case modelEventUnreadable(ModelLeg)
    /// How far the audio has been played. Give it before an input that carries no snapshot and ends something
    /// (`carrierStopped`, `carrierClosed`, `modelClosed`), so that what was heard until then is known exactly.
    case playback(PlaybackSnapshot)
    /// The first audio of an item was sent to the caller.
    case playbackStarted(itemID: String)
    /// An item was heard as a whole.
    case playbackItemFinished(itemID: String)
    /// Everything that was queued was heard.
    case playbackDrained
    /// A tool that was started with `runTool` is done.
    case toolFinished(callID: String, ToolResult)
    /// The moment set by `setTimer` is reached.
    case timer(PlaybackSnapshot)
    /// Someone outside wants something.
    case command(CallCommand, PlaybackSnapshot)
}

/// What the carrier says when its stream begins.
public struct CarrierStart: Sendable, Hashable {
    /// The stream (Twilio `streamSid`).
    public var streamID: String
    /// The call (Twilio `callSid`).
    public var callID: String
    /// The account (Twilio `accountSid`).
    public var accountID: String
    /// What the TwiML gave the stream (`customParameters`).
    public var parameters: [String: String]
    /// The audio encoding, such as `audio/x-mulaw`.
    public var encoding: String
    /// Samples per second.
    public var sampleRate: Int
    /// Channels.
    public var channels: Int
    /// Parameters left out because of `CallLimits`.
    public var droppedParameters = 0
    /// Whether the carrier's dialect has set up a line for this audio; otherwise it must be a telephone's.
    public var hasLine = false

    /// A start; the defaults are those of Twilio.
    public init(
        streamID: String,
        callID: String,
        accountID: String = "",
        parameters: [String: String] = [:],
        encoding: String = "audio/x-mulaw",
        sampleRate: Int = 8000,
        channels: Int = 1
    ) {
        self.streamID = streamID
        self.callID = callID
        self.accountID = accountID
        self.parameters = parameters
        self.encoding = encoding
        self.sampleRate = sampleRate
        self.channels = channels
    }

    /// Whether the stream is what a telephone sends.
    public var isTelephoneAudio: Bool { encoding == "audio/x-mulaw" && sampleRate == 8_000 && channels == 1 }
}

/// One connection to the model. The machine chooses the number; it is unique in the call.
public struct ModelLeg: Sendable, Hashable, Comparable {
    /// The number, 1 for the first.
    public var number: Int

    /// A leg by its number.
    public init(_ number: Int) { self.number = number }

    /// Older before newer.
    public static func < (left: ModelLeg, right: ModelLeg) -> Bool { left.number < right.number }
}

/// How a connection ended.
public struct LegClose: Sendable, Hashable {
    /// What ended it.
    public enum Cause: Sendable, Hashable {
        /// The peer closed it in an orderly way.
        case peerClosed
        /// It broke.
        case transportLost
        /// Nothing came for too long.
        case timedOut
        /// The peer broke the protocol.
        case protocolError
        /// The upgrade was answered with this HTTP status.
        case refused(status: Int)
        /// No connection could be made.
        case connectFailed
        /// No TLS session could be made.
        case tlsFailed
        /// We closed it.
        case local
    }

    /// The WebSocket code, 1006 when there was none.
    public var code: Int
    /// The reason that came with the code.
    public var reason: String
    /// What ended it.
    public var cause: Cause
    /// Seconds that the answer to the upgrade asked to wait (`Retry-After`); nil when it did not.
    public var retryAfterSeconds: Int?

    /// An end.
    public init(code: Int = 1006, reason: String = "", cause: Cause, retryAfterSeconds: Int? = nil) {
        self.code = code
        self.reason = reason
        self.cause = cause
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// What a tool returned.
public enum ToolResult: Sendable, Hashable {
    /// Its output, mostly JSON.
    case output(String)
    /// Why it failed; the model is told.
    case failure(String)
}

/// Who says where a turn of the caller begins and ends.
public enum Listening: Sendable, Hashable {
    /// The caller holds a button: what they say until they let it go is one turn, pauses and all.
    case held
    /// They let it go: the turn is over.
    case released
    /// The session's own turn detection.
    case open
}

/// What someone outside wants of a call.
public enum CallCommand: Sendable, Hashable {
    /// End the call now.
    case hangUp(EndInitiator, EndReason)
    /// Let the agent say goodbye, then end the call.
    case endAfterGoodbye(EndInitiator, EndReason)
    /// The carrier is being asked to give the call to somebody else, for this one: its end is a transfer from now on. Nil:
    /// it refused.
    case handOver(EndInitiator?)
    /// A button for talking was pressed or let go, or is not used any more.
    case listen(Listening)
    /// Let the agent say this, word for word.
    case say(String, interruptible: Bool = true)
    /// Tell the model something; with `respond` it speaks about it.
    case instruct(String, respond: Bool = false)
    /// Change the session; what is present in the update stays changed after a reconnection too.
    case updateSession(SessionObject)
    /// Answer a function call by hand; a tool that still runs for it is stopped.
    case answerTool(callID: String, output: String)
    /// Stop what the agent is saying.
    case interrupt
    /// Let the caller not hear the agent, or hear it again.
    case muteAgent(Bool)
    /// Move to a new model session at the next silent moment.
    case rotate
}
