internal import CTrunk

/// Owns one reference to a loop of the core.
final class LoopHandle: Sendable {
    /// Immutable, and every function that takes it is thread-safe or says [loop].
    nonisolated(unsafe) let raw: OpaquePointer

    init(_ raw: OpaquePointer) { self.raw = raw }

    deinit { trk_loop_release(raw) }
}

/// Runs an engine's jobs on its loop thread, between the phases of a turn.
public final class LoopExecutor: SerialExecutor {
    let loop: LoopHandle
    private let late = Locked(Late())

    /// Jobs that came when the loop took no more.
    private struct Late {
        var jobs: [UnownedJob] = []
        /// Someone will run them: the loop itself until it has stopped, then the thread of the first of them.
        var isServed = true
    }

    init(_ loop: LoopHandle) { self.loop = loop }

    /// Queues a job. After the stop the loop thread is gone: the job then runs on the caller's, so that no task
    /// hangs; the core answers such late work with `stale` or `closing`.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if trk_loop_enqueue(loop.raw, unsafeBitCast(job, to: UnsafeMutableRawPointer.self)) { return }
        let isServed = late.withLock { late in
            late.jobs.append(job)
            defer { late.isServed = true }
            return late.isServed
        }
        if !isServed { runLate() }
    }

    /// Runs what came too late, one after the other; a job may queue further ones meanwhile.
    func runLate() {
        // A job may drop the last reference to its engine, and with it to this executor.
        let kept = Unmanaged.passRetained(self)
        defer { kept.release() }
        while let job = nextLate() { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    private func nextLate() -> UnownedJob? {
        late.withLock { late in
            if late.jobs.isEmpty {
                late.isServed = false
                return nil
            }
            return late.jobs.removeFirst()
        }
    }

    /// The identity of this executor.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Stops the process when the caller is not on the loop thread.
    public func checkIsolated() {
        precondition(trk_loop_is_current(loop.raw), "not on the engine's loop")
    }

    /// Runs what the core hands back, oldest first.
    func run(_ jobs: UnsafePointer<UnsafeMutableRawPointer?>, _ count: Int) {
        for index in 0..<count {
            guard let pointer = jobs[index] else { continue }
            unsafeBitCast(pointer, to: UnownedJob.self).runSynchronously(on: asUnownedSerialExecutor())
        }
    }
}
