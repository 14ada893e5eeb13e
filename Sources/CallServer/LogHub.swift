import CallBridge
import CallPolicy
import RealtimeProtocol
import Trunk

/// Tells viewers what the models of all calls say. A viewer that does not read is dropped, never a call.
final class LogHub: CallWatcher {
    /// What was counted.
    struct Stats: Sendable, Hashable {
        var viewersOpen = 0
        var viewers = 0
        var viewersRefused = 0
        var viewersDropped = 0
        var messages = 0
    }

    /// Viewers at once.
    let viewersMax: Int
    private let state = Locked<(viewers: [Viewer], stats: Stats, session: SessionObject?)>(([], Stats(), nil))

    init(viewersMax: Int) { self.viewersMax = viewersMax }

    var stats: Stats {
        state.withLock { state in
            var stats = state.stats
            stats.viewersOpen = state.viewers.count
            return stats
        }
    }

    /// What a viewer has asked the next calls' sessions to be.
    var session: SessionObject? { state.withLock { $0.session } }

    func save(_ session: SessionObject) {
        state.withLock { $0.session = $0.session?.merging(session) ?? session }
    }

    /// Lets one more in; false when there is no room.
    func enter(_ viewer: Viewer) -> Bool {
        state.withLock { state in
            guard state.viewers.count < viewersMax else {
                state.stats.viewersRefused += 1
                return false
            }
            state.viewers.append(viewer)
            state.stats.viewers += 1
            return true
        }
    }

    func leave(_ viewer: Viewer) { state.withLock { $0.viewers.removeAll { $0 === viewer } } }

    // MARK: - What is told

    var isWatching: Bool { state.withLock { !$0.viewers.isEmpty } }

    func modelSaid(_ message: [UInt8], callSID: String) {
        let viewers = viewers(of: callSID)
        if viewers.isEmpty { return }
        let marked = Self.mark(message, callSID)
        for viewer in viewers { tell(viewer, viewer.isBeta ? Self.beta(marked) : marked) }
    }

    /// Tells whether a call's model is there, in the words that monitoring pages know.
    func note(_ record: CallRecord) {
        guard case .event(let event) = record.kind else { return }
        let status: (name: String, words: String)
        switch event {
        case .modelServing: status = ("openai_connected", "OpenAI connection established")
        case .modelLost(_, _, lost: true): status = ("openai_disconnected", "OpenAI connection lost, reconnecting...")
        default: return
        }
        let message: JSONValue = [
            "type": "connection_status", "status": .string(status.name), "message": .string(status.words),
            "call_sid": .string(record.callSID),
        ]
        for viewer in viewers(of: record.callSID) { tell(viewer, message.encode()) }
    }

    private func viewers(of callSID: String) -> [Viewer] {
        state.withLock { state in state.viewers.filter { $0.callSID == nil || $0.callSID == callSID } }
    }

    /// Tells one viewer something; it is let go when it does not read.
    func tell(_ viewer: Viewer, _ message: [UInt8]) {
        if viewer.tell(message) {
            state.withLock { $0.stats.messages += 1 }
        } else {
            leave(viewer)
            state.withLock { $0.stats.viewersDropped += 1 }
        }
    }

    /// The event with the call's id in front; the rest stays as it came.
    static func mark(_ message: [UInt8], _ callSID: String) -> [UInt8] {
        guard let brace = message.firstIndex(of: UInt8(ascii: "{")) else { return message }
        let rest = message[(brace + 1)...]
        let isEmpty = rest.first { $0 > 0x20 } == UInt8(ascii: "}")
        return Array("{\"call_sid\":".utf8) + JSONValue.string(callSID).encode() + (isEmpty ? [] : [UInt8(ascii: ",")])
            + rest
    }

    /// The event by its older name, for pages that were written for it.
    private static func beta(_ message: [UInt8]) -> [UInt8] {
        guard let event = try? JSONValue(parsing: message) else { return message }
        return BetaTranslation.betaEvent(fromServer: event)?.encode() ?? message
    }
}

/// Somebody who watches, on a leg of some engine.
final class Viewer: Sendable {
    /// Bytes that wait for a viewer; one who lets more pile up is dropped.
    static let queueBytesMax = 256 * 1_024

    private struct Queue {
        var messages: [[UInt8]] = []
        var bytes = 0
        var isMoving = false
        var isDropped = false
    }

    private let engine: CallEngine
    private let leg: LegID
    /// The only call that is watched, or nil for all.
    let callSID: String?
    /// Whether events go by their older names.
    let isBeta: Bool
    private let queue = Locked(Queue())

    init(_ engine: CallEngine, _ leg: LegID, callSID: String?, isBeta: Bool) {
        self.engine = engine
        self.leg = leg
        self.callSID = callSID
        self.isBeta = isBeta
    }

    /// Queues a message, from any thread; false when the viewer is too slow: it is closed then.
    func tell(_ message: [UInt8]) -> Bool {
        let (starts, fits) = queue.withLock { queue -> (Bool, Bool) in
            if queue.isDropped { return (false, true) }
            if queue.bytes + message.count > Self.queueBytesMax {
                queue = Queue(isMoving: queue.isMoving, isDropped: true)
                return (false, false)
            }
            queue.messages.append(message)
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
            do throws(TrunkError) { try engine.send(text: message, to: leg) } catch {
                return queue.withLock { $0 = Queue(isDropped: true) }
            }
        }
    }

    private func next(on engine: isolated CallEngine) -> [UInt8]? {
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
