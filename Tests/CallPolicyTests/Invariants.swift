import RealtimeProtocol

@testable import CallPolicy

/// What must hold in every call, at every step; looks only at what goes in and what comes out.
struct Invariants {
    enum LegState { case dialled, open, closed }

    let configuration: CallConfiguration
    var violations: [String] = []
    private var legs: [ModelLeg: LegState] = [:]
    private var confirmed: Set<ModelLeg> = []
    private var created: Set<ModelLeg> = []
    private var serving: ModelLeg?
    private var hasServed = false
    private var active: String?
    /// The `response.create` that was not answered yet.
    private var asked: (id: String, event: String, purpose: String, at: Int)?
    /// Requests that met another response and must be made again.
    private var collided: [String: Int] = [:]
    private var isSpeaking = false
    private var truncated: Set<String> = []
    private var mutedResponses: Set<String> = []
    private var answered: [String: Set<ModelLeg>] = [:]
    private var running: Set<String> = []
    private var started: Set<String> = []
    private var toolOutcomes: [String: Int] = [:]
    private var endings = 0
    private(set) var reason: EndReason?
    private var timer: CallTime?
    private var mustInterrupt = false
    /// The response that the caller's speech must silence.
    private var mustMute: String?
    private var writtenItems: Set<String> = []
    private var wasFatal = false
    private var isCarrierClosed = false
    /// Since when a turn of the caller waits for a response, and the longest that one did.
    private var unansweredSince: Int?
    private var longestUnanswered = 0

    init(configuration: CallConfiguration) { self.configuration = configuration }

    mutating func violate(_ text: String) {
        if violations.count < 5 { violations.append(text) }
    }

    // MARK: Before

    mutating func willGive(_ input: CallInput, player: SimulatedPlayer, machine: CallMachine, now: Int) {
        mustInterrupt = false
        mustMute = nil
        switch input {
        case .modelOpened(let leg): if legs[leg] == .dialled { legs[leg] = .open }
        case .modelClosed(let leg, let close):
            legs[leg] = .closed
            if leg == serving { forgetSession() }
            if case .refused(401) = close.cause, serving == nil { wasFatal = true }
        case .timer: timer = nil
        case .carrierClosed, .carrierStopped: isCarrierClosed = true
        case .modelEvent(let leg, let event, _):
            if case .sessionCreated = event { created.insert(leg) }
            if case .sessionUpdated = event { confirmed.insert(leg) }
            if leg == serving { see(event, player: player, machine: machine, now: now) }
        default: break
        }
        if let asked, now - asked.at >= configuration.responses.createTimeoutMilliseconds { self.asked = nil }
    }

    private mutating func forgetSession() {
        serving = nil
        active = nil
        asked = nil
        isSpeaking = false
    }

    private mutating func see(_ event: ServerEvent, player: SimulatedPlayer, machine: CallMachine, now: Int) {
        switch event {
        case .speechStarted:
            isSpeaking = true
            noteUnanswered(at: now)
            unansweredSince = nil
            guard configuration.callerMayInterrupt, machine.protected == nil, !machine.endingIsFinal else { return }
            mustInterrupt = player.queued > 0
            if let active, !mutedResponses.contains(active) { mustMute = active }
        case .speechStopped, .inputAudioCommitted:
            isSpeaking = false
            if unansweredSince == nil { unansweredSince = now }
        case .responseCreated(let response):
            active = response.id
            unansweredSince = nil
            if let id = response.metadata?["trunkline_request"]?.stringValue, id == asked?.id { asked = nil }
        case .responseDone(let response): if response.id == active { active = nil }
        case .error(let error):
            if let asked, error.eventID == asked.event {
                if error.code == "conversation_already_has_active_response" { collided[asked.purpose] = now }
                self.asked = nil
            }
            if error.eventID == nil, error.code == "conversation_already_has_active_response" { asked = nil }
        default: break
        }
    }

    // MARK: After

    mutating func did(
        _ actions: [CallAction],
        input: CallInput,
        player: SimulatedPlayer,
        machine: CallMachine,
        now: Int
    ) {
        if mustInterrupt, !actions.contains(.interruptPlayback), endings == 0, !actions.contains(where: \.isEnd) {
            violate("speech did not clear \(player.queued) ms of audio")
        }
        if let mustMute, !actions.contains(.muteResponse(responseID: mustMute)) {
            violate("speech did not mute \(mustMute)")
        }
        // A goodbye leaves what the caller said before it unanswered.
        if !machine.isLive { unansweredSince = nil }
        var isCleared = false
        for action in actions {
            if endings > 0 { violate("something after the end: \(action.line)") }
            check(action, player: player, now: now, isCleared: &isCleared)
        }
        checkBounds(machine)
    }

    private mutating func check(_ action: CallAction, player: SimulatedPlayer, now: Int, isCleared: inout Bool) {
        switch action {
        case .dialModel(let leg):
            if legs[leg] != nil { violate("leg \(leg.number) dialled twice") }
            if wasFatal { violate("dialled after a fatal refusal") }
            legs[leg] = .dialled
            if legs.values.filter({ $0 != .closed }).count > 2 { violate("more than two legs") }
        case .closeModel(let leg, _, _):
            if legs[leg] == nil || legs[leg] == .closed { violate("leg \(leg.number) closed when it was closed") }
            legs[leg] = .closed
            if leg == serving { forgetSession() }
        case .openCallerAudio(let leg):
            if legs[leg] != .open || !confirmed.contains(leg) { violate("audio to a leg that is not configured") }
            if serving != leg { forgetSession() }
            serving = leg
            hasServed = true
        case .send(let leg, let event):
            if legs[leg] != .open { violate("\(event.type) to a leg that is not open") }
            if !created.contains(leg) { violate("\(event.type) before session.created") }
            if !confirmed.contains(leg), event.type != "session.update" {
                violate("\(event.type) before session.updated")
            }
            check(event, leg, player: player, now: now)
        case .muteResponse(let id):
            if !mutedResponses.insert(id).inserted { violate("response \(id) muted twice") }
        case .interruptPlayback:
            if isCleared { violate("cleared twice in one turn") }
            isCleared = true
        case .playWaitingTone: if hasServed { violate("a waiting tone behind a model's answer") }
        case .setTimer(let at): timer = at
        case .ended(let reason, _):
            endings += 1
            self.reason = reason
            if timer != nil { violate("a timer is left") }
            for (leg, state) in legs where state != .closed { violate("leg \(leg.number) is left") }
            if !running.isEmpty { violate("tools are left: \(running)") }
        case .closeCarrier:
            if isCarrierClosed, case .some = serving { violate("carrier closed twice") }
        default: checkTool(action)
        }
    }

    private mutating func checkTool(_ action: CallAction) {
        switch action {
        case .runTool(let tool):
            if !started.insert(tool.callID).inserted { violate("tool \(tool.callID) run twice") }
            running.insert(tool.callID)
        case .cancelTool(let id): if running.remove(id) == nil { violate("tool \(id) cancelled when not running") }
        case .record(.toolFinished(let id, _, _, _, _)):
            running.remove(id)
            toolOutcomes[id, default: 0] += 1
            if toolOutcomes[id] != 1 { violate("tool \(id) finished twice") }
        case .record(.agentTranscript(let transcript)):
            if !writtenItems.insert(transcript.itemID).inserted { violate("\(transcript.itemID) written down twice") }
        default: break
        }
    }

    private mutating func check(_ event: ClientEvent, _ leg: ModelLeg, player: SimulatedPlayer, now: Int) {
        if event.eventID == nil { violate("\(event.type) without an id") }
        switch event {
        case .responseCreate(let options, let eventID):
            if leg != serving { violate("response.create to a leg that does not serve") }
            if let active { violate("response.create while \(active) is active") }
            if asked != nil { violate("response.create while another is not answered") }
            let purpose = options?.metadata?["trunkline_purpose"]?.stringValue ?? ""
            collided[purpose] = nil
            if isSpeaking, purpose != "goodbye" { violate("response.create while the caller speaks") }
            asked = (options?.metadata?["trunkline_request"]?.stringValue ?? "", eventID ?? "", purpose, now)
        case .itemTruncate(let item, _, let end, _):
            guard let played = player.items.first(where: { $0.itemID == item }) else {
                return violate("truncation of \(item), which is not played")
            }
            if end < 0 || end > played.receivedMilliseconds || end > played.heardMilliseconds {
                violate("truncation of \(item) at \(end) of \(played.receivedMilliseconds)")
            }
            if played.receivedMilliseconds == 0 { violate("truncation of \(item), which has no audio") }
            if played.modelLeg != leg { violate("truncation of \(item) on another leg") }
            if !truncated.insert(item).inserted { violate("\(item) truncated twice") }
        case .itemCreate(let item, _, _):
            guard case .functionCallOutput(let callID, _) = item.kind else { return }
            if !answered[callID, default: []].insert(leg).inserted { violate("call \(callID) answered twice") }
        default: break
        }
    }

    private mutating func checkBounds(_ machine: CallMachine) {
        let limits = configuration.limits
        // A request that is put back may exceed the limit by the one that was sent and the one that failed.
        if machine.queue.waiting.count > limits.waitingResponses + 2 { violate("too many waiting responses") }
        if machine.history.entries.count > limits.historyItems { violate("too much history") }
        if machine.history.byteCount > limits.historyBytes { violate("too many bytes of history") }
        if machine.items.open.count > limits.openItems { violate("too many open items") }
        if machine.toolCalls.open.count > limits.openToolCalls { violate("too many tool calls") }
        if machine.toolCalls.batches.count > ToolCalls.batchLimit { violate("too many tool batches") }
    }

    // MARK: At the end

    mutating func finish(machine: inout CallMachine, now: Int, isOver: Bool, isFaultless: Bool) {
        if !isOver || endings != 1 { violate("ended \(endings) times") }
        for id in started where toolOutcomes[id] != 1 { violate("tool \(id) has no outcome") }
        if !machine.handle(.timer(.silent), at: CallTime(milliseconds: Int64(now))).isEmpty {
            violate("an input after the end did something")
        }
        for purpose in ["say", "instruct", "keys"] where isFaultless {
            guard let since = collided[purpose], now - since > 6_000 else { continue }
            violate("the request to \(purpose) was lost")
        }
        noteUnanswered(at: now)
        if isFaultless, longestUnanswered > 5_000 {
            violate("a turn was not answered for \(longestUnanswered) ms")
        }
    }

    private mutating func noteUnanswered(at now: Int) {
        if let unansweredSince { longestUnanswered = max(longestUnanswered, now - unansweredSince) }
    }
}

extension CallMachine {
    /// Whether the call ends even when the caller speaks.
    var endingIsFinal: Bool {
        if case .ending(let ending) = phase { return !ending.isCancellable }
        return false
    }
}

extension CallAction {
    var isEnd: Bool {
        if case .ended = self { return true }
        return false
    }
}
