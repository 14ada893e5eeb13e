extension CallMachine {
    /// The earliest moment at which something is due.
    private var earliestDeadline: CallTime? {
        var earliest: CallTime?
        func consider(_ moment: CallTime?) {
            if let moment, moment < earliest ?? CallTime(milliseconds: .max) { earliest = moment }
        }
        consider(endingDeadline)
        for leg in legs.all { consider(leg.deadline) }
        consider(toolCalls.deadline)
        consider(requestDeadline)
        guard isLive else { return earliest }
        consider(startedAt + configuration.limits.durationMilliseconds)
        consider(durationWarningAt)
        consider(waitingToneAt)
        consider(outage?.nextDialAt)
        consider(outageEndsAt)
        consider(rotation.dialAt)
        consider(rotation.forceAt)
        if case .waiting(let until) = greeting { consider(until) }
        consider(idleDeadline)
        consider(turn.answerDue)
        consider(keys.flushAt)
        return earliest
    }

    /// When a request or a response must have gone on.
    private var requestDeadline: CallTime? {
        if let sent = queue.sent { return sent.at + configuration.responses.createTimeoutMilliseconds }
        if queue.active != nil { return stallDeadline }
        guard legs.serving != nil, !queue.waiting.isEmpty else { return nil }
        return queue.blockedUntil ?? queue.nextReady(after: now)
    }

    private var stallDeadline: CallTime? {
        // While audio waits to be played, a silent model has just said enough for now.
        guard queue.active != nil, !isPlaying, let leg = legs.servingLeg else { return nil }
        return leg.lastEventAt + configuration.responses.stallTimeoutMilliseconds
    }

    private var durationWarningAt: CallTime? {
        guard !hasWarnedOfDuration, let warning = configuration.limits.durationWarning else { return nil }
        return startedAt + (configuration.limits.durationMilliseconds - warning.beforeMilliseconds)
    }

    /// Asks for the next `timer` input. A moment asked for before that is early enough stays: most deadlines move
    /// further away with every event.
    mutating func updateTimer() {
        let wanted = earliestDeadline
        if let wanted, let timerAt, timerAt <= wanted { return }
        guard wanted != timerAt else { return }
        timerAt = wanted
        emit(.setTimer(at: wanted))
    }

    private func isDue(_ moment: CallTime?) -> Bool { moment.map { $0 <= now } ?? false }

    /// Does everything that is due.
    mutating func fireDeadlines() {
        if isDue(endingDeadline) { endingIsLate() }
        fireLegDeadlines()
        fireToolDeadlines()
        fireRequestDeadlines()
        guard isLive else { return }
        if isDue(startedAt + configuration.limits.durationMilliseconds) {
            return end(.maximumDuration, .system, detail: "the call reached its maximum duration")
        }
        if isDue(durationWarningAt), let warning = configuration.limits.durationWarning {
            hasWarnedOfDuration = true
            request(.durationWarning, options: Prompts.options(warning.text))
        }
        if isDue(outageEndsAt) { return outageBudgetSpent() }
        if isDue(outage?.nextDialAt) { redial() }
        if isDue(waitingToneAt) { soundWaitingTone() }
        if isDue(rotation.dialAt) { beginRotation() }
        if isDue(rotation.forceAt) { rotate(forced: true) }
        if case .waiting(let until) = greeting, until <= now { greetAfterSilence() }
        if isDue(idleDeadline) { climbIdleLadder() }
        if isDue(turn.answerDue) { answerIsMissing() }
        if isDue(keys.flushAt) { flushKeys() }
    }

    private mutating func fireLegDeadlines() {
        for leg in legs.all where isDue(leg.deadline) {
            switch leg.stage {
            case .dialling: abandon(leg.id, reason: "dial timeout")
            case .opened: sessionIsSilent(leg.id, reason: "no session.created")
            case .configuring: sessionIsSilent(leg.id, reason: "no session.updated")
            case .ready: break
            }
        }
    }

    private mutating func fireRequestDeadlines() {
        if let sent = queue.sent, isDue(sent.at + configuration.responses.createTimeoutMilliseconds) {
            warn(.modelStalled, "no response.created")
            requestFailed("no response.created", mayRetry: true)
        }
        if isDue(stallDeadline), let leg = legs.serving {
            warn(.modelStalled, "the response does not go on")
            abandon(leg, reason: "stalled")
        }
    }
}
