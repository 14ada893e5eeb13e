/// How far the first words of the agent are.
enum GreetingState: Sendable {
    /// No session was ready yet.
    case pending
    /// Spoken unless the caller speaks before this moment.
    case waiting(until: CallTime)
    /// Asked for, or not wanted any more.
    case done
}

extension CallMachine {
    /// The first session is ready: the agent speaks, waits, or leaves it to the caller.
    mutating func beginGreeting() {
        guard case .pending = greeting else { return }
        greeting = .done
        guard isLive else { return }
        switch configuration.greeting {
        case .callerFirst: break
        case .agentFirst(let text): greet(text)
        case .agentAfter(let milliseconds, _): greeting = .waiting(until: now + milliseconds)
        }
    }

    /// Nobody spoke: now the agent does.
    mutating func greetAfterSilence() {
        greeting = .done
        guard isLive, case .agentAfter(_, let text) = configuration.greeting else { return }
        greet(text)
    }

    /// The caller was faster.
    mutating func skipGreeting() {
        if case .waiting = greeting { greeting = .done }
    }

    private mutating func greet(_ text: GreetingText) {
        let isInterruptible = configuration.greetingIsInterruptible
        request(.greeting, options: Prompts.options(text), isInterruptible: isInterruptible)
    }
}
