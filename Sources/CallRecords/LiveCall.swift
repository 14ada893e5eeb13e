import CallPolicy

/// What the writer has to remember of a call in progress.
struct LiveCall: Sendable {
    /// Its row; nil when it has none in the present file.
    var row: Int64?
    var callSID: String
    var start: CarrierStart
    var startedAt: Int64
    var labels = CallLabels()
    /// When the last thing happened.
    var lastAt: Int64
    /// Turns so far.
    var turns: Int64 = 0
    /// The last turns by item, newest last; bounded, since only those can still change.
    var items: [(itemID: String, turn: Int64)] = []
    /// When the caller last stopped to speak.
    var speechEndedAt: Int64?
    /// When the caller's last turn got into the conversation; nil while they speak.
    var committedAt: Int64?
    /// The caller's speech that interrupts nothing, and is not over.
    var talkOver: Int64?
    /// The agent's turn that was begun last.
    var agentTurn: Int64?
    /// The connection loss that is not over.
    var loss: Int64?

    /// Turns that are remembered by item.
    static let itemsKept = 16

    func turn(of itemID: String) -> Int64? { items.last { $0.itemID == itemID }?.turn }

    mutating func remember(_ itemID: String, _ turn: Int64) {
        items.append((itemID, turn))
        if items.count > Self.itemsKept { items.removeFirst() }
    }
}

/// The calls in progress, by the carrier's id. Changes are made to a batch's copies and applied when it is stored.
struct LiveCalls: Sendable {
    private var calls: [String: LiveCall] = [:]
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    subscript(callSID: String) -> LiveCall? { calls[callSID] }

    /// Takes a batch's copies over; nil is a call that has ended.
    mutating func apply(_ changes: [String: LiveCall?]) {
        for (callSID, call) in changes { calls[callSID] = call }
        // Only ends that were lost can bring it here.
        while calls.count > limit, let oldest = calls.min(by: { $0.value.lastAt < $1.value.lastAt }) {
            calls[oldest.key] = nil
        }
    }

    /// The rows of another file are worth nothing here.
    mutating func forgetRows() {
        for callSID in calls.keys {
            calls[callSID]?.row = nil
            calls[callSID]?.turns = 0
            calls[callSID]?.items = []
            calls[callSID]?.agentTurn = nil
            calls[callSID]?.loss = nil
            calls[callSID]?.talkOver = nil
        }
    }
}
