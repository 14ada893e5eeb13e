/// One connection to the model, from dialling to its end.
struct Leg: Sendable {
    enum Stage: Sendable {
        /// The handshake is under way.
        case dialling
        /// Open; `session.created` is awaited.
        case opened
        /// `session.update` is sent; `session.updated` is awaited.
        case configuring
        /// Configured.
        case ready
    }

    let id: ModelLeg
    let purpose: DialPurpose
    let dialledAt: CallTime
    var stage = Stage.dialling
    /// When the stage must be over.
    var deadline: CallTime?
    var sessionID: String?
    /// The version of the session that it was configured with.
    var sessionVersion = 0
    var readyAt: CallTime?
    var lastEventAt: CallTime
    /// The newest entry of the history that this session was told.
    var toldThrough = 0
    /// Entries of the history that this session was told.
    var restoredItems = 0
    /// Whether this session was told not to interrupt its responses.
    var interruptsSuspended = false
}

/// The connections of a call: the one that serves, and at most one that is being made.
struct Legs: Sendable {
    private(set) var all: [Leg] = []
    var serving: ModelLeg?
    private var nextNumber = 1

    subscript(id: ModelLeg) -> Leg? { all.first { $0.id == id } }

    /// The one that is being made or stands by.
    var candidate: Leg? { all.first { $0.id != serving } }

    var servingLeg: Leg? { serving.flatMap { self[$0] } }

    mutating func dial(_ purpose: DialPurpose, at now: CallTime, timeoutMilliseconds: Int) -> ModelLeg {
        let id = ModelLeg(nextNumber)
        nextNumber += 1
        var leg = Leg(id: id, purpose: purpose, dialledAt: now, lastEventAt: now)
        leg.deadline = now + timeoutMilliseconds
        all.append(leg)
        return id
    }

    mutating func change(_ id: ModelLeg, _ body: (inout Leg) -> Void) {
        guard let index = all.firstIndex(where: { $0.id == id }) else { return }
        body(&all[index])
    }

    mutating func remove(_ id: ModelLeg) -> Leg? {
        guard let index = all.firstIndex(where: { $0.id == id }) else { return nil }
        if serving == id { serving = nil }
        return all.remove(at: index)
    }
}
