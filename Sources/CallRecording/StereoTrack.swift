import Trunk

/// Both sides of one call on one timeline: the newest audio in a bounded window, what is older in the file.
///
/// Everything is silence until something is said. A record may come for any moment: what is behind the window changes
/// the file, what is ahead of it moves the window.
struct StereoTrack: ~Copyable {
    /// µ-law's quietest value.
    static let silence: UInt8 = 0xFF

    let file: RecordingFile
    private let limits: RecordingLimits
    /// Moments from `start` on, left and right; as long as the window, the unused end is silence.
    private let window: UnsafeMutableRawBufferPointer
    /// The moment at which the window begins; what is before it is in the file.
    private var start = 0
    /// Where each side was heard last: left and right.
    private var ends = [0, 0]

    init(file: RecordingFile, limits: RecordingLimits) {
        self.file = file
        self.limits = limits
        let moments = max(1, limits.windowMilliseconds) * WAVHeader.samplesPerMillisecond
        window = .allocate(byteCount: moments * WAVHeader.frame, alignment: 1)
        for index in window.indices { window[index] = Self.silence }
    }

    deinit { window.deallocate() }

    private var windowMoments: Int { window.count / WAVHeader.frame }
    private var lengthMoments: Int { limits.lengthMilliseconds * WAVHeader.samplesPerMillisecond }

    private var end: Int { max(ends[0], ends[1]) }

    /// The length of the recording, milliseconds.
    var milliseconds: Int { end / WAVHeader.samplesPerMillisecond }

    /// Whether it is as long as it may be.
    var isFull: Bool { end >= lengthMoments }

    /// Takes a record of the tap.
    mutating func take(_ record: TapRecord, _ audio: UnsafeRawBufferPointer) {
        let (at, overflow) = record.milliseconds.multipliedReportingOverflow(by: WAVHeader.samplesPerMillisecond)
        guard !overflow, at < lengthMoments else { return }
        switch record.kind {
        case .caller: put(audio, channel: 0, at: at)
        case .agent: put(audio, channel: 1, at: at)
        case .clear: silence(channel: 1, from: max(0, at))
        }
    }

    private mutating func put(_ audio: UnsafeRawBufferPointer, channel: Int, at moment: Int) {
        // What lies before the beginning of the call or beyond the longest recording is cut off.
        let skipped = moment < 0 ? min(audio.count, -moment) : 0
        var audio = UnsafeRawBufferPointer(rebasing: audio.dropFirst(skipped))
        var moment = max(0, moment)
        audio = UnsafeRawBufferPointer(rebasing: audio.prefix(lengthMoments - moment))
        if !audio.isEmpty { ends[channel] = max(ends[channel], moment + audio.count) }
        if moment < start {
            let old = UnsafeRawBufferPointer(rebasing: audio.prefix(start - moment))
            putBehind(old, channel: channel, at: moment)
            moment += old.count
            audio = UnsafeRawBufferPointer(rebasing: audio.dropFirst(old.count))
        }
        while !audio.isEmpty {
            if moment >= start + windowMoments { write(upTo: moment - windowMoments / 2) }
            let piece = UnsafeRawBufferPointer(rebasing: audio.prefix(start + windowMoments - moment))
            for (index, byte) in piece.enumerated() {
                window[(moment - start + index) * WAVHeader.frame + channel] = byte
            }
            moment += piece.count
            audio = UnsafeRawBufferPointer(rebasing: audio.dropFirst(piece.count))
        }
    }

    private func putBehind(_ audio: UnsafeRawBufferPointer, channel: Int, at moment: Int) {
        file.change(moment..<moment + audio.count) { piece, first in
            for index in 0..<piece.count / WAVHeader.frame {
                piece[index * WAVHeader.frame + channel] = audio[first - moment + index]
            }
        }
    }

    private mutating func silence(channel: Int, from moment: Int) {
        ends[channel] = min(ends[channel], moment)
        if moment < start {
            file.change(moment..<start) { piece, _ in
                for index in 0..<piece.count / WAVHeader.frame {
                    piece[index * WAVHeader.frame + channel] = Self.silence
                }
            }
        }
        for index in max(0, min(windowMoments, moment - start))..<windowMoments {
            window[index * WAVHeader.frame + channel] = Self.silence
        }
    }

    /// Moves the window on to this moment: what is before goes to the file. A gap that is longer than the window becomes
    /// silence there.
    private mutating func write(upTo moment: Int) {
        guard moment > start else { return }
        let inWindow = min(moment - start, windowMoments) * WAVHeader.frame
        file.write(UnsafeRawBufferPointer(rebasing: window[..<inWindow]), at: start)
        let rest = window.count - inWindow
        if rest > 0, let base = window.baseAddress { base.copyMemory(from: base + inWindow, byteCount: rest) }
        for index in rest..<window.count { window[index] = Self.silence }
        start = moment
    }

    /// Writes what is settled, when it is worth a write, and the header when it is old.
    mutating func writeSettled() {
        let settled = end - limits.settleMilliseconds * WAVHeader.samplesPerMillisecond
        guard settled - start >= limits.writeMilliseconds * WAVHeader.samplesPerMillisecond else { return }
        write(upTo: settled)
        let untold = file.frames - file.framesTold
        if untold >= limits.headerMilliseconds * WAVHeader.samplesPerMillisecond { file.tell() }
    }

    /// Writes everything and the header. Agent audio that was cleared at the end is no part of the recording.
    mutating func finish() {
        write(upTo: end)
        file.cut(to: end)
        file.tell()
    }
}
