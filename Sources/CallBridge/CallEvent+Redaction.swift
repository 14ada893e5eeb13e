import CallPolicy
import RealtimeProtocol

extension CallEvent {
    /// The event without keys that the model's server repeats in its words: what is recorded is kept.
    var withoutKeys: CallEvent {
        switch self {
        case .modelLost(let leg, var close, let lost):
            close.reason = Redaction.keys(in: close.reason)
            return .modelLost(leg, close, lost: lost)
        case .truncationRejected(let itemID, var error):
            error.message = Redaction.keys(in: error.message)
            return .truncationRejected(itemID: itemID, error)
        case .responseFinished(let id, let purpose, let status, let detail):
            return .responseFinished(
                responseID: id,
                purpose,
                status: status,
                detail: detail.map { Redaction.keys(in: $0) }
            )
        case .warning(let kind, let detail): return .warning(kind, detail: Redaction.keys(in: detail))
        case .ending(let reason, let initiator, let detail):
            return .ending(reason, initiator, detail: Redaction.keys(in: detail))
        default: return self
        }
    }
}
