/// Bounds of logins.
public struct LoginLimits: Sendable, Hashable {
    /// How long a login holds, in milliseconds.
    public var sessionMilliseconds: Int64 = 12 * 3_600_000
    /// Logins that hold at once; the oldest ends when there are more.
    public var sessions = 1_000
    /// Wrong passwords and tokens of one address before it must wait.
    public var failuresPerAddress = 5
    /// How long they wait, in milliseconds.
    public var pauseMilliseconds: Int64 = 60_000
    /// Addresses whose wrong passwords are remembered; beyond that the one that tried first is forgotten.
    public var addresses = 1_000

    /// The defaults.
    public init() {}
}

/// Who has logged in, and who tries passwords. Time is given from outside: milliseconds of any clock that goes forward.
public struct LoginSessions: Sendable {
    private struct Session: Sendable {
        var visitor: Visitor
        var until: Int64
    }

    /// Wrong passwords within a pause.
    private struct Failures: Sendable {
        var count = 0
        var until: Int64 = 0

        func isOver(_ limit: Int, _ now: Int64) -> Bool { count >= limit && now < until }

        mutating func add(_ now: Int64, _ pause: Int64) {
            if now >= until { count = 0 }
            count += 1
            until = now + pause
        }
    }

    /// What limits were hit.
    public struct Counters: Sendable, Hashable {
        /// Logins that were let in.
        public var logins = 0
        /// Wrong passwords and tokens.
        public var failures = 0
        /// Attempts with a password or a token that were not looked at: too many wrong ones before.
        public var delayed = 0
        /// Sessions that ended early, for want of room.
        public var endedEarly = 0

        /// Nothing yet.
        public init() {}
    }

    private let limits: LoginLimits
    private var sessions: [String: Session] = [:]
    /// Session ids, the oldest first.
    private var order: [String] = []
    private var failures: [String: Failures] = [:]
    /// What was counted.
    public private(set) var counters = Counters()

    /// Nobody.
    public init(limits: LoginLimits = LoginLimits()) { self.limits = limits }

    /// Whether an address may try a password or a token now.
    public mutating func mayTry(from address: String, now: Int64) -> Bool {
        let isOver = mustWait(address, now: now)
        if isOver { counters.delayed += 1 }
        return !isOver
    }

    /// Whether an address has tried too many.
    public func mustWait(_ address: String, now: Int64) -> Bool {
        failures[HostText.network(address)]?.isOver(limits.failuresPerAddress, now) == true
    }

    /// A wrong password.
    public mutating func failed(from address: String, now: Int64) {
        counters.failures += 1
        let address = HostText.network(address)
        if failures[address] == nil, failures.count >= limits.addresses {
            if let oldest = failures.min(by: { $0.value.until < $1.value.until })?.key { failures[oldest] = nil }
        }
        failures[address, default: Failures()].add(now, limits.pauseMilliseconds)
    }

    /// Lets somebody in under an id that nobody can guess.
    public mutating func begin(_ visitor: Visitor, id: String, now: Int64) {
        counters.logins += 1
        if order.count >= limits.sessions {
            let oldest = order.removeFirst()
            if let session = sessions.removeValue(forKey: oldest), now < session.until { counters.endedEarly += 1 }
        }
        sessions[id] = Session(visitor: visitor, until: now + limits.sessionMilliseconds)
        order.append(id)
    }

    /// Who a session is of; nil when there is none, or it is over.
    public func visitor(_ id: String, now: Int64) -> Visitor? {
        guard let session = sessions[id], now < session.until else { return nil }
        return session.visitor
    }

    /// Ends a session.
    public mutating func end(_ id: String) {
        sessions[id] = nil
        order.removeAll { $0 == id }
    }
}
