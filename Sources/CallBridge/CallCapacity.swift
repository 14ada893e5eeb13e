import Trunk

/// How many calls may be open at once, counted over all engines that share it.
public final class CallCapacity: Sendable {
    /// Calls at once.
    public let limit: Int
    private let open = Locked(0)

    /// Room for so many calls.
    public init(_ limit: Int) { self.limit = limit }

    /// Takes a place; false when all are taken.
    func take() -> Bool {
        open.withLock { open in
            guard open < limit else { return false }
            open += 1
            return true
        }
    }

    /// Gives a place back.
    func give() { open.withLock { $0 -= 1 } }
}
