/// The items that the agent is saying: their words, and how much of them was heard.
struct AgentItems: Sendable {
    struct Item: Sendable {
        let itemID: String
        let leg: ModelLeg
        let responseID: String
        var text = ""
        /// No more words will come.
        var textIsFinal = false
        /// Its first audio was sent to the caller.
        var hasStarted = false
        /// Audio of it that had come when it was last looked at, in milliseconds.
        var receivedMilliseconds = 0
        /// It was said that the caller hears it.
        var heardIsTold = false
        /// It was heard as a whole.
        var isHeard = false
        /// It was interrupted: what was heard of it until then.
        var cut: Cut?
    }

    struct Cut: Sendable {
        var heard: String
        var heardMilliseconds: Int
    }

    let limit: Int
    private(set) var open: [Item] = []

    init(limit: Int) { self.limit = limit }

    func item(_ itemID: String) -> Item? { open.last { $0.itemID == itemID } }

    /// Whether there was room.
    mutating func begin(_ itemID: String, leg: ModelLeg, responseID: String) -> Bool {
        guard item(itemID) == nil else { return true }
        guard open.count < limit else { return false }
        open.append(Item(itemID: itemID, leg: leg, responseID: responseID))
        return true
    }

    mutating func change(_ itemID: String, _ body: (inout Item) -> Void) {
        guard let index = open.lastIndex(where: { $0.itemID == itemID }) else { return }
        body(&open[index])
    }

    mutating func changeAll(where matches: (Item) -> Bool, _ body: (inout Item) -> Void) {
        for index in open.indices where matches(open[index]) { body(&open[index]) }
    }

    /// Removes the items that match and returns them in order.
    mutating func take(where matches: (Item) -> Bool) -> [Item] {
        guard open.contains(where: matches) else { return [] }
        let taken = open.filter(matches)
        open.removeAll(where: matches)
        return taken
    }
}

extension AgentItems.Item {
    /// Adds words, up to a limit in bytes.
    mutating func append(_ delta: String, byteLimit: Int) {
        guard !textIsFinal, text.utf8.count + delta.utf8.count <= byteLimit else { return }
        text += delta
    }

    /// The words heard so far by what is played at this moment.
    func heardText(in snapshot: PlaybackSnapshot) -> String {
        if isHeard { return text }
        if let cut { return cut.heard }
        guard let played = snapshot.items.first(where: { $0.itemID == itemID }) else { return "" }
        return HeardSplit(
            text,
            heardMilliseconds: played.heardPosition,
            receivedMilliseconds: played.receivedMilliseconds
        ).heard
    }
}
