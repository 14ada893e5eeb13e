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

    /// Its name, for programs.
    public let name: String
    /// What it is, for people.
    public let title: String
    /// How it is.
    public let status: Status
    /// What was seen.
    public let detail: String
    /// What to do about it; empty when there is nothing to do.
    public let advice: String

    init(_ name: String, _ title: String, _ status: Status, _ detail: String, advice: String = "") {
        self.name = name
        self.title = title
        self.status = status
        self.detail = detail
        self.advice = advice
    }

    /// For pages.
    public var json: JSONValue {
        [
            "name": .string(name), "title": .string(title), "status": .string(status.rawValue),
            "detail": .string(detail), "advice": .string(advice),
        ]
    }
}
