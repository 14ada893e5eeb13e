/// What the end of a model connection means.
enum LossVerdict: Sendable, Hashable {
    /// Another attempt makes sense.
    case retry
    /// It does not: this code says why.
    case fatal(code: String)

    /// Codes after which no attempt can succeed.
    static let fatalCodes: Set<String> = [
        "invalid_api_key", "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached",
        "account_deactivated", "invalid_model", "missing_model", "beta_api_shape_disabled", "model_not_found",
    ]

    /// HTTP statuses of the upgrade after which no attempt can succeed.
    static let fatalStatuses: Set<Int> = [401, 403, 404]

    init(_ close: LegClose) {
        if case .refused(let status) = close.cause, Self.fatalStatuses.contains(status) {
            self = .fatal(code: "http_\(status)")
            return
        }
        self = Self(reason: close.reason)
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
        let full = min(maximumDelayMilliseconds, max(1, initialDelayMilliseconds) << doublings)
        return max(1, full / 2 + random.below(full - full / 2 + 1))
    }
}

/// A time without a model.
struct Outage: Sendable {
    let startedAt: CallTime
    /// When the next attempt is made; nil while one is under way.
    var nextDialAt: CallTime?
}
