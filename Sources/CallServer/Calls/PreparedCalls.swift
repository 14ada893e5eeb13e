/// What was found out of a call before its stream began.
struct PreparedCall: Sendable {
    /// What is changed of how it is led.
    var changes = CallChanges()
    /// What stands for `{{name}}` in its instructions.
    var variables: [String: String] = [:]
    /// What goes along with its stream.
    var parameters: [String: String] = [:]
    /// What is added to its instructions.
    var addendum = ""
    /// What the caller is told instead; nil takes the call.
    var refusal: String?
    /// What the agent is told when a machine answers a call that we make.
    var machineInstruction = Self.machineInstruction

    /// The words for that, unless others were given.
    static let machineInstruction =
        "A machine answered this call, not a person: leave a short message that says who calls and why, then end the call."
}

/// Calls whose webhook was answered and whose stream has not begun, by the carrier's id. Time is given from outside, in
/// milliseconds.
struct PreparedCalls: Sendable {
    /// How long a call may take from its webhook to its stream: a phone may ring for ten minutes.
    static let lifetimeMilliseconds: Int64 = 15 * 60_000
    /// Calls that are remembered; the oldest give way.
    static let maximum = 10_000

    private var calls: [String: (call: PreparedCall, at: Int64)] = [:]
    private var order: [String] = []
    /// Calls that were forgotten early, for want of room.
    private(set) var forgottenEarly = 0

    subscript(id: String) -> PreparedCall? { calls[id]?.call }

    /// Takes what is kept under one name to another: a call that we make has no id at first.
    mutating func move(_ name: String, to id: String, now: Int64) {
        guard let entry = calls.removeValue(forKey: name) else { return }
        keep(entry.call, for: id, now: now)
    }

    mutating func keep(_ call: PreparedCall, for id: String, now: Int64) {
        if calls[id] == nil { order.append(id) }
        calls[id] = (call, now)
        while let first = order.first {
            let isOld = calls[first].map { now - $0.at > Self.lifetimeMilliseconds } ?? true
            guard isOld || order.count > Self.maximum else { break }
            if !isOld { forgottenEarly += 1 }
            calls[first] = nil
            order.removeFirst()
        }
    }
}
