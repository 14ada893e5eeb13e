import Trunk

/// Lets people hear calls and see how loud they are: one tap for each call that somebody attends to.
final class CallEars: Sendable {
    /// Pauses between two looks into a tap, in milliseconds.
    private static let lookMilliseconds: UInt64 = 60

    private struct Attending {
        var listeners: [Viewer] = []
        var watchers: [Viewer] = []
        /// Whether the call's tap is read.
        var isHeard = false
        /// Whether another call of this id began meanwhile: one that was given away came back.
        var beginsAgain = false
        var isEmpty: Bool { listeners.isEmpty && watchers.isEmpty }
    }

    /// By call: bounded by the viewers that may be connected.
    private let attending = Locked<[String: Attending]>([:])
    private let directory: CallDirectory

    init(_ directory: CallDirectory) { self.directory = directory }

    /// Lets a viewer hear a call, or only see how loud it is; one that has not begun is heard when it does.
    func attend(_ viewer: Viewer, to callSID: String, listens: Bool) {
        let starts = attending.withLock { all -> Bool in
            var one = all[callSID] ?? Attending()
            if listens { one.listeners.append(viewer) } else { one.watchers.append(viewer) }
            defer { all[callSID] = one }
            if one.isHeard { return false }
            one.isHeard = true
            return true
        }
        if starts { Task { await hear(callSID) } }
    }

    func leave(_ viewer: Viewer) {
        guard let callSID = viewer.wish.callSID else { return }
        attending.withLock { all in
            all[callSID]?.listeners.removeAll { $0 === viewer }
            all[callSID]?.watchers.removeAll { $0 === viewer }
            // Whoever reads the tap takes it away.
            if let one = all[callSID], one.isEmpty, !one.isHeard { all[callSID] = nil }
        }
    }

    /// A call begins: who waits for it hears it from now on. Called on its loop.
    func begin(_ callSID: String) {
        let starts = attending.withLock { all -> Bool in
            guard let one = all[callSID] else { return false }
            all[callSID]?.beginsAgain = one.isHeard
            all[callSID]?.isHeard = true
            return !one.isHeard
        }
        if starts { Task { await hear(callSID) } }
    }

    /// Reads taps of calls of this id until nobody attends any more, or the last one is over.
    private func hear(_ callSID: String) async {
        repeat {
            if let seat = directory.entry(callSID)?.seat,
                let tap = try? await seat.engine.perform({ try $0.tap(seat.call) })
            {
                await hear(callSID, tap)
            }
        } while goesOn(callSID)
    }

    /// Whether a call of this id has begun since; decided together with the end, so that nobody who comes is forgotten.
    private func goesOn(_ callSID: String) -> Bool {
        attending.withLock { all in
            guard let one = all[callSID] else { return false }
            if one.isEmpty {
                all[callSID] = nil
                return false
            }
            all[callSID]?.beginsAgain = false
            all[callSID]?.isHeard = one.beginsAgain
            return one.beginsAgain
        }
    }

    private func hear(_ callSID: String, _ tap: CallTap) async {
        var hearing = Hearing()
        while true {
            // Nobody: it ends here, and who comes next begins anew.
            guard let present = present(callSID) else { return }
            let isOver = tap.hasEnded
            tap.drain { record, bytes in hearing.take(record, bytes.withUnsafeBytes { Array($0) }) }
            let heard = hearing.give()
            for viewer in present.listeners {
                for piece in heard.pieces where !viewer.tell(piece.message, isText: false) { leave(viewer) }
            }
            let levels = Array(heard.levels.utf8)
            for viewer in present.watchers where !viewer.tell(levels) { leave(viewer) }
            if isOver { return }
            try? await Task.sleep(nanoseconds: Self.lookMilliseconds * 1_000_000)
        }
    }

    /// Who attends; nil when that is nobody: then it is forgotten under the same lock.
    private func present(_ callSID: String) -> Attending? {
        attending.withLock { all in
            guard let one = all[callSID], !one.isEmpty else {
                all[callSID] = nil
                return nil
            }
            return one
        }
    }
}

/// What is heard of a call as it goes on: agent audio comes ahead of time and may be taken back, so it waits for its
/// moment.
struct Hearing: Sendable {
    /// A piece of one side's audio.
    struct Piece: Sendable, Hashable {
        var isAgent: Bool
        /// Of its first sample, since the stream began.
        var milliseconds: Int
        var audio: [UInt8]

        /// As listeners get it: the side, the time (big-endian), the audio.
        var message: [UInt8] {
            let time = UInt32(clamping: milliseconds)
            return [
                isAgent ? 1 : 0, UInt8(time >> 24), UInt8(time >> 16 & 255), UInt8(time >> 8 & 255), UInt8(time & 255),
            ]
                + audio
        }
    }

    /// Agent audio that waits; the oldest is given at once when there is more.
    private static let waitingMilliseconds = 10_000

    private var now = 0
    private var ready: [Piece] = []
    private var waiting: [Piece] = []

    mutating func take(_ record: TapRecord, _ audio: [UInt8]) {
        switch record.kind {
        case .caller:
            ready.append(Piece(isAgent: false, milliseconds: record.milliseconds, audio: audio))
            now = max(now, record.milliseconds + audio.count / MuLaw.bytesPerMillisecond)
        case .agent: waiting.append(Piece(isAgent: true, milliseconds: record.milliseconds, audio: audio))
        case .clear:
            waiting.removeAll { $0.milliseconds >= record.milliseconds }
            guard let last = waiting.indices.last else { return }
            let kept = (record.milliseconds - waiting[last].milliseconds) * MuLaw.bytesPerMillisecond
            if kept < waiting[last].audio.count { waiting[last].audio.removeLast(waiting[last].audio.count - kept) }
        }
    }

    /// What is heard by now, and how loud both sides are, as a message.
    mutating func give() -> (pieces: [Piece], levels: String) {
        // Without a word of the caller time stands still; what waits for too long is given all the same.
        if let first = waiting.first, let last = waiting.last {
            now = max(now, last.milliseconds - Self.waitingMilliseconds, min(now, first.milliseconds))
        }
        let due = waiting.prefix { $0.milliseconds <= now }
        waiting.removeFirst(due.count)
        let pieces = ready + due
        ready = []
        func level(_ isAgent: Bool) -> Double {
            let audio = pieces.filter { $0.isAgent == isAgent }.flatMap(\.audio)
            return audio.isEmpty ? 0 : (Double(MuLaw.level(audio).peak) / 32_767 * 1_000).rounded() / 1_000
        }
        return (pieces, #"{"type":"levels","caller":\#(level(false)),"agent":\#(level(true))}"#)
    }
}
