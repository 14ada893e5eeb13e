internal import CTrunk

/// One loop of the media core: an actor that runs on the loop's own thread.
///
/// All calls and legs of the engine live there. Handlers are plain classes that are called on that thread with the
/// engine as an isolated parameter: they answer in the same turn, without hops. From elsewhere, `perform` runs a
/// closure on it. Stop an engine with `stop()`: until then its thread keeps it alive.
public actor CallEngine {
    let executor: LoopExecutor
    nonisolated let context: LoopContext
    var legSeats: [LegSeat] = []
    var callSeats: [CallSeat] = []
    /// Who decides about the requests of each listener; a listener's tag is its place here.
    var acceptors: [ListenerSeat] = []

    /// Who decides about the requests of a listener.
    struct ListenerSeat {
        var upgrades: any LegAcceptor
        var plain: (any PlainAcceptor)?
    }

    /// Who hears of a leg's slot.
    struct LegSeat {
        var generation: UInt32 = 0
        var handler: (any LegHandler)?
        /// We have closed it: what the batch still holds for it is skipped.
        var isClosing = false
    }

    /// Who hears of a call's slot.
    struct CallSeat {
        var generation: UInt32 = 0
        var handler: (any CallHandler)?
    }

    /// The engine runs on its loop's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private init(executor: LoopExecutor, context: LoopContext) {
        self.executor = executor
        self.context = context
    }

    /// Makes an engine and starts its thread.
    public static func start(_ configuration: EngineConfiguration = EngineConfiguration()) throws(TrunkError)
        -> CallEngine
    {
        let context = LoopContext()
        let loop = try context.makeLoop(configuration)
        let executor = LoopExecutor(loop)
        let engine = CallEngine(executor: executor, context: context)
        context.engine = engine
        context.executor = executor
        let status = trk_loop_run(loop.raw)
        if status != .TRK_OK {
            context.engine = nil
            context.executor = nil
            context.abandon()
            try check(status)
        }
        return engine
    }

    /// Stops: no new legs, all legs closed with 1001, jobs drained. Returns when nothing runs any more. Idempotent.
    public nonisolated func stop() async {
        trk_loop_stop(executor.loop.raw)
        await context.waitUntilStopped()
    }

    /// Runs a closure on the loop: where handlers are made and tied to legs.
    public func perform<Result: Sendable>(
        _ body: @Sendable (isolated CallEngine) throws -> Result
    ) rethrows -> Result {
        try body(self)
    }

    /// The loop has stopped and tells nobody anything any more. Those who were told often know the engine themselves:
    /// each would keep the other.
    func forgetListeners() {
        acceptors = []
        legSeats = []
        callSeats = []
    }

    var raw: OpaquePointer { executor.loop.raw }

    /// Microseconds of the loop's monotonic clock in this turn.
    public var nowMicroseconds: Int64 { trk_loop_now_us(raw) }

    /// The number of the present turn.
    public var turn: UInt64 { trk_loop_turn(raw) }

    /// The counters of the loop.
    public var stats: EngineStats {
        var stats = trk_loop_stats()
        trk_loop_get_stats(raw, &stats)
        return EngineStats(stats)
    }
}
