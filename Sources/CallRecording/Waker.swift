import Trunk

/// Lets one thread sleep until it is woken or a time is over. Several wake-ups count as one.
struct Waker: Sendable {
    private let isWoken = Monitor(false)

    func wake() { isWoken.change { $0 = true } }

    /// Returns at once when it was woken since the last wait.
    func wait(milliseconds: Int?) {
        _ = isWoken.wait(milliseconds: milliseconds) { isWoken -> Void? in
            defer { isWoken = false }
            return isWoken ? () : nil
        }
    }
}
