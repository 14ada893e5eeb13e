import Crypto
import WebServer

/// Bounds of the memory of stream tokens.
public struct StreamTokenLimits: Sendable, Hashable {
    /// How long a token may be used, in milliseconds.
    public var lifetimeMilliseconds: Int64 = 60_000
    /// How long before its end a token is given once more, in milliseconds; later another is made.
    public var reuseMilliseconds: Int64 = 30_000
    /// How long a call is remembered, in milliseconds: the longest call of the carrier. Within it a token opens one stream.
    public var memoryMilliseconds: Int64 = 4 * 3_600_000
    /// Calls that are remembered.
    public var calls = 100_000
    /// Further tokens of a call whose token was used: the carrier asks again when a stream failed, and after a transfer that
    /// nobody answered. Two streams at once are none the less refused.
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
    /// As many calls as can be remembered came within the lifetime of a token, or the call had its further tokens.
    case full
}

/// The tokens that tie a stream to the call whose webhook we answered: they travel as a `<Parameter>` of the document.
///
/// A token is the moment it was made and an HMAC-SHA256 of it and the call's id; nodes that share a key accept each
/// other's. It holds a minute and opens one stream. A webhook that is repeated gets a token that works: the same one while it
/// is young and unused, else another, of which a call has a few. What was used is known to the node that the stream came to;
/// a later token of the same call, which another node may have given, is another one. Time is given from outside: milliseconds since 1970.
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
        guard let call = calls[id] else {
            try makeRoom(now: now)
            let token = token(id, now)
            remember(id, Call(token: token, issued: now, isUsed: false))
            return token
        }
        let age = now - call.issued
        if !call.isUsed, (-limits.skewMilliseconds...limits.reuseMilliseconds).contains(age) { return call.token }
        guard !call.isUsed || call.renewals < limits.renewals else {
            counters.refused += 1
            throw .full
        }
        // Two tokens of a call never have one moment.
        let issued = max(now, call.issued + 1)
        let token = token(id, issued)
        let renewals = call.renewals + (call.isUsed ? 1 : 0)
        calls[id] = Call(token: token, issued: issued, isUsed: false, renewals: renewals)
        return token
    }

    private func token(_ id: String, _ issued: Int64) -> String { "\(issued).\(mac(call: id, issued: issued))" }

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
            // Of a call that has another token by now the older ones are used up; a later one is from another node.
            if issued < call.issued || (issued == call.issued && call.isUsed) { return .used }
            calls[id] = Call(token: token, issued: issued, isUsed: true, renewals: call.renewals)
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
