public import CallBridge
import Trunk

/// Writes what happens to calls into a store, on a thread of its own.
///
/// `note` may be called on a loop: it appends to a bounded queue and returns. Entries are written in transactions of up
/// to `StoreLimits.batchEntries`, at the latest `batchMilliseconds` after they came. While the file cannot be written
/// (full disk, lock, file deleted) they are kept and tried again up to the queue's bounds, then dropped and counted; the
/// writer goes on by itself when the cause is gone.
public final class RecordWriter: Sendable {
    private let queue: RecordQueue

    /// Starts the writer's thread.
    ///
    /// - Parameters:
    ///   - store: Where to write.
    ///   - queuesEnds: Whether each call's end is put into the outbox, in the transaction that stores it.
    public init(_ store: CallStore, queuesEnds: Bool = false) {
        let queue = RecordQueue(store.limits)
        self.queue = queue
        let hasBegun = startThread { WriterThread(store: store, queue: queue, queuesEnds: queuesEnds).run() }
        if !hasBegun { queue.attempted(error: "the system gave no thread") }
    }

    /// The thread writes what waits and ends.
    deinit { queue.close() }

    /// Notes what happened to a call. Never blocks; any thread.
    public func note(_ record: CallRecord) { queue.put(.record(record)) }

    /// Notes what is known of a call in progress: after its start. Never blocks; any thread.
    public func note(_ labels: CallLabels, of callSID: String) { queue.put(.labels(callSID, labels)) }

    /// Notes what a person did. Never blocks; any thread.
    public func note(_ action: OperatorAction) { queue.put(.action(UnixTime.milliseconds, action)) }

    /// Notes a call's recording, during the call or after its end. Never blocks; any thread.
    public func note(_ recording: RecordingNote) { queue.put(.recording(recording)) }

    /// How it goes.
    public var stats: WriterStats { queue.current }

    /// Waits until everything noted so far is written or dropped; false when that took longer. Not on a loop.
    public func flush(milliseconds: Int = 5_000) -> Bool { queue.waitUntilSettled(milliseconds: milliseconds) }

    /// Takes nothing more, writes what waits and ends; false when that took longer. Not on a loop.
    public func close(milliseconds: Int = 5_000) -> Bool {
        queue.close()
        return queue.waitUntilSettled(milliseconds: milliseconds)
    }
}
