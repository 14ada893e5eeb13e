import RealtimeProtocol

/// An utterance that the caller must hear to its end.
struct ProtectedUtterance: Sendable {
    let requestID: Int
    /// Its response, once it is created.
    var responseID: String?
    /// Whether the model has generated all of it; it may still be playing.
    var isGenerated = false
}

extension CallMachine {
    /// Stops what the agent says and tells the model how much of it was heard. Nothing happens when it says nothing.
    ///
    /// - Parameters:
    ///   - cause: What interrupts.
    ///   - speechStart: Where speech began in the audio of the session, milliseconds.
    mutating func interrupt(_ cause: Interruption.Cause, speechStart: Int? = nil) {
        if protected != nil {
            guard cause == .command else {
                if cause == .speech, isPlaying { turn.talksOverSince = turn.talksOverSince ?? now }
                return record(.interruptionSuppressed)
            }
            protected = nil
            reconcileInterrupts()
        }
        let active = queue.active.flatMap { $0.isMuted ? nil : $0 }
        let plan = BargeIn(
            snapshot,
            serving: legs.serving,
            activeItems: active?.itemIDs ?? [],
            isTruncated: { truncatedItems.contains($0) }
        )
        guard plan.hasAudio || active != nil else { return }
        if plan.hasAudio { emit(.interruptPlayback) }
        if let active { silence(active, cancel: cause != .speech || !serverInterrupts) }
        for truncation in plan.truncations { truncate(truncation) }
        counters.interruptions += 1
        record(
            .interrupted(
                Interruption(
                    cause: cause,
                    itemID: plan.audible?.itemID,
                    heardMilliseconds: plan.audible?.heardPosition ?? 0,
                    droppedMilliseconds: plan.droppedMilliseconds,
                    responseID: active?.id,
                    talkOverMilliseconds: speechStart.flatMap { talkOver(since: $0) }
                )
            )
        )
        endTalkOver()
        for item in plan.cutItems { cutItem(item) }
        if let active { cutItems(of: active.id) }
        finishCutItems()
        snapshot = .silent
        isPlaying = false
    }

    /// The start that a level detector tells lies before the speech by its padding; another's is not known. Both speak only
    /// while the agent is heard.
    private func talkOver(since start: Int) -> Int? {
        guard let detection = turnDetection, detection.kind == .serverVAD else { return nil }
        let padding = detection.prefixPaddingMilliseconds ?? TurnDetection.defaultPrefixPadding
        let speech = snapshot.givenMilliseconds - start - padding
        let heard = snapshot.items.reduce(0) { $0 + $1.heardPosition }
        return heard > 0 && speech >= 0 ? min(speech, heard) : nil
    }

    /// Drops what still comes of a response, and stops it when the server does not.
    mutating func silence(_ active: ActiveResponse, cancel: Bool) {
        emit(.muteResponse(responseID: active.id))
        queue.active?.isMuted = true
        guard cancel, !active.wasCancelled else { return }
        queue.active?.wasCancelled = true
        send(active.leg, .cancel) { .responseCancel(responseID: active.id, eventID: $0) }
    }

    private mutating func truncate(_ truncation: BargeIn.Truncation) {
        guard let leg = legs.serving, truncatedItems.insert(truncation.itemID) else { return }
        counters.truncations += 1
        send(leg, .truncation(itemID: truncation.itemID)) {
            .itemTruncate(
                itemID: truncation.itemID,
                contentIndex: truncation.contentIndex,
                audioEndMilliseconds: truncation.audioEndMilliseconds,
                eventID: $0
            )
        }
        record(
            .truncated(
                itemID: truncation.itemID,
                audioEndMilliseconds: truncation.audioEndMilliseconds,
                receivedMilliseconds: truncation.receivedMilliseconds
            )
        )
    }

    // MARK: Utterances that must be heard

    /// One of the two is silent.
    mutating func endTalkOver() {
        guard let since = turn.talksOverSince else { return }
        turn.talksOverSince = nil
        record(.talkedOver(milliseconds: now - since))
    }

    /// The response of a protected utterance is done, or will never be.
    mutating func protectedResponseDone(_ responseID: String) {
        guard protected?.responseID == responseID else { return }
        protected?.isGenerated = true
        releaseProtectedIfHeard()
    }

    /// Nothing of it is left to hear: the caller may interrupt again.
    mutating func releaseProtectedIfHeard() {
        guard let utterance = protected, utterance.isGenerated else { return }
        let isOpen = items.open.contains { $0.responseID == utterance.responseID && !$0.isHeard }
        guard !(isOpen && isPlaying) else { return }
        protected = nil
        reconcileInterrupts()
    }
}
