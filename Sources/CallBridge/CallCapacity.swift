import Trunk

/// How many calls may be open at once, counted over all engines that share it.
public final class CallCapacity: Sendable {
    /// Calls at once.
    public let limit: Int
    private let state = Locked((open: 0, refused: 0))

    /// Room for so many calls.
    public init(_ limit: Int) { self.limit = limit }

    /// Takes a place; false when all are taken.
    func take() -> Bool {
        state.withLock { state in
            guard state.open < limit else {
                state.refused += 1
                return false
            }
            state.open += 1
            return true
        }
    }

    /// Whether a place is free at this moment.
    public var hasRoom: Bool { state.withLock { $0.open < limit } }

    /// Calls for which there was no place.
    public var refused: Int { state.withLock { $0.refused } }

    /// Gives a place back.
    func give() { state.withLock { $0.open -= 1 } }
}
