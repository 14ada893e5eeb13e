import Trunk

/// A value that tests wait on.
final class Watched<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var waiters: [(condition: @Sendable (Value) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Locked<State>

    init(_ value: Value) { state = Locked(State(value: value)) }

    var value: Value { state.withLock { $0.value } }

    func update(_ body: (inout Value) -> Void) {
        let ready = state.withLock { state in
            body(&state.value)
            let ready = state.waiters.filter { $0.condition(state.value) }
            state.waiters.removeAll { $0.condition(state.value) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Returns once the condition holds.
    @discardableResult
    func wait(until condition: @escaping @Sendable (Value) -> Bool) async -> Value {
        await withCheckedContinuation { continuation in
            let holds = state.withLock { state in
                if condition(state.value) { return true }
                state.waiters.append((condition, continuation))
                return false
            }
            if holds { continuation.resume() }
        }
        return value
    }
}

/// Asks an engine again and again, for what no event tells.
func poll(_ engine: CallEngine, until condition: @Sendable (isolated CallEngine) -> Bool) async {
    while await !engine.perform(condition) { await Task.yield() }
}
