import Glibc
import Trunk

/// The recorder's work, on its own thread.
final class RecorderThread {
    private let folder: RecordingFolder
    private let limits: RecordingLimits
    private let shared: Locked<CallRecorder.Shared>
    private let waker: Waker
    private let finished: (RecordingResult) -> Void
    private var recordings: [Recording] = []

    init(
        folder: RecordingFolder,
        limits: RecordingLimits,
        shared: Locked<CallRecorder.Shared>,
        waker: Waker,
        finished: @escaping (RecordingResult) -> Void
    ) {
        self.folder = folder
        self.limits = limits
        self.shared = shared
        self.waker = waker
        self.finished = finished
    }

    func run() {
        while true {
            // Without recordings it sleeps until there is one.
            waker.wait(milliseconds: recordings.isEmpty ? nil : limits.pollMilliseconds)
            let (added, hasStopped) = shared.withLock { shared in
                defer { shared.added = [] }
                return (shared.added, shared.hasStopped)
            }
            for one in added { begin(one) }
            read(endsAll: hasStopped)
            guard hasStopped else { continue }
            shared.withLock { $0.isDone = true }
            return
        }
    }

    private func begin(_ added: CallRecorder.Added) {
        var failure: Int32 = 0
        let file = RecordingFile(
            folder: folder.descriptor,
            callSID: added.callSID,
            names: limits.names,
            failure: &failure
        )
        guard let file else {
            return shared.withLock { shared in
                shared.stats.active -= 1
                shared.stats.refused += 1
                shared.stats.fail("no file for a recording: \(String(cString: strerror(failure)))")
            }
        }
        recordings.append(Recording(callSID: added.callSID, tap: added.tap, file: file, limits: limits))
    }

    private func read(endsAll: Bool) {
        var errors = 0
        var ended: [RecordingResult] = []
        recordings.removeAll { recording in
            let before = recording.diskErrors
            let isOver = recording.read() || endsAll
            if isOver { ended.append(recording.finish()) }
            errors += recording.diskErrors - before
            return isOver
        }
        if errors > 0 || !ended.isEmpty {
            shared.withLock { shared in
                shared.stats.active -= ended.count
                shared.stats.finished += ended.count
                shared.stats.diskErrors += errors
                shared.stats.dropped += ended.reduce(0) { $0 + $1.dropped }
                if ended.contains(where: \.isWhole) { shared.stats.isHealthy = true }
                if ended.contains(where: { $0.dropped > 0 }) { shared.stats.fail("a recording lacks pieces of audio") }
                if errors > 0 { shared.stats.fail("a recording cannot be written") }
            }
        }
        for result in ended { finished(result) }
    }
}

/// One recording under way.
final class Recording {
    private let callSID: String
    private let tap: any AudioTap
    private var track: StereoTrack

    init(callSID: String, tap: any AudioTap, file: RecordingFile, limits: RecordingLimits) {
        self.callSID = callSID
        self.tap = tap
        track = StereoTrack(file: file, limits: limits)
    }

    /// Errors of its file so far, those of the header included.
    var diskErrors: Int { track.file.errors }

    /// Takes what the tap has; true when nothing more will come or is wanted.
    func read() -> Bool {
        // Asked first: what comes before the end is read after it.
        let hasEnded = tap.hasEnded
        tap.drain { record, audio in audio.withUnsafeBytes { track.take(record, $0) } }
        track.writeSettled()
        return hasEnded || track.isFull
    }

    func finish() -> RecordingResult {
        track.finish()
        return RecordingResult(
            callSID: callSID,
            file: track.file.name,
            bytes: track.file.bytes,
            milliseconds: track.milliseconds,
            dropped: tap.dropped,
            diskErrors: track.file.errors
        )
    }
}
