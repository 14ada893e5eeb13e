/// Remembers the most recent strings; the oldest is forgotten when there are too many.
struct RecentSet: Sendable {
    private var members: [String] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func contains(_ member: String) -> Bool { members.contains(member) }

    /// Whether it was new.
    @discardableResult
    mutating func insert(_ member: String) -> Bool {
        guard !contains(member) else { return false }
        if members.count >= limit { members.removeFirst() }
        members.append(member)
        return true
    }
}

/// What an event that we sent was for, so that an error about it can be understood.
enum SentKind: Sendable, Hashable {
    case configuration(ModelLeg)
    case sessionUpdate
    case truncation(itemID: String)
    case create(requestID: Int)
    case cancel
    case item
    case delete
    case audioBuffer
}

/// The most recent events that we sent. A success is never acknowledged by id, so old ones are simply forgotten.
struct SentEvents: Sendable {
    /// How many events are remembered; an error comes within one round trip.
    static let limit = 128

    private var events: [(number: Int, kind: SentKind)] = []
    private var nextNumber = 1

    private static let prefix = "trk_"

    /// Remembers an event and returns its id.
    mutating func remember(_ kind: SentKind) -> String {
        let number = nextNumber
        nextNumber += 1
        if events.count >= Self.limit { events.removeFirst(Self.limit / 2) }
        events.append((number, kind))
        return Self.prefix + String(number)
    }

    /// What the event with this id was for.
    func kind(of eventID: String?) -> SentKind? {
        guard let eventID, eventID.hasPrefix(Self.prefix), let number = Int(eventID.dropFirst(Self.prefix.count))
        else { return nil }
        return events.last { $0.number == number }?.kind
    }
}
