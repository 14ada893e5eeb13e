import Glibc
import Trunk

/// What became of a recording.
public struct RecordingResult: Sendable, Hashable {
    /// The carrier's id of the call.
    public var callSID: String
    /// The file's name in the recorder's folder.
    public var file: String
    /// The file's size.
    public var bytes: Int
    /// How long it plays, milliseconds.
    public var milliseconds: Int
    /// Records of the tap that were lost: their moments are silent.
    public var dropped: Int
    /// Reads and writes of the file that failed: their moments are silent.
    public var diskErrors: Int

    /// Whether all that was heard is in it.
    var isWhole: Bool { dropped == 0 && diskErrors == 0 }
}

/// How recording goes.
public struct RecorderStats: Sendable, Hashable {
    /// Recordings under way.
    public var active = 0
    /// Recordings that ended.
    public var finished = 0
    /// Calls that are not recorded: too many at once, no file could be made, or the recorder has stopped.
    public var refused = 0
    /// Reads and writes that failed.
    public var diskErrors = 0
    /// Records of taps that were lost, of recordings that ended.
    public var dropped = 0
    /// What the last failure was; stays after recovery.
    public var lastError: String?
    /// Whether nothing was lost since the last recording that ended whole.
    public var isHealthy = true

    /// Nothing recorded.
    public init() {}

    mutating func fail(_ error: String) {
        lastError = error
        isHealthy = false
    }
}

/// Records calls as stereo WAV: µ-law at 8 kHz, the caller on the left, the agent on the right as it was heard.
///
/// One thread of its own reads the taps of all calls and writes their files; nothing of it reaches a call. A file is
/// named after its call, has a header that is at most a few seconds old, and never takes another file's place.
public final class CallRecorder: Sendable {
    private let shared: Locked<Shared>
    private let waker = Waker()
    private let folder: RecordingFolder
    private let limits: RecordingLimits

    struct Shared: Sendable {
        var added: [Added] = []
        var stats = RecorderStats()
        var hasStopped = false
        var isDone = false
    }

    struct Added: Sendable {
        let callSID: String
        let tap: any AudioTap
    }

    /// Starts a recorder.
    ///
    /// - Parameters:
    ///   - folder: Where the files go; it must exist.
    ///   - limits: The bounds.
    ///   - finished: Called on the recorder's thread with each recording that has ended.
    /// - Throws: `RecorderError` when the folder cannot be used or the system gives no thread.
    public init(
        folder: String,
        limits: RecordingLimits = RecordingLimits(),
        finished: @escaping @Sendable (RecordingResult) -> Void = { _ in }
    ) throws(RecorderError) {
        guard let opened = RecordingFolder(folder) else {
            throw RecorderError(description: "recordings in \(folder): \(String(cString: strerror(errno)))")
        }
        self.folder = opened
        self.limits = limits
        let shared = Locked(Shared())
        self.shared = shared
        let waker = waker
        let isStarted = startThread {
            RecorderThread(folder: opened, limits: limits, shared: shared, waker: waker, finished: finished).run()
        }
        guard isStarted else { throw RecorderError(description: "the system gives no thread for recordings") }
    }

    /// The recordings under way are finished, and the thread ends.
    deinit {
        shared.withLock { $0.hasStopped = true }
        waker.wake()
    }

    /// Records a call from now on until its tap ends. Never blocks; any thread, a loop's too.
    ///
    /// - Returns: False when there are too many recordings already, or the recorder has stopped.
    @discardableResult
    public func record(_ tap: any AudioTap, callSID: String) -> Bool {
        let isTaken = shared.withLock { shared in
            guard !shared.hasStopped, shared.stats.active < limits.recordings else {
                shared.stats.refused += 1
                shared.stats.fail("a call was not recorded: too many at once")
                return false
            }
            shared.stats.active += 1
            shared.added.append(Added(callSID: callSID, tap: tap))
            return true
        }
        if isTaken { waker.wake() }
        return isTaken
    }

    /// How it goes.
    public var stats: RecorderStats { shared.withLock { $0.stats } }

    /// Finishes all recordings, also of calls that go on, and ends the thread; false when that took longer. Not on a
    /// loop.
    public func stop(milliseconds: Int = 5_000) -> Bool {
        shared.withLock { $0.hasStopped = true }
        waker.wake()
        for _ in 0..<max(1, milliseconds / Self.stopPollMilliseconds) {
            if shared.withLock({ $0.isDone }) { return true }
            usleep(UInt32(Self.stopPollMilliseconds) * 1_000)
        }
        return shared.withLock { $0.isDone }
    }

    private static let stopPollMilliseconds = 5
}

/// Why a recorder cannot start.
public struct RecorderError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One line for a log.
    public let description: String
}

/// An open folder: files are made in it, whatever its path means later.
final class RecordingFolder: Sendable {
    let descriptor: Int32

    init?(_ path: String) {
        let opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if opened < 0 { return nil }
        descriptor = opened
    }

    deinit { close(descriptor) }
}
