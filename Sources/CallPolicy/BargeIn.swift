/// What an interruption means for what is being played: pure arithmetic on the playback ledger.
struct BargeIn: Sendable {
    /// One item that the model must learn was not heard to its end.
    struct Truncation: Sendable, Hashable {
        var itemID: String
        var contentIndex: Int
        /// What was heard, at most what was received.
        var audioEndMilliseconds: Int
        var receivedMilliseconds: Int
    }

    /// Whether there is audio to clear.
    var hasAudio: Bool
    /// The item being heard.
    var audible: PlaybackItem?
    /// Audio that the caller will not hear.
    var droppedMilliseconds: Int
    /// The items to truncate, in order.
    var truncations: [Truncation]
    /// Every item that is cut, truncated or not.
    var cutItems: [PlaybackItem]

    /// - Parameters:
    ///   - serving: the leg that knows the items; those of other legs are cut but never truncated.
    ///   - activeItems: items of the response that is still being generated.
    ///   - isTruncated: whether an item was truncated before.
    init(
        _ snapshot: PlaybackSnapshot,
        serving: ModelLeg?,
        activeItems: [String],
        isTruncated: (String) -> Bool
    ) {
        let unheard = snapshot.items.filter { item in
            item.heardPosition < item.receivedMilliseconds
                || (!item.isComplete && item.receivedMilliseconds > 0 && activeItems.contains(item.itemID))
        }
        hasAudio = snapshot.queuedMilliseconds > 0 || !unheard.isEmpty
        audible = unheard.first
        cutItems = unheard
        droppedMilliseconds = unheard.reduce(0) { $0 + $1.receivedMilliseconds - $1.heardPosition }
        truncations = []
        for (index, item) in unheard.enumerated() where item.receivedMilliseconds > 0 {
            guard item.modelLeg == serving, !isTruncated(item.itemID) else { continue }
            truncations.append(
                Truncation(
                    itemID: item.itemID,
                    contentIndex: item.contentIndex,
                    audioEndMilliseconds: index == 0 ? item.heardPosition : 0,
                    receivedMilliseconds: item.receivedMilliseconds
                )
            )
        }
    }
}
