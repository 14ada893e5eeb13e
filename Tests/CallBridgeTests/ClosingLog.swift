import Synchronization

/// Hands a close code from a loop to a test.
final class ClosingLog: Sendable {
    private let state = Mutex<(code: Int?, waiter: CheckedContinuation<Int, Never>?)>((nil, nil))

    var code: Int {
        get async {
            await withCheckedContinuation { continuation in
                let code = state.withLock { state in
                    if state.code == nil { state.waiter = continuation }
                    return state.code
                }
                if let code { continuation.resume(returning: code) }
            }
        }
    }

    func finish(_ code: Int) {
        let waiter = state.withLock { state in
            state.code = code
            return state.waiter
        }
        waiter?.resume(returning: code)
    }
}
