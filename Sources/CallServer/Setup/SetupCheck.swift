public import RealtimeProtocol

/// One thing that must be right before calls come.
public struct SetupCheck: Sendable, Hashable {
    /// How it is.
    public enum Status: String, Sendable, Hashable {
        /// It is right.
        case ok
        /// It works, but somebody should look.
        case warning
        /// Calls will fail.
        case failed
        /// It could not be looked at.
        case skipped
    }

    /// What is looked at; its name is for programs.
    public enum Subject: String, Sendable, Hashable {
        case key, limits, model, signature, account, webhook
        case publicPage = "public_https"
        case publicSocket = "public_wss"

        /// Its name, for people.
        public var title: String {
            switch self {
            case .key: "Model key"
            case .limits: "Machine limits"
            case .model: "Model reachable"
            case .publicPage: "Public address over HTTPS"
            case .publicSocket: "Public address over WSS"
            case .signature: "Signatures"
            case .account: "Twilio account"
            case .webhook: "Twilio webhook"
            }
        }
    }

    /// What was looked at.
    public let subject: Subject
    /// How it is.
    public let status: Status
    /// What was seen.
    public let detail: String
    /// What to do about it; empty when there is nothing to do.
    public let advice: String

    init(_ subject: Subject, _ status: Status, _ detail: String, advice: String = "") {
        self.subject = subject
        self.status = status
        self.detail = detail
        self.advice = advice
    }

    /// For pages.
    public var json: JSONValue {
        [
            "name": .string(subject.rawValue), "title": .string(subject.title), "status": .string(status.rawValue),
            "detail": .string(detail), "advice": .string(advice),
        ]
    }
}
