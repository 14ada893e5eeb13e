internal import CTrunk
internal import Synchronization

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
    /// Serialises what comes after the loop has stopped.
    private let afterStop = Mutex<Void>(())

    init(_ loop: LoopHandle) { self.loop = loop }

    /// Queues a job. After the stop the loop thread is gone: the job then runs here and now, so that no task
    /// hangs; the core answers such late work with `stale` or `closing`.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if trk_loop_enqueue(loop.raw, unsafeBitCast(job, to: UnsafeMutableRawPointer.self)) { return }
        afterStop.withLock { _ in job.runSynchronously(on: asUnownedSerialExecutor()) }
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
