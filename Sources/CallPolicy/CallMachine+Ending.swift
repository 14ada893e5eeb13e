import RealtimeProtocol

/// How a call ends.
struct Ending: Sendable {
    enum Stage: Sendable {
        /// A goodbye is to be said once the model is silent.
        case beforeGoodbye(by: CallTime)
        /// The goodbye is asked for or being generated.
        case goodbye(by: CallTime)
        /// What is queued is heard.
        case hearing(until: CallTime)
    }

    let reason: EndReason
    let initiator: EndInitiator
    var stage: Stage
    /// Whether the caller, by speaking, keeps the call alive.
    var isCancellable = false
    /// The response that called `end_call`.
    var responseID: String?
    /// Whether that response had words: then it was the goodbye.
    var hasSpoken = false
}

extension CallMachine {
    // MARK: Goodbye

    /// The model called `end_call`.
    mutating func endCallWanted(_ call: ToolCalls.Call) {
        let isCancellable = configuration.goodbye.callerMayCancel && !goodbyeWasCancelled
        if isCancellable, turn.isSpeaking {
            // The caller was faster than the goodbye.
            goodbyeWasCancelled = true
            record(.goodbyeCancelled)
            return answerEndCall(call, ToolErrorText.failed(call.name, "the caller is speaking"), .refused)
        }
        answerEndCall(call, #"{"ok":true}"#, .succeeded)
        beginGoodbye(
            .agentHungUp,
            .agent,
            responseID: call.responseID,
            isCancellable: isCancellable,
            detail: "end_call"
        )
    }

    private mutating func answerEndCall(_ call: ToolCalls.Call, _ output: String, _ outcome: ToolOutcome) {
        history.append(.output(callID: call.callID, output: output))
        if let leg = legs.serving {
            let item = ConversationItem(kind: .functionCallOutput(callID: call.callID, output: output))
            send(leg, .item) { .itemCreate(item, eventID: $0) }
        }
        record(.toolStarted(callID: call.callID, name: call.name, arguments: "{}"))
        record(.toolFinished(callID: call.callID, name: call.name, outcome, output: output, milliseconds: 0))
    }

    mutating func endAfterGoodbye(_ reason: EndReason, _ initiator: EndInitiator, detail: String) {
        switch phase {
        case .idle: end(reason, initiator, detail: detail)
        case .live: beginGoodbye(reason, initiator, responseID: nil, isCancellable: false, detail: detail)
        case .ending, .ended: break
        }
    }

    private mutating func beginGoodbye(
        _ reason: EndReason,
        _ initiator: EndInitiator,
        responseID: String?,
        isCancellable: Bool,
        detail: String
    ) {
        guard isLive else { return }
        queue.waiting = []
        let by = now + configuration.goodbye.responseTimeoutMilliseconds
        var ending = Ending(reason: reason, initiator: initiator, stage: .beforeGoodbye(by: by))
        ending.isCancellable = isCancellable
        ending.responseID = responseID
        record(.ending(reason, initiator, detail: cut(detail)))
        phase = .ending(ending)
    }

    /// The caller speaks during the goodbye of `end_call`: the call goes on.
    mutating func cancelGoodbye() {
        guard case .ending(let ending) = phase, ending.isCancellable else { return }
        goodbyeWasCancelled = true
        phase = .live
        queue.removeWaiting([.goodbye])
        record(.goodbyeCancelled)
    }

    /// A response is over: it may have been the goodbye, or the one that called `end_call`.
    mutating func endResponseOver(_ active: ActiveResponse) {
        guard case .ending(var ending) = phase else { return }
        if active.purpose == .goodbye, !queue.isWaiting(for: .goodbye) { return goodbyeIsSpoken() }
        if active.id == ending.responseID {
            ending.hasSpoken = active.hasSpoken
            phase = .ending(ending)
        }
    }

    /// No more words will come: what is queued is heard, for a bounded time.
    mutating func goodbyeIsSpoken() {
        guard case .ending(var ending) = phase else { return }
        if case .hearing = ending.stage { return }
        ending.stage = .hearing(until: now + configuration.goodbye.drainTimeoutMilliseconds)
        phase = .ending(ending)
    }

    /// Takes the next step of an ending that is under way.
    mutating func advanceEnding() {
        guard case .ending(let ending) = phase else { return }
        switch ending.stage {
        case .beforeGoodbye(let by): sayGoodbye(ending, by: by)
        case .goodbye: if legs.serving == nil { goodbyeIsSpoken() }
        case .hearing: break
        }
        if case .ending(let ending) = phase, case .hearing = ending.stage, !isPlaying {
            end(ending.reason, ending.initiator, detail: nil)
        }
    }

    private mutating func sayGoodbye(_ ending: Ending, by: CallTime) {
        guard legs.serving != nil else { return goodbyeIsSpoken() }
        guard !queue.isBusy else { return }
        let words: GreetingText
        switch configuration.goodbye.words {
        case .none: return goodbyeIsSpoken()
        case .model:
            if ending.hasSpoken { return goodbyeIsSpoken() }
            words = .instructions(Prompts.goodbye)
        case .exactly(let text): words = .exactly(text)
        }
        var next = ending
        next.stage = .goodbye(by: by)
        phase = .ending(next)
        request(.goodbye, options: Prompts.options(words), isInterruptible: ending.isCancellable)
    }

    /// When the ending goes on whatever happens.
    var endingDeadline: CallTime? {
        guard case .ending(let ending) = phase else { return nil }
        switch ending.stage {
        case .beforeGoodbye(let by), .goodbye(let by): return by
        case .hearing(let until): return until
        }
    }

    mutating func endingIsLate() {
        guard case .ending(let ending) = phase else { return }
        switch ending.stage {
        case .beforeGoodbye, .goodbye: goodbyeIsSpoken()
        case .hearing: end(ending.reason, ending.initiator, detail: nil)
        }
    }

    // MARK: End

    /// There is no model and there will be none: what is queued is heard for a moment, then the call ends.
    mutating func endWithoutModel(_ reason: EndReason, _ initiator: EndInitiator, detail: String) {
        if case .ending(let ending) = phase {
            closeLegs(reason: ending.reason.rawValue)
            return goodbyeIsSpoken()
        }
        guard isLive else { return }
        record(.ending(reason, initiator, detail: cut(detail)))
        closeLegs(reason: reason.rawValue)
        emit(.holdCallerAudio)
        let until = now + configuration.reconnect.drainTimeoutMilliseconds
        phase = .ending(Ending(reason: reason, initiator: initiator, stage: .hearing(until: until)))
    }

    private mutating func closeLegs(reason: String) {
        for leg in legs.all { close(leg.id, reason: reason) }
        queue.waiting = []
        queue.active = nil
        queue.sent = nil
        outage = nil
        turn.isSpeaking = false
        turn.answerDue = nil
        rotation = Rotation()
    }

    /// Ends the call now. A nil detail means that the reason was recorded before.
    mutating func end(_ reason: EndReason, _ initiator: EndInitiator, detail: String?, code: Int = 1000) {
        guard !hasEnded else { return }
        if let detail { record(.ending(reason, initiator, detail: cut(detail))) }
        cancelTools()
        finishAllItems()
        closeLegs(reason: reason.rawValue)
        if carrierIsOpen { emit(.closeCarrier(code: code, reason: reason.rawValue)) }
        if timerAt != nil { emit(.setTimer(at: nil)) }
        timerAt = nil
        counters.historyDropped = history.droppedCount
        var summary = CallSummary()
        summary.durationMilliseconds = carrier == nil ? 0 : now - startedAt
        summary.callerTurns = callerTurns
        summary.agentTurns = agentTurns
        summary.usage = usage
        summary.counters = counters
        record(.summary(summary))
        emit(.ended(reason, initiator))
        phase = .ended
    }
}
