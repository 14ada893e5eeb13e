import RealtimeProtocol

/// The conversation so far, as it can be told to a new model session. Bounded: the oldest entries go first.
struct History: Sendable {
    /// One entry of the conversation.
    struct Entry: Sendable {
        /// What it is. A nil text is not known yet.
        enum Content: Sendable {
            case user(itemID: String, text: String?)
            case agent(itemID: String, text: String?)
            case system(text: String)
            case call(callID: String, name: String, arguments: String)
            case output(callID: String, output: String)
        }

        /// Grows by one with each entry of the call.
        let sequence: Int
        var content: Content

        /// Whether nothing of it will change any more.
        var isFinal: Bool {
            switch content {
            case .user(_, let text), .agent(_, let text): text != nil
            case .system, .call, .output: true
            }
        }

        var byteCount: Int {
            switch content {
            case .user(_, let text), .agent(_, let text): text?.utf8.count ?? 0
            case .system(let text): text.utf8.count
            case .call(_, let name, let arguments): name.utf8.count + arguments.utf8.count
            case .output(_, let output): output.utf8.count
            }
        }
    }

    let itemLimit: Int
    let byteLimit: Int
    private(set) var entries: [Entry] = []
    private(set) var byteCount = 0
    private(set) var droppedCount = 0
    private var nextSequence = 1

    init(itemLimit: Int, byteLimit: Int) {
        self.itemLimit = itemLimit
        self.byteLimit = byteLimit
    }

    /// The sequence number of the newest entry.
    var lastSequence: Int { nextSequence - 1 }

    /// Whether the last turn is not the agent's: nobody has answered it yet.
    var endsUnanswered: Bool {
        switch entries.last?.content {
        case .user?, .output?: true
        case .agent?, .system?, .call?, nil: false
        }
    }

    /// Whether the words of the last turn, which is the caller's, are missing.
    var endsWithUnknownWords: Bool {
        if case .user(_, nil)? = entries.last?.content { return true }
        return false
    }

    /// Whether words of the caller are still awaited.
    var awaitsTranscription: Bool {
        entries.contains { entry in
            if case .user(_, nil) = entry.content { return true }
            return false
        }
    }

    mutating func append(_ content: Entry.Content) {
        let entry = Entry(sequence: nextSequence, content: content)
        nextSequence += 1
        entries.append(entry)
        byteCount += entry.byteCount
        trim()
    }

    /// Sets the words of a turn of the caller; an empty text removes it.
    mutating func setUser(itemID: String, text: String) {
        guard let index = lastIndex(where: { if case .user(itemID, _) = $0 { true } else { false } }) else { return }
        replace(at: index, with: text.isEmpty ? nil : .user(itemID: itemID, text: text))
    }

    /// Sets the words of the agent that were heard; an empty text removes the entry.
    mutating func setAgent(itemID: String, text: String) {
        guard let index = lastIndex(where: { if case .agent(itemID, _) = $0 { true } else { false } }) else { return }
        replace(at: index, with: text.isEmpty ? nil : .agent(itemID: itemID, text: text))
    }

    /// Removes a turn of the caller in which nothing was said.
    mutating func removeUser(itemID: String) { setUser(itemID: itemID, text: "") }

    func hasCall(_ callID: String) -> Bool {
        entries.contains { entry in
            if case .call(callID, _, _) = entry.content { return true }
            return false
        }
    }

    private func lastIndex(where matches: (Entry.Content) -> Bool) -> Int? {
        entries.lastIndex { matches($0.content) }
    }

    private mutating func replace(at index: Int, with content: Entry.Content?) {
        byteCount -= entries[index].byteCount
        if let content {
            entries[index].content = content
            byteCount += entries[index].byteCount
            trim()
        } else {
            entries.remove(at: index)
        }
    }

    private mutating func trim() {
        while entries.count > itemLimit || byteCount > byteLimit, !entries.isEmpty {
            byteCount -= entries.removeFirst().byteCount
            droppedCount += 1
        }
    }
}

extension History.Entry {
    /// The item that tells a model of this entry; nil when there is nothing to tell.
    func item(agentText: (String) -> String) -> ConversationItem? {
        switch content {
        case .user(_, let text):
            guard let text, !text.isEmpty else { return nil }
            return .text(text, role: "user")
        case .agent(let itemID, let text):
            let words = text ?? agentText(itemID)
            return words.isEmpty ? nil : .text(words, role: "assistant")
        case .system(let text): return .text(text, role: "system")
        case .call(let callID, let name, let arguments):
            return ConversationItem(kind: .functionCall(callID: callID, name: name, arguments: arguments))
        case .output(let callID, let output):
            return ConversationItem(kind: .functionCallOutput(callID: callID, output: output))
        }
    }
}
