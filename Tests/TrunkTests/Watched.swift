import Trunk

/// A value that tests wait on.
final class Watched<Value: Sendable>: Sendable {
    typealias Condition = @Sendable (Value) -> Bool

    private struct State {
        var value: Value
        var waiters: [Int: (condition: Condition, continuation: CheckedContinuation<Void, Never>)] = [:]
        var nextWaiter = 0
    }

    private let state: Locked<State>

    init(_ value: Value) { state = Locked(State(value: value)) }

    var value: Value { state.withLock { $0.value } }

    func update(_ body: (inout Value) -> Void) {
        let ready = state.withLock { state in
            body(&state.value)
            let ready = state.waiters.filter { $0.value.condition(state.value) }
            for number in ready.keys { state.waiters[number] = nil }
            return ready
        }
        for waiter in ready.values { waiter.continuation.resume() }
    }

    /// Returns once the condition holds, or the task is cancelled: a test's time limit ends what it waits for.
    ///
    /// - Parameters:
    ///   - condition: Asked now.
    ///   - next: Asked after each change; `condition` unless given. Where values grow, a look at what is new is enough.
    @discardableResult
    func wait(until condition: @escaping Condition, orThen next: Condition? = nil) async -> Value {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if condition(state.value) || Task.isCancelled { return true }
                    state.waiters[number] = (next ?? condition, continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume()
        }
        return value
    }
}

/// Asks an engine again and again, for what no event tells; until the task is cancelled.
func poll(_ engine: CallEngine, until condition: @Sendable (isolated CallEngine) -> Bool) async {
    while await !engine.perform(condition), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
}
