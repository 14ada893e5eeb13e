import Glibc
import Trunk

/// Makes and writes log lines on a thread of its own: who logs waits neither for the reader of the log nor for the search
/// for secrets.
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
        var waiting: [@Sendable () -> [UInt8]] = []
        var bytesWaiting = 0
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
    ///
    /// - Parameters:
    ///   - bytes: Its size, or about that: what counts against the bound.
    ///   - line: Makes it, on the writer's thread.
    public func write(bytes: Int, _ line: @escaping @Sendable () -> [UInt8]) {
        state.change { state in
            guard !state.isClosed, state.bytesWaiting + state.bytesInWriting + bytes <= bytesMaximum else {
                state.tally.dropped += 1
                // After the end nobody is left to tell.
                if !state.isClosed { state.droppedUntold += 1 }
                return
            }
            state.tally.lines += 1
            state.waiting.append(line)
            state.bytesWaiting += bytes
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
            state.bytesWaiting = 0
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
        while let lines = take() {
            let bytes = lines.flatMap { $0() }
            let lost = bytes.count - put(bytes)
            state.change { state in
                state.bytesInWriting = 0
                state.tally.bytesLost += lost
            }
        }
    }

    /// What is to be written next; nil when the writer is closed.
    private func take() -> [@Sendable () -> [UInt8]]? {
        state.wait { state -> [@Sendable () -> [UInt8]]?? in
            if state.waiting.isEmpty, state.droppedUntold == 0 { return state.isClosed ? .some(nil) : nil }
            var lines: [@Sendable () -> [UInt8]] = []
            swap(&lines, &state.waiting)
            if state.droppedUntold > 0 {
                let (note, dropped) = (noteOfDropped, state.droppedUntold)
                lines.append { note(dropped) }
                state.droppedUntold = 0
            }
            state.bytesInWriting = max(1, state.bytesWaiting)
            state.bytesWaiting = 0
            return lines
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
