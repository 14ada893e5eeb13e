import Crypto
import WebServer

/// Bounds of the memory of stream tokens.
public struct StreamTokenLimits: Sendable, Hashable {
    /// How long a token may be used, in milliseconds.
    public var lifetimeMilliseconds: Int64 = 60_000
    /// How long a call is remembered, in milliseconds: the longest call of the carrier. A webhook that is replayed within
    /// it gets the first token again, used up or not.
    public var memoryMilliseconds: Int64 = 4 * 3_600_000
    /// Calls that are remembered.
    public var calls = 100_000
    /// Streams that a call may open one after the other, such as after a transfer that nobody answered.
    public var renewals = 5
    /// How far the clock of another node may be ahead, in milliseconds.
    public var skewMilliseconds: Int64 = 5_000

    /// The defaults.
    public init() {}
}

/// What became of a token. The raw value is a metric's label.
public enum StreamTokenVerdict: String, Sendable, Hashable, CaseIterable {
    /// It is ours, for this call, and was not used before.
    case valid
    /// There is none.
    case missing
    /// It is none of ours, or of another call.
    case wrong
    /// It is too old.
    case expired
    /// It was used before.
    case used
}

/// Why no token is given.
public enum StreamTokenError: String, Error, Sendable, Hashable {
    /// The id is none of a call.
    case notACall = "not_a_call"
    /// As many calls as can be remembered came within the lifetime of a token.
    case full
}

/// The tokens that tie a stream to the call whose webhook we answered: they travel as a `<Parameter>` of the document.
///
/// A token is the moment it was made and an HMAC-SHA256 of it and the call's id; nodes that share a key accept each
/// other's. It holds a minute and opens one stream. A replayed webhook gets the first token again, so that who caught a
/// signed request cannot open a second stream with it. Time is given from outside: milliseconds since 1970.
public struct StreamTokens: Sendable {
    private struct Call {
        var token: String
        var issued: Int64
        var isUsed: Bool
        var renewals = 0
    }

    /// What limits were hit.
    public struct Counters: Sendable, Hashable {
        /// Calls that were forgotten early, for want of room.
        public var forgottenEarly = 0
        /// Tokens that were not given, for want of room.
        public var refused = 0
    }

    private let key: SymmetricKey
    private let limits: StreamTokenLimits
    private var calls: [String: Call] = [:]
    /// Ids in the order in which they came; those before `oldest` are forgotten.
    private var order: [String] = []
    private var oldest = 0
    /// Limits that were hit.
    public private(set) var counters = Counters()

    /// A memory of tokens.
    ///
    /// - Parameters:
    ///   - key: The secret, the same on all nodes.
    ///   - limits: Bounds.
    public init(key: [UInt8], limits: StreamTokenLimits = StreamTokenLimits()) {
        self.key = SymmetricKey(data: key)
        self.limits = limits
    }

    /// Calls that are remembered.
    public var count: Int { calls.count }

    /// The token of a call.
    public mutating func issue(call id: String, now: Int64) throws(StreamTokenError) -> String {
        guard TwilioID.isCall(id) else { throw .notACall }
        forget(now: now)
        if let call = calls[id] { return call.token }
        try makeRoom(now: now)
        let token = "\(now).\(mac(call: id, issued: now))"
        remember(id, Call(token: token, issued: now, isUsed: false))
        return token
    }

    /// Another token for a call whose stream has ended and that is to have a new one. Only for requests that the carrier
    /// itself makes in the course of the call.
    public mutating func renew(call id: String, now: Int64) throws(StreamTokenError) -> String {
        guard let call = calls[id], call.isUsed else { return try issue(call: id, now: now) }
        guard call.renewals < limits.renewals else {
            counters.refused += 1
            throw .full
        }
        let token = "\(now).\(mac(call: id, issued: now))"
        calls[id] = Call(token: token, issued: now, isUsed: false, renewals: call.renewals + 1)
        return token
    }

    /// Uses a token up.
    ///
    /// - Parameters:
    ///   - token: As it came with the stream.
    ///   - id: The call that the stream says it is of.
    ///   - now: The time.
    public mutating func redeem(_ token: String?, call id: String, now: Int64) -> StreamTokenVerdict {
        guard let token, !token.isEmpty else { return .missing }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard TwilioID.isCall(id), parts.count == 2, let issued = Int64(parts[0]), issued >= 0,
            ConstantTime.isEqual(parts[1], mac(call: id, issued: issued))
        else { return .wrong }
        guard issued <= now + limits.skewMilliseconds, now - issued <= limits.lifetimeMilliseconds else {
            return .expired
        }
        forget(now: now)
        if let call = calls[id] {
            // Of a call that has another token by now the older ones are used up.
            if call.isUsed || issued < call.issued { return .used }
            calls[id]?.isUsed = true
            return .valid
        }
        // Another node gave it. Without room to remember that it was used it cannot be let in.
        guard (try? makeRoom(now: now)) != nil else { return .used }
        remember(id, Call(token: token, issued: issued, isUsed: true))
        return .valid
    }

    private func mac(call id: String, issued: Int64) -> String {
        let text = "trunkline stream token 1:\(id):\(issued)"
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        return Hexadecimal.encode(code)
    }

    private mutating func remember(_ id: String, _ call: Call) {
        calls[id] = call
        order.append(id)
    }

    private mutating func forget(now: Int64) {
        while oldest < order.count, let call = calls[order[oldest]], now - call.issued > limits.memoryMilliseconds {
            forgetOldest()
        }
    }

    private mutating func makeRoom(now: Int64) throws(StreamTokenError) {
        guard calls.count >= limits.calls else { return }
        guard oldest < order.count, let call = calls[order[oldest]],
            now - call.issued > limits.lifetimeMilliseconds
        else {
            counters.refused += 1
            throw .full
        }
        forgetOldest()
        counters.forgottenEarly += 1
    }

    private mutating func forgetOldest() {
        calls[order[oldest]] = nil
        oldest += 1
        // Each id is moved once for each time the array halves.
        if oldest * 2 > order.count {
            order.removeFirst(oldest)
            oldest = 0
        }
    }
}
