import RealtimeProtocol

/// What the caller is doing.
struct CallerTurn: Sendable {
    /// Between `speech_started` and `speech_stopped`.
    var isSpeaking = false
    /// From `speech_started` until the turn is in the conversation.
    var awaitsCommit = false
    /// When the caller stopped; nil after the answer began.
    var stoppedAt: CallTime?
    /// From the end of the turn to `response.created`, in milliseconds.
    var createdMilliseconds: Int?
    /// When the server must have created its response to the turn; nil when none is awaited.
    var answerDue: CallTime?
    /// Since when the caller speaks over words that must not be interrupted; nil when they do not.
    var talksOverSince: CallTime?
    /// Items of silence that the server commits by itself.
    var silentItems = RecentSet(limit: 16)
}

extension CallMachine {
    mutating func speechStarted(_ itemID: String, at start: Int) {
        record(.callerSpeechStarted(itemID: itemID))
        callerBegins()
        guard isLive, configuration.callerMayInterrupt else { return }
        interrupt(.speech, speechStart: start)
    }

    /// A turn of the caller begins: what waits to be said has lost its occasion.
    mutating func callerBegins() {
        turn.isSpeaking = true
        turn.awaitsCommit = true
        turn.stoppedAt = nil
        turn.answerDue = nil
        noteActivity()
        skipGreeting()
        cancelGoodbye()
        queue.removeWaiting([.greeting, .idlePrompt, .filler, .lostTurn, .callerTurn, .continuation])
    }

    mutating func speechStopped(_ itemID: String) {
        record(.callerSpeechStopped(itemID: itemID))
        endTalkOver()
        turn.isSpeaking = false
        turn.stoppedAt = now
        turn.createdMilliseconds = nil
        noteActivity()
        if serverAnswers { turn.answerDue = now + configuration.responses.serverResponseTimeoutMilliseconds }
    }

    /// The caller's turn is in the conversation.
    mutating func turnCommitted(_ itemID: String) {
        guard !turn.silentItems.contains(itemID) else { return }
        turn.isSpeaking = false
        turn.awaitsCommit = false
        callerTurns += 1
        toolCalls.forcedAnswers = 0
        record(.callerTurnCommitted(itemID: itemID))
        history.append(.user(itemID: itemID, text: nil))
        if !isTranscribed { turn.silentItems.insert(itemID) }
        if !serverAnswers { request(.callerTurn) }
    }

    /// Whether the caller's words are written down.
    var isTranscribed: Bool { session.input?.transcription?.value != nil }

    mutating func transcribed(_ itemID: String, _ transcript: String, _ used: TranscriptionUsage?) {
        if let used, countedUsage.insert(itemID) {
            let model = session.input?.transcription?.value?.model ?? ""
            let cost = usage.add(used, perMinute: configuration.prices.transcriptionPerMinute[model])
            record(.transcriptionUsage(used, costMicrodollars: cost))
            checkCost()
        }
        guard !turn.silentItems.contains(itemID) else { return }
        let text = cut(transcript)
        history.setUser(itemID: itemID, text: text)
        record(.callerTranscript(itemID: itemID, text: text))
    }

    /// The server did not answer a turn: it is asked to.
    mutating func answerIsMissing() {
        turn.answerDue = nil
        guard isLive, queue.active == nil else { return }
        warn(.modelStalled, "no response to the caller's turn")
        request(.callerTurn)
    }

    /// How fast the answer was, when the first audio after a turn is sent.
    mutating func measureLatency() {
        guard let stoppedAt = turn.stoppedAt else { return }
        turn.stoppedAt = nil
        record(
            .turnLatency(
                TurnLatency(
                    createdMilliseconds: turn.createdMilliseconds,
                    firstAudioMilliseconds: now - stoppedAt
                )
            )
        )
    }
}
