/// The move to a new model session before the old one grows too old.
struct Rotation: Sendable {
    /// When the next session is dialled; nil is never, or it is under way.
    var dialAt: CallTime?
    /// When the move is made whether the moment is silent or not.
    var forceAt: CallTime?
    /// Attempts that failed since the last move.
    var failures = 0

    /// Pauses between attempts to make the next session ready.
    static let retryMilliseconds = 10_000
    /// Attempts that may fail before the old session is used to its end.
    static let failureLimit = 5

    /// Starts the clock for a session that serves from now on.
    mutating func schedule(_ now: CallTime, _ policy: RotationPolicy) {
        self = Rotation()
        if policy.afterMilliseconds > 0 { dialAt = now + policy.afterMilliseconds }
    }
}

extension CallMachine {
    /// Begins to make the next session.
    mutating func beginRotation() {
        rotation.dialAt = nil
        guard isLive, legs.serving != nil, legs.candidate == nil else { return }
        dial(.rotation)
    }

    /// The next session is configured: it hears the conversation so far and waits for a silent moment.
    mutating func standBy(_ id: ModelLeg) {
        restoreHistory(on: id, wholly: false)
        let policy = configuration.rotation
        let quarter = policy.afterMilliseconds > 0 ? policy.afterMilliseconds / 4 : policy.forceMilliseconds
        rotation.forceAt = now + min(policy.forceMilliseconds, quarter)
    }

    mutating func rotationFailed(_ verdict: LossVerdict, _ close: LegClose) {
        rotation.forceAt = nil
        rotation.failures += 1
        warn(.rotationFailed, "attempt \(rotation.failures): \(close.code) \(close.reason)")
        if case .fatal = verdict { return }
        guard rotation.failures < Rotation.failureLimit else { return }
        rotation.dialAt = now + Rotation.retryMilliseconds
    }

    /// Whether nothing is going on that a move would disturb.
    private var isSilentMoment: Bool {
        queue.isIdle && !isPlaying && !turn.isSpeaking && turn.answerDue == nil && toolCalls.open.isEmpty
            && protected == nil && keys.flushAt == nil
            && !(history.awaitsTranscription && isTranscribed)
    }

    mutating func rotateIfSilent() {
        guard isLive, rotation.forceAt != nil, isSilentMoment else { return }
        rotate(forced: false)
    }

    /// Moves the call to the session that stands by.
    mutating func rotate(forced: Bool) {
        rotation.forceAt = nil
        guard let old = legs.serving, let next = legs.candidate, next.stage == .ready else { return }
        counters.rotations += 1
        leaveSession(old)
        serve(next.id)
        close(old, reason: "rotated")
        let restored = legs[next.id]?.restoredItems ?? 0
        record(.rotated(from: old, to: next.id, forced: forced, restoredItems: restored))
    }
}
