import Trunk

/// Whether the server takes no new calls any more.
final class DrainState: Sendable {
    private let draining = Locked(false)

    var isDraining: Bool { draining.withLock { $0 } }

    func begin() { draining.withLock { $0 = true } }
}
