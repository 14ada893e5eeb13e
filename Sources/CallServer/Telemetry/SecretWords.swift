import Trunk

/// What must not get into a log line or to a viewer. Settings that are read anew bring further ones; those of before stay,
/// since calls in progress use them.
public final class SecretWords: Sendable {
    /// Words that are kept; beyond that the oldest of those that came later are forgotten.
    static let maximum = 1_000

    private let words: Locked<[String]>

    /// These words.
    public init(_ words: [String] = []) { self.words = Locked(words.filter { !$0.isEmpty }) }

    /// All of them.
    public var all: [String] { words.withLock { $0 } }

    /// Adds those that are new.
    public func add(_ more: [String]) {
        words.withLock { words in
            for word in more where !word.isEmpty && !words.contains(word) { words.append(word) }
            if words.count > Self.maximum { words.removeFirst(words.count - Self.maximum) }
        }
    }
}
