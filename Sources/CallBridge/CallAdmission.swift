import Trunk

/// Which streams are in progress and which were turned away, over all engines that share it.
public final class CallAdmission: Sendable {
    /// Why a phone was turned away after its upgrade.
    public enum Refusal: String, Sendable, Hashable, CaseIterable {
        /// No start message within `CallLimits.startMilliseconds`.
        case startTimeout = "start_timeout"
        /// A start message that lacks what a call needs.
        case startMessage = "start_message"
        /// A stream or call that is in progress already.
        case duplicate
        /// A start message that `BridgeConfiguration.admits` does not let in.
        case notAdmitted = "not_admitted"
        /// A stream for which `BridgeConfiguration.plan` has none: a cap is reached.
        case capped
    }

    private struct State {
        var ids: Set<String> = []
        var refusals: [Refusal: Int] = [:]
    }

    private let state = Locked(State())

    /// Nobody yet.
    public init() {}

    /// How often phones were turned away.
    public var refusals: [Refusal: Int] { state.withLock { $0.refusals } }

    func count(_ refusal: Refusal) { state.withLock { $0.refusals[refusal, default: 0] += 1 } }

    /// Enters a call; false when its stream or itself is in progress. Bounded by the number of calls.
    func enter(callID: String, streamID: String) -> Bool {
        let ids = Self.ids(callID, streamID)
        return state.withLock { state in
            guard state.ids.isDisjoint(with: ids) else { return false }
            state.ids.formUnion(ids)
            return true
        }
    }

    func leave(callID: String, streamID: String) {
        state.withLock { $0.ids.subtract(Self.ids(callID, streamID)) }
    }

    /// The kinds are told apart: a call may have the id that another's stream has.
    private static func ids(_ callID: String, _ streamID: String) -> [String] {
        ["call " + callID, "stream " + streamID]
    }
}
