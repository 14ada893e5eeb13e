import Trunk

/// Whether new calls are taken, by what is known of the model: it has refused our key, or the account has nothing left.
/// A call that could only fail is refused before anything is dialled. Shared by all engines that use one key.
public final class ModelAdmission: Sendable {
    /// After a refusal for good, how long new calls are refused before one of them is let through as a probe,
    /// milliseconds.
    public let probeAfterMilliseconds: Int
    /// The longest time for which new calls are held back because a rate limit is used up, milliseconds.
    public let holdMillisecondsMax: Int

    /// What was counted.
    public struct Stats: Sendable, Hashable {
        /// Times that the model began to refuse us.
        public var openings = 0
        /// Calls refused because the model refuses us.
        public var refusedCalls = 0
        /// Calls let through to see whether it still does.
        public var probes = 0
        /// Calls refused because a rate limit was used up.
        public var heldCalls = 0

        /// Counts, all 0 unless given.
        public init(openings: Int = 0, refusedCalls: Int = 0, probes: Int = 0, heldCalls: Int = 0) {
            self.openings = openings
            self.refusedCalls = refusedCalls
            self.probes = probes
            self.heldCalls = heldCalls
        }
    }

    private struct State {
        var stats = Stats()
        /// When the next probe may go, microseconds of the engines' clock; nil when the model takes us.
        var probeAt: Int64?
        /// New calls wait until then.
        var heldUntil: Int64 = 0
    }

    private let state = Locked(State())

    /// Takes calls until something is known.
    public init(probeAfterMilliseconds: Int = 30_000, holdMillisecondsMax: Int = 60_000) {
        self.probeAfterMilliseconds = probeAfterMilliseconds
        self.holdMillisecondsMax = holdMillisecondsMax
    }

    /// What was counted so far.
    public var stats: Stats { state.withLock { $0.stats } }

    /// Whether the model has refused us for good, as far as is known.
    public var isRefusing: Bool { state.withLock { $0.probeAt != nil } }

    /// Whether a new call is taken at this moment.
    package func admits(at now: Int64) -> Bool {
        state.withLock { state in
            if now < state.heldUntil {
                state.stats.heldCalls += 1
                return false
            }
            guard let probeAt = state.probeAt else { return true }
            guard now >= probeAt else {
                state.stats.refusedCalls += 1
                return false
            }
            state.probeAt = now + Int64(probeAfterMilliseconds) * 1_000
            state.stats.probes += 1
            return true
        }
    }

    /// The model has refused us for good. True the first time: then it is worth an alert.
    package func modelRefused(at now: Int64) -> Bool {
        state.withLock { state in
            let isNew = state.probeAt == nil
            state.probeAt = now + Int64(probeAfterMilliseconds) * 1_000
            if isNew { state.stats.openings += 1 }
            return isNew
        }
    }

    /// The model serves a call. True when it had refused us before.
    package func modelServes() -> Bool {
        state.withLock { state in
            defer { state.probeAt = nil }
            return state.probeAt != nil
        }
    }

    /// A rate limit is used up until this many seconds from now.
    package func hold(seconds: Double, at now: Int64) {
        let limit = Double(holdMillisecondsMax) / 1_000
        // A server that tells no sensible time is given a second.
        let time = seconds.isFinite && seconds > 0 ? min(seconds, limit) : min(1, limit)
        state.withLock { $0.heldUntil = max($0.heldUntil, now + Int64(time * 1_000_000)) }
    }
}
