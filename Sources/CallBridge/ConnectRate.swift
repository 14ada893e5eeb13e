import Trunk

/// How fast models are dialled, so that a model that comes back is not run over by all calls at once: a token bucket,
/// shared by all engines that dial one model. A dial beyond the rate is not refused, it is given a later moment.
public final class ConnectRate: Sendable {
    /// Dials a second.
    public let perSecond: Int
    /// Dials that may come at once after a quiet time.
    public let burst: Int
    /// The moment at which the bucket would be full again, microseconds of the engines' clock; and the dials put off.
    private let state = Locked<(fullAt: Int64, delayed: Int)>((0, 0))

    /// A rate.
    public init(perSecond: Int = 200, burst: Int = 200) {
        self.perSecond = max(1, perSecond)
        self.burst = max(1, burst)
    }

    /// Dials that were put off.
    public var delayed: Int { state.withLock { $0.delayed } }

    /// Takes the next free moment for a dial, `now` or later.
    func take(at now: Int64) -> Int64 {
        let interval = Int64(1_000_000 / perSecond)
        return state.withLock { state in
            state.fullAt = max(state.fullAt, now) + interval
            let moment = max(now, state.fullAt - Int64(burst) * interval)
            if moment > now { state.delayed += 1 }
            return moment
        }
    }
}
