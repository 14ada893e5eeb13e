/// Where a part of a response is.
public struct PartPosition: Sendable, Hashable {
    /// The response.
    public var responseID: String
    /// The item.
    public var itemID: String
    /// The item's place in the response.
    public var outputIndex: Int
    /// The part's place in the item.
    public var contentIndex: Int

    /// A position.
    public init(responseID: String, itemID: String, outputIndex: Int = 0, contentIndex: Int = 0) {
        self.responseID = responseID
        self.itemID = itemID
        self.outputIndex = outputIndex
        self.contentIndex = contentIndex
    }
}

/// A function call while it is being generated.
public struct CallPosition: Sendable, Hashable {
    /// The response.
    public var responseID: String
    /// The item.
    public var itemID: String
    /// The item's place in the response.
    public var outputIndex: Int
    /// The id to answer.
    public var callID: String

    /// A position.
    public init(responseID: String, itemID: String, outputIndex: Int = 0, callID: String) {
        self.responseID = responseID
        self.itemID = itemID
        self.outputIndex = outputIndex
        self.callID = callID
    }
}

/// One limit of `rate_limits.updated`.
public struct RateLimit: Sendable, Hashable {
    /// `tokens` or `requests`.
    public var name: String
    /// How many are allowed.
    public var limit: Int
    /// How many are left; nil when the server does not say.
    public var remaining: Int?
    /// When all are there again, in seconds.
    public var resetSeconds: Double

    /// A limit.
    public init(name: String, limit: Int, remaining: Int?, resetSeconds: Double) {
        self.name = name
        self.limit = limit
        self.remaining = remaining
        self.resetSeconds = resetSeconds
    }
}

/// What the Realtime API says (GA names; the beta names are understood too).
///
/// Unknown fields are ignored and an unknown type is `.unknown`. The event's own id is not kept: it is given to
/// `encode(eventID:)`.
public enum ServerEvent: Sendable, Hashable {
    /// The first event of a session.
    case sessionCreated(SessionObject)
    /// The session as it is now.
    case sessionUpdated(SessionObject)
    /// Not sent by OpenAI any more; others do.
    case conversationCreated(id: String)
    /// Something failed; the session mostly goes on.
    case error(APIError)

    /// The caller began to speak, at this many milliseconds of audio written to the session.
    case speechStarted(itemID: String, audioStartMilliseconds: Int)
    /// The caller stopped.
    case speechStopped(itemID: String, audioEndMilliseconds: Int)
    /// The caller's turn became an item.
    case inputAudioCommitted(itemID: String, previousItemID: String?)
    /// Audio that was not committed is forgotten.
    case inputAudioCleared
    /// Nobody spoke for `idle_timeout_ms`; an item of silence follows.
    case inputAudioTimeoutTriggered(itemID: String, audioStartMilliseconds: Int, audioEndMilliseconds: Int)

    /// An item is in the conversation.
    case itemAdded(ConversationItem, previousItemID: String?)
    /// An item is whole. `previousItemID` is not reliable here.
    case itemDone(ConversationItem, previousItemID: String?)
    /// The answer to `conversation.item.retrieve`.
    case itemRetrieved(ConversationItem)
    /// An item is gone.
    case itemDeleted(itemID: String)
    /// An item was cut.
    case itemTruncated(itemID: String, contentIndex: Int, audioEndMilliseconds: Int)

    /// Some more words of the caller.
    case inputTranscriptionDelta(itemID: String, contentIndex: Int, delta: String)
    /// All words of a turn of the caller.
    case inputTranscriptionCompleted(
        itemID: String,
        contentIndex: Int,
        transcript: String,
        usage: TranscriptionUsage?
    )
    /// The words of a turn are not known.
    case inputTranscriptionFailed(itemID: String, contentIndex: Int, error: APIError)
    /// One speaker's words, in seconds of the turn.
    case inputTranscriptionSegment(itemID: String, text: String, speaker: String?, start: Double, end: Double)

    /// A response begins.
    case responseCreated(Response)
    /// A response ended, one way or another.
    case responseDone(Response)
    /// An item of a response begins.
    case outputItemAdded(responseID: String, outputIndex: Int, item: ConversationItem)
    /// An item of a response ended.
    case outputItemDone(responseID: String, outputIndex: Int, item: ConversationItem)
    /// A part of an item begins.
    case contentPartAdded(PartPosition, part: ContentPart?)
    /// A part of an item ended.
    case contentPartDone(PartPosition, part: ContentPart?)
    /// Audio, base64 in the session's output format.
    case audioDelta(PartPosition, delta: String)
    /// No more audio for the part.
    case audioDone(PartPosition)
    /// Words of the audio; they run ahead of it.
    case audioTranscriptDelta(PartPosition, delta: String)
    /// All words of the audio that was generated.
    case audioTranscriptDone(PartPosition, transcript: String)
    /// Text.
    case textDelta(PartPosition, delta: String)
    /// The whole text.
    case textDone(PartPosition, text: String)
    /// Some more of a function's arguments.
    case functionCallArgumentsDelta(CallPosition, delta: String)
    /// All arguments of a function call.
    case functionCallArgumentsDone(CallPosition, name: String?, arguments: String)

    /// What is left of the account's limits.
    case rateLimitsUpdated([RateLimit])
    /// An event this code does not know.
    case unknown(type: String)
}
