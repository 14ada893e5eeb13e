import RealtimeProtocol

/// Keys that were pressed and not told to the model yet.
struct KeyBuffer: Sendable {
    var pressed = ""
    var flushAt: CallTime?
}

extension CallMachine {
    mutating func carrierStarted(_ start: CarrierStart) {
        guard case .idle = phase else {
            counters.ignoredInputs += 1
            return warn(.unexpectedInput, "the carrier started twice")
        }
        phase = .live
        carrier = start
        carrierIsOpen = true
        startedAt = now
        counters.parametersDropped = start.droppedParameters
        record(.started(start))
        guard (start.isTelephoneAudio || start.hasLine) else {
            // Whatever was said to this caller would be noise.
            return end(.formatMismatch, .system, detail: "the stream is no telephone audio", code: 1003)
        }
        emit(.holdCallerAudio)
        dial(.first)
        waitingToneAt = configuration.waitingTone.map { now + $0.afterMilliseconds }
    }

    /// Still nobody answers: the caller hears that the line is not dead.
    mutating func soundWaitingTone() {
        waitingToneAt = configuration.waitingTone.map { now + max(1, $0.everyMilliseconds) }
        counters.waitingTones += 1
        emit(.playWaitingTone)
    }

    mutating func carrierStopped() {
        if let handedOverBy { return end(.transferred, handedOverBy, detail: "the carrier took the call over") }
        end(.callerHungUp, .caller, detail: "the carrier stopped the stream")
    }

    mutating func carrierClosed(_ close: LegClose) {
        carrierIsOpen = false
        let isOrderly = close.cause == .peerClosed && [1000, 1001, 1005].contains(close.code)
        let detail = "the carrier closed with \(close.code) \(close.reason)"
        if let handedOverBy { return end(.transferred, handedOverBy, detail: detail) }
        end(isOrderly ? .callerHungUp : .carrierLost, isOrderly ? .caller : .system, detail: detail)
    }

    // MARK: Keys

    mutating func keyPressed(_ key: String) {
        guard isLive else {
            counters.ignoredInputs += 1
            return
        }
        noteActivity()
        if configuration.keys.interrupts { interrupt(.key) }
        let isTerminator = key == configuration.keys.terminator
        if isTerminator, keys.pressed.isEmpty { return record(.keys(key)) }
        if !isTerminator { keys.pressed += key }
        keys.flushAt = now + configuration.keys.gapMilliseconds
        if isTerminator || keys.pressed.utf8.count >= configuration.limits.keys { flushKeys() }
    }

    mutating func flushKeys() {
        let pressed = keys.pressed
        keys = KeyBuffer()
        guard !pressed.isEmpty else { return }
        record(.keys(pressed))
        guard configuration.keys.tellsModel else { return }
        tell("The caller pressed these keys on the telephone: \(pressed)", role: "user")
        request(.keys)
    }

    /// Adds a text to the conversation, here and at the model.
    mutating func tell(_ text: String, role: String) {
        if let leg = legs.serving {
            send(leg, .item) { .itemCreate(.text(text, role: role), eventID: $0) }
        }
        let kept = cut(text)
        history.append(role == "user" ? .user(itemID: "", text: kept) : .system(text: kept))
    }
}
