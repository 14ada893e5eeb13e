/// Spares a server that does not answer, and callers the wait for it: after some failures in a row nothing is sent for a
/// while, then one request tries. Time is given from outside, in milliseconds.
public struct CircuitBreaker: Sendable, Hashable {
    /// Failures in a row that open it.
    public static let failuresMaximum = 5
    /// How long nothing is sent, in milliseconds.
    public static let pauseMilliseconds: Int64 = 30_000

    private var failures = 0
    private var closedUntil: Int64?
    private var isTrying = false

    /// A server that nothing is known of.
    public init() {}

    /// Whether a request may be sent now. One that may must be followed by `succeeded` or `failed`.
    public mutating func allows(now: Int64) -> Bool {
        guard let until = closedUntil else { return true }
        guard now >= until, !isTrying else { return false }
        isTrying = true
        return true
    }

    /// The server answered.
    public mutating func succeeded() { self = CircuitBreaker() }

    /// The server did not answer, or not as it should.
    public mutating func failed(now: Int64) {
        failures += 1
        isTrying = false
        if failures >= Self.failuresMaximum { closedUntil = now + Self.pauseMilliseconds }
    }

    /// The request ended without telling anything of the server.
    public mutating func gaveUp() { isTrying = false }
}
