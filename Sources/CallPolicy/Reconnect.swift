/// What the end of a model connection means.
enum LossVerdict: Sendable, Hashable {
    /// Another attempt makes sense.
    case retry
    /// Another attempt makes sense, but not at once: the server has too much to do. With the pause that it asks for.
    case busy(seconds: Int?)
    /// It does not: this code says why.
    case fatal(code: String)

    /// Codes after which no attempt can succeed.
    static let fatalCodes: Set<String> = [
        "invalid_api_key", "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached",
        "account_deactivated", "invalid_model", "missing_model", "beta_api_shape_disabled", "model_not_found",
    ]

    /// HTTP statuses of the upgrade after which no attempt can succeed. A redirection is not followed: the key would go
    /// to wherever it points; and a success that is no upgrade comes from something else than a model.
    static func isFatal(status: Int) -> Bool { (200..<400).contains(status) || [401, 403, 404].contains(status) }

    /// The WebSocket close code by which a server asks to try again later.
    static let tryAgainLater = 1013

    init(_ close: LegClose) {
        if case .refused(let status) = close.cause {
            if Self.isFatal(status: status) {
                self = .fatal(code: "http_\(status)")
            } else if status == 429 || close.retryAfterSeconds != nil {
                self = .busy(seconds: close.retryAfterSeconds)
            } else {
                self = .retry
            }
            return
        }
        self = Self(reason: close.reason)
        if self == .retry, close.code == Self.tryAgainLater { self = .busy(seconds: nil) }
    }

    /// By the close reason, which is `<type>.<code>`.
    init(reason: String) {
        let code = reason.split(separator: ".").last.map(String.init) ?? reason
        self = Self.fatalCodes.contains(code) ? .fatal(code: code) : .retry
    }

    /// By an error's code or type.
    init(code: String?, type: String?) {
        for name in [code, type].compactMap({ $0 }) where Self.fatalCodes.contains(name) {
            self = .fatal(code: name)
            return
        }
        self = .retry
    }
}

extension ReconnectPolicy {
    /// The pause before an attempt, the first being 1: none, then doubling, shortened by up to half at random so that
    /// many calls do not come back at the same moment.
    func delay(attempt: Int, random: inout SplitMix64) -> Int {
        guard attempt > 1 else { return 0 }
        // Doubling stops at 2^20, far beyond any sensible maximum.
        let doublings = min(attempt - 2, 20)
        let longest = min(maximumDelayMilliseconds, callerWaitMaximumMilliseconds)
        let full = min(longest, max(1, initialDelayMilliseconds) << doublings)
        return max(1, full / 2 + random.below(full - full / 2 + 1))
    }

    /// The pause before an attempt while no session has served yet, the first being 1; nil when there have been enough.
    /// Lengthened by up to half at random.
    func setupDelay(attempt: Int, random: inout SplitMix64) -> Int? {
        guard attempt <= setupDelaysMilliseconds.count else { return nil }
        let least = max(1, setupDelaysMilliseconds[attempt - 1])
        return least + random.below(least / 2 + 1)
    }

    /// The pause that a server asked for, as far as a caller can be kept waiting; lengthened by up to a quarter at
    /// random.
    func busyDelay(seconds: Int, random: inout SplitMix64) -> Int {
        let asked = seconds < busyDelayMaximumMilliseconds / 1_000 ? seconds * 1_000 : busyDelayMaximumMilliseconds
        return asked + random.below(asked / 4 + 1)
    }
}

/// A time without a model.
struct Outage: Sendable {
    let startedAt: CallTime
    /// When the next attempt is made; nil while one is under way.
    var nextDialAt: CallTime?
}
