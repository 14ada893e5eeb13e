import RealtimeProtocol

extension CallMachine {
    mutating func playbackStarted(_ itemID: String) {
        isPlaying = true
        guard let item = items.item(itemID), !item.hasStarted else { return }
        items.change(itemID) { $0.hasStarted = true }
        measureLatency()
    }

    /// Notes which items the caller has begun to hear, and since when: each is heard without a pause.
    mutating func noteHeard() {
        for played in snapshot.items where played.receivedMilliseconds > 0 {
            guard let item = items.item(played.itemID), !item.heardIsTold else { continue }
            let heard = played.heardPosition
            items.change(played.itemID) { item in
                item.receivedMilliseconds = played.receivedMilliseconds
                item.heardIsTold = heard > 0
            }
            if heard > 0 { record(.agentHeard(itemID: played.itemID, agoMilliseconds: heard)) }
        }
    }

    mutating func playbackItemFinished(_ itemID: String) {
        // Short ones are over before anything else is seen of them.
        if let item = items.item(itemID), !item.heardIsTold, item.receivedMilliseconds > 0 {
            record(.agentHeard(itemID: itemID, agoMilliseconds: item.receivedMilliseconds))
        }
        items.change(itemID) { item in
            item.hasStarted = true
            item.isHeard = true
            item.heardIsTold = true
        }
        finish(items.take { $0.itemID == itemID && $0.textIsFinal })
        releaseProtectedIfHeard()
    }

    mutating func playbackDrained() {
        isPlaying = false
        endTalkOver()
        snapshot = .silent
        let activeID = queue.active?.id
        items.changeAll(where: { $0.hasStarted && $0.responseID != activeID }) { $0.isHeard = true }
        finish(items.take { $0.isHeard && ($0.textIsFinal || $0.responseID != activeID) })
        releaseProtectedIfHeard()
    }

    // MARK: Words

    mutating func itemBegan(_ itemID: String, responseID: String, leg: ModelLeg) {
        guard items.begin(itemID, leg: leg, responseID: responseID) else {
            counters.itemsOverLimit += 1
            return
        }
        if queue.active?.id == responseID, queue.active?.itemIDs.contains(itemID) == false {
            queue.active?.itemIDs.append(itemID)
        }
        let isUnwanted = queue.active?.id == responseID && queue.active?.isMuted == true
        guard isUnwanted else { return history.append(.agent(itemID: itemID, text: nil)) }
        items.change(itemID) { $0.cut = .init(heard: "", heardMilliseconds: 0) }
    }

    mutating func wordsCame(_ position: PartPosition, _ delta: String) {
        let limit = configuration.limits.recordTextBytes
        items.change(position.itemID) { $0.append(delta, byteLimit: limit) }
        if queue.active?.id == position.responseID { queue.active?.hasSpoken = true }
    }

    mutating func wordsEnded(_ position: PartPosition, _ transcript: String) {
        let words = cut(transcript)
        let itemID = position.itemID
        items.change(itemID) { item in
            if !words.isEmpty { item.text = words }
            item.textIsFinal = true
        }
        if !words.isEmpty, queue.active?.id == position.responseID { queue.active?.hasSpoken = true }
        finish(items.take { $0.itemID == itemID && $0.isHeard })
        finishCutItems()
    }

    /// Notes what was heard of an item that is interrupted.
    mutating func cutItem(_ played: PlaybackItem) {
        guard let item = items.item(played.itemID), item.cut == nil else { return }
        let heard = item.heardText(in: snapshot)
        let milliseconds = played.heardPosition
        items.change(played.itemID) { $0.cut = .init(heard: heard, heardMilliseconds: milliseconds) }
        history.setAgent(itemID: played.itemID, text: heard)
    }

    /// Nothing more will be heard of the items of a response.
    mutating func cutItems(of responseID: String) {
        for item in items.open where item.responseID == responseID && item.cut == nil && !item.isHeard {
            let played = snapshot.items.first { $0.itemID == item.itemID }
            let heard = item.heardText(in: snapshot)
            let milliseconds = played?.heardPosition ?? 0
            items.change(item.itemID) { $0.cut = .init(heard: heard, heardMilliseconds: milliseconds) }
            history.setAgent(itemID: item.itemID, text: heard)
        }
    }

    // MARK: Writing down

    /// Writes down the interrupted items whose words are all known.
    mutating func finishCutItems() {
        finish(items.take { $0.cut != nil && $0.textIsFinal })
    }

    /// The response is done: what was not sent to the caller never will be.
    mutating func finishItems(ofResponse responseID: String) {
        items.changeAll(where: { $0.responseID == responseID }) { $0.textIsFinal = true }
        let played = Set(snapshot.items.map(\.itemID))
        finish(
            items.take { item in
                guard item.responseID == responseID else { return false }
                return item.isHeard || item.cut != nil || (!item.hasStarted && !played.contains(item.itemID))
            }
        )
    }

    /// A leg is gone and nothing is playing: its items are finished.
    mutating func finishItems(of leg: ModelLeg) {
        items.changeAll(where: { $0.leg == leg && $0.hasStarted && $0.cut == nil }) { $0.isHeard = true }
        finish(items.take { $0.leg == leg })
    }

    /// The call is over: what is playing is heard up to here.
    mutating func finishAllItems() {
        for item in snapshot.items where items.item(item.itemID)?.isHeard == false { cutItem(item) }
        finish(items.take { _ in true })
    }

    private mutating func finish(_ finished: [AgentItems.Item]) {
        for item in finished { finish(item) }
    }

    private mutating func finish(_ item: AgentItems.Item) {
        var transcript = AgentTranscript(
            itemID: item.itemID,
            heard: "",
            unheard: item.text,
            heardMilliseconds: 0,
            wasInterrupted: false
        )
        if let cut = item.cut {
            transcript.heard = cut.heard
            transcript.unheard = HeardSplit.rest(of: item.text, after: cut.heard)
            transcript.heardMilliseconds = cut.heardMilliseconds
            transcript.wasInterrupted = true
        } else if item.isHeard {
            transcript.heard = item.text
            transcript.unheard = ""
            transcript.heardMilliseconds = nil
        }
        history.setAgent(itemID: item.itemID, text: transcript.heard)
        if transcript.heardMilliseconds != 0 { agentTurns += 1 }
        guard !item.text.isEmpty || transcript.heardMilliseconds != 0 else { return }
        record(.agentTranscript(transcript))
    }
}
