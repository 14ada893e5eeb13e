/// How far one item of the model has been played to the caller.
public struct PlaybackItem: Sendable, Hashable {
    /// The item.
    public var itemID: String
    /// The part of the item.
    public var contentIndex: Int
    /// The connection it came from.
    public var modelLeg: ModelLeg
    /// Audio received from the model, in milliseconds.
    public var receivedMilliseconds: Int
    /// Audio sent to the carrier, in milliseconds.
    public var sentMilliseconds: Int
    /// Audio the caller has heard, in milliseconds; never more than sent or received.
    public var heardMilliseconds: Int
    /// Whether the model has no more audio for it.
    public var isComplete: Bool

    /// An item.
    public init(
        itemID: String,
        contentIndex: Int = 0,
        modelLeg: ModelLeg,
        receivedMilliseconds: Int,
        sentMilliseconds: Int,
        heardMilliseconds: Int,
        isComplete: Bool
    ) {
        self.itemID = itemID
        self.contentIndex = contentIndex
        self.modelLeg = modelLeg
        self.receivedMilliseconds = receivedMilliseconds
        self.sentMilliseconds = sentMilliseconds
        self.heardMilliseconds = heardMilliseconds
        self.isComplete = isComplete
    }

    /// Whether there is nothing of it left to hear.
    public var isHeard: Bool { isComplete && heardMilliseconds >= receivedMilliseconds }

    /// The position up to which it was heard, never beyond what was received.
    public var heardPosition: Int { max(0, min(heardMilliseconds, receivedMilliseconds)) }
}

/// What is being played at a moment.
public struct PlaybackSnapshot: Sendable, Hashable {
    /// The items in the order in which they are played.
    public var items: [PlaybackItem]
    /// Audio received and not yet heard, in milliseconds.
    public var queuedMilliseconds: Int
    /// Caller audio that the model whose event this comes with was given since its session began, in milliseconds.
    public var givenMilliseconds: Int

    /// A snapshot.
    public init(items: [PlaybackItem] = [], queuedMilliseconds: Int = 0, givenMilliseconds: Int = 0) {
        self.items = items
        self.queuedMilliseconds = queuedMilliseconds
        self.givenMilliseconds = givenMilliseconds
    }

    /// Nothing is played.
    public static let silent = PlaybackSnapshot()

    /// Whether there is audio that the caller has not heard yet.
    public var isPlaying: Bool {
        queuedMilliseconds > 0 || items.contains { $0.heardPosition < $0.receivedMilliseconds }
    }
}
