/// How long nobody has spoken, and what was done about it.
struct IdleState: Sendable {
    /// The next step of the ladder.
    var step = 0
    /// Since when it is quiet; nil while it is not.
    var since: CallTime?
}

extension CallMachine {
    /// The caller did something: the ladder begins anew.
    mutating func noteActivity() { idle = IdleState() }

    /// Whether nobody speaks and nothing is under way.
    private var isQuiet: Bool {
        guard isLive, legs.serving != nil, keys.flushAt == nil else { return false }
        if case .waiting = greeting { return false }
        return queue.isIdle && !isPlaying && !turn.isSpeaking && turn.answerDue == nil && toolCalls.open.isEmpty
    }

    /// Starts or stops the clock of the ladder.
    mutating func updateIdle() {
        guard configuration.idle != nil else { return }
        if !isQuiet {
            idle.since = nil
        } else if idle.since == nil {
            idle.since = now
        }
    }

    /// When the next step of the ladder is due.
    var idleDeadline: CallTime? {
        guard let ladder = configuration.idle, let since = idle.since else { return nil }
        guard idle.step < ladder.steps.count else { return since + ladder.endAfterMilliseconds }
        return since + ladder.steps[idle.step].afterMilliseconds
    }

    mutating func climbIdleLadder() {
        guard let ladder = configuration.idle else { return }
        guard idle.step < ladder.steps.count else {
            return end(.idle, .system, detail: "nobody spoke")
        }
        let step = ladder.steps[idle.step]
        idle.step += 1
        idle.since = nil
        request(.idlePrompt, options: Prompts.options(step.text))
    }
}
