import RealtimeProtocol

/// What must be asked again after the model was lost.
struct Recovery: Sendable {
    /// A turn was being answered and nothing of the answer was heard.
    var needsAnswer = false
    /// The caller was speaking, or had just stopped: what was said is lost, or its beginning.
    var lostSpeech = false
    /// Failed responses in a row.
    var failures = 0
    /// Whether a cut response was continued since the last whole one.
    var hasContinued = false

    /// How long the caller has to go on by themselves before they are asked to repeat.
    static let repeatDelayMilliseconds = 1_500
}

extension CallMachine {
    mutating func modelClosed(_ id: ModelLeg, _ close: LegClose) {
        guard legs[id] != nil else { return ignore() }
        legGone(id, close, verdict: LossVerdict(close))
    }

    /// Gives up a leg that does not do what it should.
    mutating func abandon(_ id: ModelLeg, reason: String, verdict: LossVerdict = .retry) {
        guard legs[id] != nil else { return }
        emit(.closeModel(id, code: 1000, reason: reason))
        legGone(id, LegClose(code: 1006, reason: reason, cause: .timedOut), verdict: verdict)
    }

    /// A leg is gone, whoever closed it.
    private mutating func legGone(_ id: ModelLeg, _ close: LegClose, verdict: LossVerdict) {
        let wasServing = legs.serving == id
        let leg = legs.remove(id)
        record(.modelLost(id, close, lost: wasServing))
        if wasServing {
            counters.modelLosses += 1
            emit(.holdCallerAudio)
            leaveSession(id)
            let age = leg?.readyAt.map { now - $0 } ?? 0
            if age >= configuration.reconnect.stableMilliseconds { reconnectAttempts = 0 }
        }
        guard isLive else { return }
        if legs.serving != nil { return rotationFailed(verdict, close) }
        if case .fatal(let code) = verdict {
            return endWithoutModel(.modelRefused, .model, detail: "\(code): \(close.reason)")
        }
        guard silentSessions < configuration.reconnect.silentSessionsMaximum else {
            return endWithoutModel(.modelUnreachable, .model, detail: "\(silentSessions) sessions: \(close.reason)")
        }
        replaceLostLeg(verdict)
    }

    /// Gives up a session that opened and then did not answer.
    mutating func sessionIsSilent(_ id: ModelLeg, reason: String) {
        counters.silentSessions += 1
        silentSessions += 1
        abandon(id, reason: reason)
    }

    /// Finds a new leg: one that stands by, one that is being made, or a new attempt.
    private mutating func replaceLostLeg(_ verdict: LossVerdict) {
        if outage == nil { outage = Outage(startedAt: now) }
        guard let candidate = legs.candidate else { return scheduleDial(verdict) }
        if candidate.stage == .ready { serve(candidate.id) }
    }

    private mutating func scheduleDial(_ verdict: LossVerdict) {
        reconnectAttempts += 1
        guard let delay = delay(after: verdict) else {
            return endWithoutModel(.modelUnreachable, .model, detail: "\(reconnectAttempts - 1) attempts failed")
        }
        guard outageBudget > 0 else { return outageBudgetSpent() }
        outage?.nextDialAt = now + delay
        if delay == 0 { redial() }
    }

    /// The pause before the next attempt; nil when there have been enough.
    private mutating func delay(after verdict: LossVerdict) -> Int? {
        let policy = configuration.reconnect
        guard reconnectAttempts <= policy.maximumAttempts else { return nil }
        if case .busy(let seconds?) = verdict {
            // A caller who has heard nothing yet is kept waiting once.
            guard hasServed || reconnectAttempts == 1 else { return nil }
            return policy.busyDelay(seconds: seconds, random: &random)
        }
        guard hasServed else { return policy.setupDelay(attempt: reconnectAttempts, random: &random) }
        // A busy server is not asked again at once.
        let attempt = verdict == .retry ? reconnectAttempts : max(2, reconnectAttempts)
        return policy.delay(attempt: attempt, random: &random)
    }

    mutating func redial() {
        outage?.nextDialAt = nil
        counters.reconnectAttempts += 1
        dial(.reconnect(attempt: reconnectAttempts))
    }

    /// What is left of the time that the call may be without a model, at the beginning of this outage.
    private var outageBudget: Int {
        configuration.reconnect.outageBudgetMilliseconds - counters.outageMilliseconds
    }

    /// When the call has been without a model for too long.
    var outageEndsAt: CallTime? { outage.map { $0.startedAt + max(0, outageBudget) } }

    mutating func outageBudgetSpent() {
        let detail = "no model for \(configuration.reconnect.outageBudgetMilliseconds) ms"
        endWithoutModel(.modelUnreachable, .model, detail: detail)
    }

    mutating func endOutage(_ ended: Outage, on id: ModelLeg) {
        let duration = now - ended.startedAt
        counters.outageMilliseconds += duration
        outage = nil
        let restored = legs[id]?.restoredItems ?? 0
        record(.reconnected(id, outageMilliseconds: duration, restoredItems: restored))
    }

    // MARK: What a session takes with it

    /// Forgets what only the old session knew, and notes what must be asked again.
    mutating func leaveSession(_ id: ModelLeg) {
        if let active = queue.active { leave(active) }
        if let sent = queue.sent { queue.putBack(sent.request) }
        queue.active = nil
        queue.sent = nil
        queue.blockedUntil = nil
        if turn.answerDue != nil { recovery.needsAnswer = true }
        if turn.isSpeaking || turn.awaitsCommit { recovery.lostSpeech = true }
        turn.isSpeaking = false
        turn.awaitsCommit = false
        turn.answerDue = nil
        for index in toolCalls.open.indices { toolCalls.open[index].knownTo = nil }
        for index in toolCalls.batches.indices { toolCalls.batches[index].responseIsDone = true }
        items.changeAll(where: { $0.leg == id }) { $0.textIsFinal = true }
        finishCutItems()
        if !isPlaying { finishItems(of: id) }
    }

    /// The response that was being generated will never be whole.
    private mutating func leave(_ active: ActiveResponse) {
        let detail = "the session was left"
        record(.responseFinished(responseID: active.id, active.purpose, status: "lost", detail: detail))
        toolCalls.finishResponse(active.id)
        guard !active.isMuted else { return }
        let othersPlay = snapshot.items.contains { item in
            item.heardPosition < item.receivedMilliseconds && !active.itemIDs.contains(item.itemID)
        }
        guard !active.itemIDs.contains(where: wasHeard), !(othersPlay && active.hasSpoken) else {
            return protectedResponseDone(active.id)
        }
        // Nothing of it was heard: what is queued is dropped and asked for again.
        if active.hasSpoken { emit(.interruptPlayback) }
        cutItems(of: active.id)
        if let request = active.request, request.id == protected?.requestID { protected = nil }
        switch active.purpose {
        case .greeting, .say, .goodbye, .durationWarning:
            if let request = active.request { queue.putBack(request) }
        case .filler, .idlePrompt, .continuation: break
        case .server, .callerTurn, .lostTurn, .toolOutputs, .instruct, .keys: recovery.needsAnswer = true
        }
    }

    /// Whether anything of an item was heard, as far as is known.
    private func wasHeard(_ itemID: String) -> Bool {
        if let played = snapshot.items.first(where: { $0.itemID == itemID }) { return played.heardPosition > 0 }
        return items.item(itemID)?.hasStarted ?? true
    }

    /// Asks again for what was lost, once a session is there.
    mutating func recover() {
        defer {
            recovery.needsAnswer = false
            recovery.lostSpeech = false
        }
        guard isLive, history.endsUnanswered || recovery.lostSpeech else { return }
        var options = ResponseOptions()
        if recovery.lostSpeech || history.endsWithUnknownWords { options.instructions = Prompts.askToRepeat }
        if recovery.lostSpeech {
            request(.lostTurn, options: options, notBefore: now + Recovery.repeatDelayMilliseconds)
        } else if recovery.needsAnswer, !queue.isWaiting(for: .toolOutputs) {
            request(.lostTurn, options: options)
        }
    }
}
