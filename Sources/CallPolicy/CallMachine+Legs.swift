import RealtimeProtocol

extension CallMachine {
    mutating func dial(_ purpose: DialPurpose) {
        let timeout = configuration.reconnect.dialTimeoutMilliseconds
        let leg = legs.dial(purpose, at: now, timeoutMilliseconds: timeout)
        record(.modelDialled(leg, purpose: purpose))
        emit(.dialModel(leg))
    }

    mutating func modelOpened(_ id: ModelLeg) {
        guard let leg = legs[id], leg.stage == .dialling else { return ignore() }
        let deadline = now + configuration.reconnect.sessionCreatedTimeoutMilliseconds
        legs.change(id) { leg in
            leg.stage = .opened
            leg.deadline = deadline
        }
    }

    /// Counts an input that came too late or makes no sense.
    mutating func ignore() { counters.ignoredInputs += 1 }

    /// Closes a leg that is still ours to close.
    mutating func close(_ id: ModelLeg, code: Int = 1000, reason: String) {
        guard legs.remove(id) != nil else { return }
        emit(.closeModel(id, code: code, reason: reason))
    }

    // MARK: Configuring

    /// `session.created`: now the session can be configured.
    mutating func sessionCreated(_ id: ModelLeg, _ created: SessionObject) {
        guard let leg = legs[id], leg.stage == .opened else { return ignore() }
        let deadline = now + configuration.reconnect.sessionUpdatedTimeoutMilliseconds
        let suspended = wantsInterruptsSuspended
        let version = sessionVersion
        legs.change(id) { leg in
            leg.stage = .configuring
            leg.sessionVersion = version
            leg.deadline = deadline
            leg.sessionID = created.id
            leg.interruptsSuspended = suspended
        }
        let wanted = effective(session)
        send(id, .configuration(id)) { .sessionUpdate(wanted, eventID: $0) }
    }

    /// `session.updated`: the first one makes the leg ready.
    mutating func sessionUpdated(_ id: ModelLeg, _ updated: SessionObject) {
        guard let leg = legs[id] else { return ignore() }
        if let mismatch = formatMismatch(updated) {
            warn(.formatMismatch, mismatch)
            return endWithoutModel(.formatMismatch, .model, detail: mismatch)
        }
        guard leg.stage == .configuring else { return }
        let readyAt = now
        legs.change(id) { leg in
            leg.stage = .ready
            leg.deadline = nil
            leg.readyAt = readyAt
        }
        if leg.sessionVersion != sessionVersion {
            let wanted = effective(session)
            send(id, .sessionUpdate) { .sessionUpdate(wanted, eventID: $0) }
        }
        guard isLive else { return }
        if legs.serving == nil {
            serve(id)
        } else {
            standBy(id)
        }
    }

    /// Compares the negotiated formats with those asked for; a server that does not tell is believed.
    private func formatMismatch(_ updated: SessionObject) -> String? {
        let pairs = [
            ("input", session.input?.format, updated.input?.format),
            ("output", session.output?.format, updated.output?.format),
        ]
        for (name, asked, got) in pairs {
            guard let asked, let got, asked != got else { continue }
            return "\(name) format is \(got.json.text) instead of \(asked.json.text)"
        }
        return nil
    }

    // MARK: Serving

    /// Lets a configured leg serve the call: first the conversation so far, then the caller's audio.
    mutating func serve(_ id: ModelLeg) {
        guard let leg = legs[id] else { return }
        restoreHistory(on: id, wholly: true)
        legs.serving = id
        hasServed = true
        waitingToneAt = nil
        silentSessions = 0
        emit(.openCallerAudio(id))
        commitOwedTurn(on: id)
        record(.modelServing(id, sessionID: leg.sessionID, afterMilliseconds: now - leg.dialledAt))
        toolCalls.moveTo(id) { history.hasCall($0) }
        rotation.schedule(now, configuration.rotation)
        if let outage { endOutage(outage, on: id) }
        reconcileInterrupts()
        recover()
        beginGreeting()
    }

    /// Tells a session what it does not know of the conversation. Without `wholly` it stops at the first entry that may
    /// still change.
    mutating func restoreHistory(on id: ModelLeg, wholly: Bool) {
        guard let leg = legs[id] else { return }
        var told = leg.toldThrough
        var count = 0
        for entry in history.entries where entry.sequence > told {
            guard entry.isFinal || wholly else { break }
            told = entry.sequence
            if restore(entry, on: id) { count += 1 }
        }
        legs.change(id) { leg in
            leg.toldThrough = told
            leg.restoredItems += count
        }
    }

    private mutating func restore(_ entry: History.Entry, on id: ModelLeg) -> Bool {
        if case .output(let callID, _) = entry.content, !history.hasCall(callID) { return false }
        let item = entry.item { itemID in
            items.item(itemID)?.heardText(in: snapshot) ?? ""
        }
        guard let item else { return false }
        send(id, .item) { .itemCreate(item, eventID: $0) }
        return true
    }

    // MARK: Who may interrupt

    /// Whether the server must not interrupt its responses at this moment.
    var wantsInterruptsSuspended: Bool { protected != nil }

    /// The session with the turn detection that holds at this moment.
    func effective(_ session: SessionObject) -> SessionObject {
        guard case .value(var detection)?? = session.input.map(\.turnDetection) else { return session }
        if wantsInterruptsSuspended || !configuration.callerMayInterrupt { detection.interruptResponse = false }
        var result = session
        result.input?.turnDetection = .value(detection)
        return result
    }

    /// The turn detection asked for; nil when turns are only committed.
    var turnDetection: TurnDetection? { session.input?.turnDetection?.value }

    /// Whether the server stops its response by itself when the caller speaks.
    var serverInterrupts: Bool {
        guard let detection = turnDetection, configuration.callerMayInterrupt else { return false }
        return detection.interruptResponse != false && legs.servingLeg?.interruptsSuspended != true
    }

    /// Whether the server answers a turn of the caller by itself.
    var serverAnswers: Bool { turnDetection.map { $0.createResponse != false } ?? false }

    /// Tells the session whether it may interrupt, when that has changed.
    mutating func reconcileInterrupts() {
        guard let leg = legs.servingLeg, leg.interruptsSuspended != wantsInterruptsSuspended else { return }
        let suspended = wantsInterruptsSuspended
        legs.change(leg.id) { $0.interruptsSuspended = suspended }
        guard let detection = turnDetection, detection.interruptResponse != false, configuration.callerMayInterrupt
        else { return }
        var update = SessionObject()
        update.input = SessionObject.AudioInput()
        update.input?.turnDetection = session.input?.turnDetection
        let wanted = effective(update)
        send(leg.id, .sessionUpdate) { .sessionUpdate(wanted, eventID: $0) }
    }
}
