import Glibc

/// Writes log lines from a thread of its own: who logs never waits for the reader of the log.
///
/// A pipe whose reader stands still blocks that thread alone; lines gather up to a bound, and further ones are dropped and
/// counted. When the reader goes on, one line tells how many are missing.
public final class LogWriter: @unchecked Sendable {
    /// What became of lines.
    public struct Counters: Sendable, Hashable {
        /// Lines that were taken.
        public var lines = 0
        /// Lines that were dropped: the queue was full, or the writer closed.
        public var dropped = 0
        /// Bytes that the descriptor refused, such as a pipe without a reader.
        public var bytesLost = 0
    }

    /// Bytes that wait at most, those that are being written included.
    public static let queueBytesMaximum = 1024 * 1024

    private let descriptor: Int32
    private let bytesMaximum: Int
    private let noteOfDropped: @Sendable (Int) -> [UInt8]
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    // Shared: take the mutex. Nothing is written while it is held.
    private var waiting: [UInt8] = []
    private var bytesInWriting = 0
    private var droppedUntold = 0
    private var isClosed = false
    private var tally = Counters()

    /// A writer to a descriptor, which stays open.
    ///
    /// - Parameters:
    ///   - descriptor: Such as 1 or 2.
    ///   - bytesMaximum: Bytes that wait at most.
    ///   - noteOfDropped: The line that tells how many are missing.
    public init(
        descriptor: Int32,
        bytesMaximum: Int = queueBytesMaximum,
        noteOfDropped: @escaping @Sendable (Int) -> [UInt8] = { Array("\($0) log lines were dropped\n".utf8) }
    ) {
        self.descriptor = descriptor
        self.bytesMaximum = bytesMaximum
        self.noteOfDropped = noteOfDropped
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        var thread = pthread_t()
        // The thread holds the writer until it is closed.
        let reference = Unmanaged.passRetained(self)
        if pthread_create(&thread, nil, logWriterThread, reference.toOpaque()) == 0 {
            pthread_detach(thread)
        } else {
            isClosed = true
            reference.release()
        }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Takes a line, or drops it when too many wait. Does not block.
    public func write(_ line: [UInt8]) {
        locked {
            guard !isClosed, waiting.count + bytesInWriting + line.count <= bytesMaximum else {
                tally.dropped += 1
                // After the end nobody is left to tell.
                if !isClosed { droppedUntold += 1 }
                return
            }
            tally.lines += 1
            waiting += line
            pthread_cond_broadcast(changed)
        }
    }

    /// What became of lines so far.
    public var counters: Counters { locked { tally } }

    /// Waits until everything is written, so many milliseconds at most.
    ///
    /// - Returns: Whether it is.
    @discardableResult public func flush(milliseconds: Int) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        let nanoseconds = deadline.tv_nsec + milliseconds % 1_000 * 1_000_000
        deadline.tv_sec += milliseconds / 1_000 + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        return locked {
            while !waiting.isEmpty || bytesInWriting > 0 || droppedUntold > 0 {
                if pthread_cond_timedwait(changed, mutex, &deadline) == ETIMEDOUT { return false }
            }
            return true
        }
    }

    /// Flushes, and takes no more lines.
    public func close(flushMilliseconds: Int = 1_000) {
        flush(milliseconds: flushMilliseconds)
        locked {
            isClosed = true
            waiting = []
            droppedUntold = 0
            pthread_cond_broadcast(changed)
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    // MARK: - The thread

    fileprivate func run() {
        // A pipe without a reader is an error of the write, not the end of the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while let bytes = take() {
            let lost = bytes.count - put(bytes)
            locked {
                bytesInWriting = 0
                tally.bytesLost += lost
                pthread_cond_broadcast(changed)
            }
        }
    }

    /// What is to be written next; nil when the writer is closed.
    private func take() -> [UInt8]? {
        locked {
            while waiting.isEmpty, droppedUntold == 0 {
                if isClosed { return nil }
                pthread_cond_wait(changed, mutex)
            }
            var bytes: [UInt8] = []
            swap(&bytes, &waiting)
            if droppedUntold > 0 {
                bytes += noteOfDropped(droppedUntold)
                droppedUntold = 0
            }
            bytesInWriting = bytes.count
            return bytes
        }
    }

    /// Writes, and returns how much of it went out.
    private func put(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if count > 0 {
                    done += count
                } else if errno == EAGAIN {
                    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&entry, 1, -1)
                } else if errno != EINTR {
                    break
                }
            }
            return done
        }
    }
}

/// The thread of a writer. A function of the module: a closure could be taken to belong to an actor.
private func logWriterThread(_ reference: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let reference { Unmanaged<LogWriter>.fromOpaque(reference).takeRetainedValue().run() }
    return nil
}
