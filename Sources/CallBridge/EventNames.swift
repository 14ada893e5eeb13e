import Trunk

/// Counts events by a name that the other side chose: of a bounded number of names, so that nobody can fill the memory
/// with names.
public final class EventNames: Sendable {
    /// Names that are told apart.
    public let limit: Int
    private let state = Locked<(counts: [String: Int], others: Int)>(([:], 0))

    /// Nothing counted yet.
    public init(limit: Int = 100) { self.limit = limit }

    /// How often each name came.
    public var counts: [String: Int] { state.withLock { $0.counts } }

    /// Events whose names found no room.
    public var others: Int { state.withLock { $0.others } }

    func count(_ name: String) {
        state.withLock { state in
            if state.counts[name] != nil || state.counts.count < limit {
                state.counts[name, default: 0] += 1
            } else {
                state.others += 1
            }
        }
    }
}
