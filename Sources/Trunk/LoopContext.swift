internal import CTrunk

/// What the core's callbacks are given: the only object that crosses the boundary, retained once.
final class LoopContext: Sendable {
    /// Set before the loop runs, cleared when it has stopped.
    private let state = Locked<State>(State())

    private struct State {
        var hasStopped = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// Set once before the thread starts; cleared on it, last of all.
    nonisolated(unsafe) var engine: CallEngine?
    nonisolated(unsafe) var executor: LoopExecutor?

    func stopped() {
        // While late jobs still queue: once they are served, each may run on its own caller's thread.
        engine?.assumeIsolated { $0.forgetListeners() }
        executor?.runLate()
        // Before anybody is told: whoever waits for the stop may then count on the engine being his alone.
        engine = nil
        executor = nil
        let waiters = state.withLock { state in
            state.hasStopped = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func waitUntilStopped() async {
        await withCheckedContinuation { continuation in
            let stopped = state.withLock { state in
                if !state.hasStopped { state.waiters.append(continuation) }
                return state.hasStopped
            }
            if stopped { continuation.resume() }
        }
    }

    // MARK: - Thunks

    private static func borrow(_ pointer: UnsafeMutableRawPointer?, _ body: (LoopContext) -> Void) {
        guard let pointer else { return }
        Unmanaged<LoopContext>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    }

    private static func onEvents(_ context: UnsafeMutableRawPointer?, _ events: UnsafePointer<trk_event>, _ count: Int)
    {
        nonisolated(unsafe) let batch = UnsafeBufferPointer(start: events, count: count)
        borrow(context) { context in
            context.engine?.assumeIsolated { $0.deliver(batch) }
        }
    }

    private static func onJobs(
        _ context: UnsafeMutableRawPointer?,
        _ jobs: UnsafePointer<UnsafeMutableRawPointer?>?,
        _ count: Int
    ) {
        guard let jobs else { return }
        borrow(context) { $0.executor?.run(jobs, count) }
    }

    private static func onStopped(_ context: UnsafeMutableRawPointer?) {
        guard let context else { return }
        Unmanaged<LoopContext>.fromOpaque(context).takeRetainedValue().stopped()
    }

    /// Makes a loop whose callbacks come to this context; the core holds one reference until it has stopped.
    func makeLoop(_ configuration: EngineConfiguration) throws(TrunkError) -> LoopHandle {
        var raw = configuration.raw
        var callbacks = trk_callbacks(
            on_events: { LoopContext.onEvents($0, $1, $2) },
            run_jobs: { LoopContext.onJobs($0, $1, $2) },
            on_stopped: { LoopContext.onStopped($0) }
        )
        let retained = Unmanaged.passRetained(self)
        guard let loop = trk_loop_create(&raw, &callbacks, retained.toOpaque()) else {
            retained.release()
            throw TrunkError(.outOfMemory)
        }
        return LoopHandle(loop)
    }

    /// Gives the core's reference back when the thread could not be started.
    func abandon() { Unmanaged.passUnretained(self).release() }
}
