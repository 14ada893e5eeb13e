import CallBridge
import CallPolicy
import RealtimeProtocol
import Trunk

/// Tells dashboards what happens to calls: how each stands, whenever that changes, and with `?call=` every event of it.
///
/// Messages are JSON objects with a `type`: `snapshot` (first; all calls), `call` (one call as `/calls` tells it) and `event`
/// (one event of the watched call).
final class LiveFeed: Sendable {
    private let viewers: Locked<Viewers>
    private let directory: CallDirectory

    init(_ directory: CallDirectory, viewersMax: Int) {
        self.directory = directory
        viewers = Locked(Viewers(max: viewersMax))
    }

    var stats: Viewers.Stats { viewers.withLock { $0.stats } }

    func enter(_ viewer: Viewer) -> Bool { viewers.withLock { $0.enter(viewer) } }
    func leave(_ viewer: Viewer) { viewers.withLock { $0.leave(viewer) } }

    /// The first message: how everything stands.
    func welcome(_ viewer: Viewer) {
        let calls = JSONValue.array(directory.entries.map { .object($0.summary) })
        let message: JSONValue = [
            "type": "snapshot", "now": .string(UnixTime.text(UnixTime.milliseconds)), "calls": calls,
        ]
        tell(viewer, message.encode(), isFirst: true)
    }

    /// - Parameters:
    ///   - record: What happened.
    ///   - entry: The call after it.
    func note(_ record: CallRecord, _ entry: CallEntry?) {
        let all = viewers.withLock { $0.all }
        if all.isEmpty { return }
        if let entry, record.changesBoard {
            let message = JSONValue.object(["type": "call", "call": .object(entry.summary)]).encode()
            for viewer in all { tell(viewer, message) }
        }
        guard let event = record.told else { return }
        let watching = all.filter { $0.wish.callSID == record.callSID }
        if watching.isEmpty { return }
        let message: JSONValue = [
            "type": "event", "call_sid": .string(record.callSID), "at": .string(UnixTime.text(UnixTime.milliseconds)),
            "clock_us": .integer(record.at), "event": .object(event),
        ]
        let bytes = message.encode()
        for viewer in watching { tell(viewer, bytes) }
    }

    private func tell(_ viewer: Viewer, _ message: [UInt8], isFirst: Bool = false) {
        let fits = viewer.tell(message, isFirst: isFirst)
        viewers.withLock { $0.told(viewer, fits: fits) }
    }
}

extension CallRecord {
    /// Whether the board shows something else after it.
    fileprivate var changesBoard: Bool {
        switch kind {
        case .ended: return true
        case .planned: return false
        case .playback(.started), .playback(.drained): return true
        case .playback: return false
        case .event(let event):
            switch event {
            case .started, .modelServing, .modelLost, .reconnected, .agentMuted, .callerSpeechStarted,
                .callerSpeechStopped, .interrupted, .turnLatency, .usage, .transcriptionUsage:
                return true
            default: return false
            }
        }
    }

    /// As an event for those who watch the call.
    fileprivate var told: JSONObject? {
        switch kind {
        case .planned(let plan):
            return [
                "type": "planned", "rule": .string(plan.rule), "model": .string(plan.call.session.model),
                "voice": .string(plan.call.session.voice),
            ]
        case .event(let event): return event.json
        case .ended(let reason, let initiator, _):
            return ["type": "ended", "reason": .string(reason.rawValue), "by": .string(initiator.rawValue)]
        case .playback(let playback):
            switch playback {
            case .arrived(let item): return ["type": "audio_arrived", "item_id": .string(item)]
            case .started(let item): return ["type": "audio_started", "item_id": .string(item)]
            case .finished(let item, let proven):
                return ["type": "audio_finished", "item_id": .string(item), "proven": .bool(proven)]
            case .drained: return ["type": "audio_drained"]
            }
        }
    }
}
