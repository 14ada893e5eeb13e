import GRDB

/// The writer's work: takes entries, writes them in batches, tries again. Made, used and gone on the writer's thread.
final class WriterThread {
    private let store: CallStore
    private let queue: RecordQueue
    private let queuesEnds: Bool
    private var live: LiveCalls
    private var generation = 0
    /// After the queue was closed, attempts that are still made.
    private var attemptsAtEnd = 3

    init(store: CallStore, queue: RecordQueue, queuesEnds: Bool) {
        self.store = store
        self.queue = queue
        self.queuesEnds = queuesEnds
        live = LiveCalls(limit: store.limits.liveCalls)
        generation = store.generation
    }

    func run() {
        var entries: [RecordEntry] = []
        while queue.take(swapping: &entries) {
            var rest = entries[...]
            while !rest.isEmpty {
                let batch = rest.prefix(store.limits.batchEntries)
                write(batch)
                rest = rest.dropFirst(batch.count)
            }
            entries.removeAll(keepingCapacity: true)
        }
    }

    /// Writes a batch; returns when it is written or dropped.
    private func write(_ batch: ArraySlice<RecordEntry>) {
        var pause = 50
        while true {
            switch attempt(batch) {
            case .written: return queue.settled(batch)
            case .refused where batch.count == 1: return queue.settled(batch, dropped: 1)
            case .refused:
                // One of them cannot be stored: it must not take the others along.
                for index in batch.indices { write(batch[index...index]) }
                return
            case .failed: break
            }
            if !queue.pause(milliseconds: pause) {
                if attemptsAtEnd == 0 { return queue.settled(batch, dropped: batch.count) }
                attemptsAtEnd -= 1
            }
            pause = min(pause * 2, store.limits.retryMilliseconds)
        }
    }

    private enum Outcome {
        case written
        /// Later it may work.
        case failed
        /// It never will.
        case refused
    }

    private func attempt(_ batch: ArraySlice<RecordEntry>) -> Outcome {
        do {
            try store.reopenIfReplaced()
            if generation != store.generation {
                // Another file: the calls in progress are entered anew.
                generation = store.generation
                live.forgetRows()
            }
            let (changes, orphans, turnsDropped) = try store.write { db in
                let writing = BatchWriting(db: db, live: live, queuesEnds: queuesEnds, limits: store.limits)
                for entry in batch { try writing.write(entry) }
                try writing.finish()
                if writing.dropsOutbox { store.countOutboxDrops(try Outbox.trim(db, to: store.limits.outboxRows)) }
                return (writing.changes, writing.orphans, writing.turnsDropped)
            }
            live.apply(changes)
            queue.attempted(error: nil, orphans: orphans, turnsDropped: turnsDropped)
            return .written
        } catch let error as DatabaseError {
            queue.attempted(error: "\(error.extendedResultCode)")
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                store.replaceCorrupt()
                return .failed
            case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_MISUSE, .SQLITE_RANGE, .SQLITE_ERROR:
                return .refused
            default: return .failed
            }
        } catch {
            queue.attempted(error: "\(error)")
            return .failed
        }
    }
}
