import Trunk

/// Whether the server takes no new calls any more.
final class DrainState: Sendable {
    private enum State { case open, draining, stopping }
    private let state = Locked(State.open)

    var isDraining: Bool { state.withLock { $0 != .open } }

    /// An operator asks for it.
    func begin() { state.withLock { if $0 == .open { $0 = .draining } } }

    /// The server is being stopped: there is no way back.
    func stop() { state.withLock { $0 = .stopping } }

    /// Takes calls again; false when the server is being stopped.
    func end() -> Bool {
        state.withLock { state in
            if state == .stopping { return false }
            state = .open
            return true
        }
    }
}
