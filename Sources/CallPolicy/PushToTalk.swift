import RealtimeProtocol

/// A caller who holds a button while they talk.
struct PushToTalk: Sendable {
    /// The turn detection that holds when the button is not used; nil while it is not.
    var detection: Nullable<TurnDetection>?
    /// Whether the button is down.
    var isHeld = false
    /// It was let go while no session served: the turn is committed when one does.
    var owesCommit = false
}

extension CallMachine {
    mutating func listen(_ listening: Listening) {
        switch listening {
        case .held: buttonPressed()
        case .released: buttonReleased()
        case .open: buttonIsUnused()
        }
    }

    private mutating func buttonPressed() {
        if pushToTalk.detection == nil {
            pushToTalk.detection = session.input?.turnDetection ?? .null
            setDetection(.null)
        }
        pushToTalk.isHeld = true
        pushToTalk.owesCommit = false
        // What the line carried before is not of this turn.
        if let leg = legs.serving { send(leg, .audioBuffer) { .inputAudioClear(eventID: $0) } }
        callerBegins()
        if configuration.callerMayInterrupt { interrupt(.key) }
    }

    private mutating func buttonReleased() {
        guard pushToTalk.isHeld else { return }
        pushToTalk.isHeld = false
        turn.isSpeaking = false
        turn.stoppedAt = now
        turn.createdMilliseconds = nil
        noteActivity()
        guard let leg = legs.serving else {
            pushToTalk.owesCommit = true
            return
        }
        commitTurn(on: leg)
    }

    private mutating func buttonIsUnused() {
        guard let detection = pushToTalk.detection else { return }
        if pushToTalk.isHeld { turn.isSpeaking = false }
        pushToTalk = PushToTalk()
        setDetection(detection)
    }

    private mutating func setDetection(_ detection: Nullable<TurnDetection>) {
        guard session.input?.turnDetection != detection else { return }
        var update = SessionObject()
        update.input = SessionObject.AudioInput()
        update.input?.turnDetection = detection
        updateSession(update)
    }

    /// A session serves: what was said with the button before, and waited, was a whole turn.
    mutating func commitOwedTurn(on leg: ModelLeg) {
        guard pushToTalk.owesCommit else { return }
        pushToTalk.owesCommit = false
        commitTurn(on: leg)
    }

    private mutating func commitTurn(on leg: ModelLeg) {
        send(leg, .audioBuffer) { .inputAudioCommit(eventID: $0) }
    }

    /// There was nothing to commit: the button was pressed for too short a time.
    mutating func commitRefused() {
        turn.awaitsCommit = false
        turn.stoppedAt = nil
    }
}
