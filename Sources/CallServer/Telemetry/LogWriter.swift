import Glibc
import Trunk

/// Writes log lines from a thread of its own: who logs never waits for the reader of the log.
///
/// A pipe whose reader stands still blocks that thread alone; lines gather up to a bound, and further ones are dropped and
/// counted. When the reader goes on, one line tells how many are missing.
public final class LogWriter: Sendable {
    /// What became of lines.
    public struct Counters: Sendable, Hashable {
        /// Lines that were taken.
        public var lines = 0
        /// Lines that were dropped: the queue was full, or the writer closed.
        public var dropped = 0
        /// Bytes that the descriptor refused, such as a pipe without a reader.
        public var bytesLost = 0

        /// Nothing yet.
        public init() {}
    }

    /// Bytes that wait at most, those that are being written included.
    public static let queueBytesMaximum = 1024 * 1024

    private let descriptor: Int32
    private let bytesMaximum: Int
    private let noteOfDropped: @Sendable (Int) -> [UInt8]
    private let state = Monitor(State())

    /// Nothing is written while the lock is held.
    private struct State {
        var waiting: [UInt8] = []
        var bytesInWriting = 0
        var droppedUntold = 0
        var isClosed = false
        var tally = Counters()
    }

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
        // The thread holds the writer until it is closed.
        if !startThread({ self.run() }) { state.withLock { $0.isClosed = true } }
    }

    /// Takes a line, or drops it when too many wait. Does not block.
    public func write(_ line: [UInt8]) {
        state.change { state in
            guard !state.isClosed, state.waiting.count + state.bytesInWriting + line.count <= bytesMaximum else {
                state.tally.dropped += 1
                // After the end nobody is left to tell.
                if !state.isClosed { state.droppedUntold += 1 }
                return
            }
            state.tally.lines += 1
            state.waiting += line
        }
    }

    /// What became of lines so far.
    public var counters: Counters { state.withLock { $0.tally } }

    /// Waits until everything is written, so many milliseconds at most.
    ///
    /// - Returns: Whether it is.
    @discardableResult public func flush(milliseconds: Int) -> Bool {
        state.wait(milliseconds: milliseconds) { state in
            state.waiting.isEmpty && state.bytesInWriting == 0 && state.droppedUntold == 0 ? () : nil
        } != nil
    }

    /// Flushes, and takes no more lines.
    public func close(flushMilliseconds: Int = 1_000) {
        flush(milliseconds: flushMilliseconds)
        state.change { state in
            state.isClosed = true
            state.waiting = []
            state.droppedUntold = 0
        }
    }

    // MARK: - The thread

    private func run() {
        // A pipe without a reader is an error of the write, not the end of the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while let bytes = take() {
            let lost = bytes.count - put(bytes)
            state.change { state in
                state.bytesInWriting = 0
                state.tally.bytesLost += lost
            }
        }
    }

    /// What is to be written next; nil when the writer is closed.
    private func take() -> [UInt8]? {
        state.wait { state -> [UInt8]?? in
            if state.waiting.isEmpty, state.droppedUntold == 0 { return state.isClosed ? .some(nil) : nil }
            var bytes: [UInt8] = []
            swap(&bytes, &state.waiting)
            if state.droppedUntold > 0 {
                bytes += noteOfDropped(state.droppedUntold)
                state.droppedUntold = 0
            }
            state.bytesInWriting = bytes.count
            return bytes
        } ?? nil
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
