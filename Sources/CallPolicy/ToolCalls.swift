import RealtimeProtocol

/// The tool calls of the model that are not answered yet.
struct ToolCalls: Sendable {
    struct Call: Sendable {
        let callID: String
        let name: String
        let arguments: JSONValue
        /// The response that wanted it.
        let responseID: String
        /// The model session that knows the call; nil after that session was lost.
        var knownTo: ModelLeg?
        var state = State.waiting
        var timeoutMilliseconds: Int
        /// When the agent says something if the tool still runs.
        var fillerAt: CallTime?
    }

    enum State: Sendable, Equatable {
        /// For a place among those that run.
        case waiting
        case running(since: CallTime, until: CallTime)
    }

    /// How many call ids are remembered, so that none is answered twice.
    static let rememberedCalls = 256
    /// How often in a row a model is told to answer without functions.
    static let forcedAnswersMaximum = 2
    /// How many responses may have calls that are not answered.
    static let batchLimit = 64

    /// A response whose calls are answered together by one `response.create`.
    struct Batch: Sendable {
        let responseID: String
        var responseIsDone = false
        /// Whether one of its calls wants a response of the model.
        var wantsResponse = false
    }

    var open: [Call] = []
    /// Function calls of the model so far, `end_call` apart.
    var count = 0
    /// Times since the caller's last turn that the model was told to answer without functions.
    var forcedAnswers = 0
    var batches: [Batch] = []
    /// Outputs sent that the server has not shown in the conversation yet; forgotten with the session.
    var unacknowledged: [String] = []
    private var seen = RecentSet(limit: ToolCalls.rememberedCalls)

    var running: Int { open.count { $0.state != .waiting } }

    /// Whether the call id is new.
    mutating func begin(_ callID: String) -> Bool { seen.insert(callID) }

    mutating func changeBatch(_ responseID: String, _ body: (inout Batch) -> Void) {
        if let index = batches.firstIndex(where: { $0.responseID == responseID }) {
            body(&batches[index])
            return
        }
        if batches.count >= Self.batchLimit { batches.removeFirst() }
        var batch = Batch(responseID: responseID)
        body(&batch)
        batches.append(batch)
    }

    /// No more calls of this response will come.
    mutating func finishResponse(_ responseID: String) {
        guard let index = batches.firstIndex(where: { $0.responseID == responseID }) else { return }
        batches[index].responseIsDone = true
    }

    /// The server has shown the output of a call in the conversation.
    mutating func acknowledge(_ callID: String) {
        unacknowledged.removeAll { $0 == callID }
    }

    /// Another session serves now; it knows the calls of which it was told.
    mutating func moveTo(_ leg: ModelLeg, isTold: (String) -> Bool) {
        unacknowledged = []
        for index in open.indices { open[index].knownTo = isTold(open[index].callID) ? leg : nil }
    }

    mutating func remove(_ callID: String) -> Call? {
        open.firstIndex { $0.callID == callID }.map { open.remove(at: $0) }
    }

    /// Removes the responses that are done and whose calls are all answered; whether one of them wants an answer.
    mutating func takeFinishedBatches() -> Bool {
        guard !batches.isEmpty else { return false }
        var wantsResponse = false
        batches.removeAll { batch in
            guard batch.responseIsDone, !open.contains(where: { $0.responseID == batch.responseID }) else {
                return false
            }
            wantsResponse = wantsResponse || batch.wantsResponse
            return true
        }
        return wantsResponse
    }

    /// The earliest moment at which something is due.
    var deadline: CallTime? {
        var earliest: CallTime?
        for call in open {
            if case .running(_, let until) = call.state { earliest = min(earliest ?? until, until) }
            if let filler = call.fillerAt { earliest = min(earliest ?? filler, filler) }
        }
        return earliest
    }
}

/// What the model is told when a tool could not be run.
enum ToolErrorText {
    private static func text(_ message: String) -> String {
        JSONValue.object(["error": .string(message)]).text
    }

    static func unknown(_ name: String) -> String { text("No handler found for function: \(name)") }

    static let badJSON = text("Invalid JSON arguments for function call")

    static func failed(_ name: String, _ error: String) -> String { text("Error running function \(name): \(error)") }

    static func invalid(_ name: String, _ problem: String) -> String {
        text("Invalid arguments for function \(name): \(problem)")
    }

    static func timedOut(_ name: String, milliseconds: Int) -> String {
        failed(name, "no result within \(milliseconds) ms")
    }

    static func tooMany(_ name: String) -> String { failed(name, "too many function calls at once") }
}
