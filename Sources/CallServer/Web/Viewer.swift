import Trunk

/// Somebody who watches, on a leg of some engine: what they are told waits in a bounded queue.
final class Viewer: Sendable {
    /// Bytes that wait for a viewer; one who lets more pile up is dropped.
    static let queueBytesMax = 256 * 1_024

    /// What a viewer wants to see.
    struct Wish: Sendable {
        /// The only call that is watched, or nil for all.
        var callSID: String?
        /// Whether events go by their older names.
        var isBeta = false
        /// Whether audio is shown, too.
        var withAudio = false
    }

    private struct Queue {
        var messages: [(bytes: [UInt8], isText: Bool)] = []
        var bytes = 0
        /// More that may wait, for the first message.
        var allowance = 0
        var isMoving = false
        var isDropped = false
    }

    private let engine: CallEngine
    private let leg: LegID
    let wish: Wish
    private let queue = Locked(Queue())

    init(_ engine: CallEngine, _ leg: LegID, _ wish: Wish) {
        self.engine = engine
        self.leg = leg
        self.wish = wish
    }

    /// Whether what happens to this call is told.
    func watches(_ callSID: String) -> Bool { wish.callSID == nil || wish.callSID == callSID }

    /// Queues a message, from any thread; false when the viewer is too slow: it is closed then.
    ///
    /// - Parameter isFirst: How everything stands when the viewer comes: as large as the calls that may be open, so that
    ///   the bound is wider by it.
    func tell(_ message: [UInt8], isText: Bool = true, isFirst: Bool = false) -> Bool {
        let (starts, fits) = queue.withLock { queue -> (Bool, Bool) in
            if queue.isDropped { return (false, true) }
            if isFirst { queue.allowance = message.count }
            if queue.bytes + message.count > Self.queueBytesMax + queue.allowance {
                queue = Queue(isMoving: queue.isMoving, isDropped: true)
                return (false, false)
            }
            queue.messages.append((message, isText))
            queue.bytes += message.count
            defer { queue.isMoving = true }
            return (!queue.isMoving, true)
        }
        if starts { Task { await engine.perform { self.move(on: $0) } } }
        if !fits { Task { await engine.perform { $0.close(self.leg, code: 1008, reason: "too slow") } } }
        return fits
    }

    /// Writes what waits. What the system does not take at once counts on: the leg's queue is part of the bound.
    private func move(on engine: isolated CallEngine) {
        while let message = next(on: engine) {
            do throws(TrunkError) {
                if message.isText {
                    try engine.send(text: message.bytes, to: leg)
                } else {
                    try engine.send(binary: message.bytes, to: leg)
                }
            } catch {
                return queue.withLock { $0 = Queue(isDropped: true) }
            }
        }
    }

    private func next(on engine: isolated CallEngine) -> (bytes: [UInt8], isText: Bool)? {
        let pending = engine.pendingBytes(leg)
        return queue.withLock { queue in
            guard let message = queue.messages.first else {
                queue.isMoving = false
                queue.bytes = pending
                return nil
            }
            queue.messages.removeFirst()
            return message
        }
    }
}

/// Viewers of one kind, up to a number, and what was counted of them.
struct Viewers: Sendable {
    /// What was counted.
    struct Stats: Sendable, Hashable {
        var viewersOpen = 0
        var viewers = 0
        var viewersRefused = 0
        var viewersDropped = 0
        var messages = 0
    }

    let max: Int
    private(set) var all: [Viewer] = []
    private var counted = Stats()

    init(max: Int) { self.max = max }

    var stats: Stats {
        var stats = counted
        stats.viewersOpen = all.count
        return stats
    }

    /// Lets one more in; false when there is no room.
    mutating func enter(_ viewer: Viewer) -> Bool {
        guard all.count < max else {
            counted.viewersRefused += 1
            return false
        }
        all.append(viewer)
        counted.viewers += 1
        return true
    }

    mutating func leave(_ viewer: Viewer) { all.removeAll { $0 === viewer } }

    mutating func told(_ viewer: Viewer, fits: Bool) {
        if fits {
            counted.messages += 1
        } else {
            leave(viewer)
            counted.viewersDropped += 1
        }
    }
}
