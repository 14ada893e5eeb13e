import CallBridge
import CallPolicy
import CallRecords
import Trunk

/// The calls in progress and the last that ended, by the carrier's id.
public final class CallDirectory: Sendable {
    /// Calls that are remembered after their end.
    static let endedKept = 100
    /// Calls in the making that are remembered: the oldest give way.
    static let madeKept = 1_000
    /// And forgotten, if the carrier tells nothing of them.
    static let madeMilliseconds: Int64 = 3_600_000
    /// The carrier's words for the end of a call.
    static let finalStatuses: Set<String> = ["completed", "failed", "busy", "no-answer", "canceled"]
    /// Its words for what comes before.
    static let earlyStatuses: Set<String> = ["queued", "initiated", "ringing", "in-progress"]

    private struct State {
        var live: [String: CallEntry] = [:]
        var ended: [CallEntry] = []
        /// Calls that we make and whose stream has not begun, the oldest first.
        var made: [CallEntry] = []
        var started = 0
        var outbound: [String: Int] = [:]
    }

    private let state = Locked(State())
    /// Whether there is an account of Twilio's to ask.
    private let hasAccount: Bool
    /// Hears what people do to calls.
    private let acted: @Sendable (OperatorAction) -> Void

    init(hasAccount: Bool = false, acted: @escaping @Sendable (OperatorAction) -> Void = { _ in }) {
        self.hasAccount = hasAccount
        self.acted = acted
    }

    /// Calls that began.
    var started: Int { state.withLock { $0.started } }
    var liveCount: Int { state.withLock { $0.live.count } }
    /// Calls in progress, by their ids.
    var liveIDs: [String] { state.withLock { Array($0.live.keys) } }

    /// Calls in progress, the oldest first, then those that ended, the last first.
    var entries: [CallEntry] {
        state.withLock { $0.live.values.sorted { $0.startedAt < $1.startedAt } + $0.made + $0.ended.reversed() }
    }

    func entry(_ callSID: String) -> CallEntry? {
        state.withLock { state in
            state.live[callSID] ?? state.made.last { $0.callSID == callSID }
                ?? state.ended.last { $0.callSID == callSID }
        }
    }

    // MARK: - Calls that we make

    /// How calls that we made went, by the carrier's last word of those without a stream; `answered` had one.
    var outbound: [String: Int] { state.withLock { $0.outbound } }

    /// The carrier is about to call somebody for us.
    func made(_ callSID: String, to called: String, from caller: String) {
        var entry = CallEntry(callSID: callSID, startedAt: UnixTime.milliseconds)
        (entry.caller, entry.called, entry.direction, entry.carrierStatus) = (caller, called, "outbound-api", "queued")
        state.withLock { state in
            // Its stream or its end may be there already.
            if state.live[callSID] != nil || state.ended.contains(where: { $0.callSID == callSID }) { return }
            state.made.removeAll { entry.startedAt - $0.startedAt > Self.madeMilliseconds }
            state.made.append(entry)
            if state.made.count > Self.madeKept { state.made.removeFirst() }
        }
    }

    /// The carrier tells how a call is that we make.
    func report(_ status: String, of callSID: String) {
        guard Self.finalStatuses.contains(status) || Self.earlyStatuses.contains(status) else { return }
        state.withLock { state in
            guard let index = state.made.firstIndex(where: { $0.callSID == callSID }) else { return }
            state.made[index].carrierStatus = status
            guard Self.finalStatuses.contains(status) else { return }
            var entry = state.made.remove(at: index)
            entry.endedAt = UnixTime.milliseconds
            state.outbound[status, default: 0] += 1
            state.ended.append(entry)
            if state.ended.count > Self.endedKept { state.ended.removeFirst() }
        }
    }

    /// Writes down what happened to a call of this engine.
    ///
    /// - Returns: The call after it; nil when it is not known.
    @discardableResult
    func note(_ record: CallRecord, on engine: CallEngine) -> CallEntry? {
        let now = UnixTime.milliseconds
        return state.withLock { state in
            switch record.kind {
            case .planned(let plan):
                state.started += 1
                var entry = CallEntry(callSID: record.callSID, startedAt: now)
                entry.seat = (engine, record.call)
                entry.hasAccount = hasAccount
                entry.note(plan)
                state.live[record.callSID] = entry
                if let index = state.made.firstIndex(where: { $0.callSID == record.callSID }) {
                    state.made.remove(at: index)
                    state.outbound["answered", default: 0] += 1
                }
            case .event(let event): state.live[record.callSID]?.note(event, at: now)
            case .playback(let event): state.live[record.callSID]?.note(event)
            case .ended(let reason, let initiator, _):
                guard var entry = state.live.removeValue(forKey: record.callSID) else { return nil }
                entry.endedAt = now
                entry.reason = reason
                entry.initiator = initiator
                entry.seat = nil
                state.ended.append(entry)
                if state.ended.count > Self.endedKept { state.ended.removeFirst() }
                return entry
            }
            return state.live[record.callSID]
        }
    }

    /// Forgets calls that have ended: their records were deleted.
    func forget(_ isMeant: (CallEntry) -> Bool) { state.withLock { $0.ended.removeAll(where: isMeant) } }

    /// Writes down what a person did to a call.
    ///
    /// - Parameters:
    ///   - said: What the agent is to say or to know, when it is that.
    ///   - detail: More about it; what was said when it is left out.
    func act(_ what: String, by who: String, on callSID: String, said: String? = nil, detail: String? = nil) {
        let detail = detail ?? said ?? ""
        acted(OperatorAction(callSID: callSID, who: who, what: what, detail: detail, said: said))
        state.withLock { $0.live[callSID]?.act(what, by: who, detail: detail, at: UnixTime.milliseconds) }
    }

    /// Calls in progress that this device opened.
    func calls(ofDevice device: String) -> [String] {
        state.withLock { state in
            state.live.values.filter { $0.callSID.hasPrefix(DeviceAcceptor.sessionPrefix) && $0.caller == device }
                .map(\.callSID)
        }
    }

    /// Gives a command to a call; false when it is not in progress.
    func command(_ command: CallCommand, to callSID: String) async -> Bool {
        guard let seat = entry(callSID)?.seat else { return false }
        await seat.engine.perform { engine in Bridge.command(command, to: seat.call, on: engine) }
        return true
    }

    /// Whether a call's model waits for the answer to this function call.
    func waits(forAnswerTo id: String, in callSID: String) async -> Bool {
        guard let seat = entry(callSID)?.seat else { return false }
        return await seat.engine.perform { engine in Bridge.waits(forAnswerTo: id, of: seat.call, on: engine) }
    }

    /// Waits until the caller has heard what the agent has said so far, so many milliseconds at most. A cancelled tool
    /// throws: it must not act any more.
    func untilHeard(_ callSID: String, atMost milliseconds: Int) async throws(CancellationError) {
        for _ in 0..<max(1, milliseconds / Self.lookMilliseconds) {
            if Task.isCancelled { throw CancellationError() }
            guard let seat = entry(callSID)?.seat else { return }
            let isSilent = await seat.engine.perform { engine in
                let playback = engine.playback(seat.call)
                return playback.items.isEmpty && playback.queuedMilliseconds == 0
            }
            if isSilent { return }
            try? await Task.sleep(for: .milliseconds(Self.lookMilliseconds))
        }
    }

    /// Plays up to a second of our own; false when something else plays, or the call is over.
    func play(_ audio: [UInt8], to callSID: String) async -> Bool {
        guard let seat = entry(callSID)?.seat else { return false }
        return await seat.engine.perform { $0.play(audio, to: seat.call) }
    }

    private static let lookMilliseconds = 100
}
