import CallPolicy
import RealtimeProtocol
import Testing

/// A call in a test: feeds a machine with what a carrier and a model would say, and keeps what it does as lines.
struct TestCall {
    var machine: CallMachine
    var now: Int64 = 0
    /// Everything done so far, without records and timers.
    var lines: [String] = []
    var records: [CallEvent] = []
    var timer: Int64?
    /// What is being played, given with the inputs that carry it.
    var playing = PlaybackSnapshot.silent
    var leg = ModelLeg(1)
    private var lastEvents: [ClientEvent] = []

    init(_ configure: (inout CallConfiguration) -> Void = { _ in }, tools: [ToolDefinition] = [], seed: UInt64 = 1) {
        var configuration = CallConfiguration()
        configure(&configuration)
        machine = CallMachine(configuration: configuration, tools: tools, seed: seed)
    }

    /// Gives one input and returns what is done, without records and timers.
    @discardableResult
    mutating func give(_ input: CallInput) -> [String] {
        let actions = machine.handle(input, at: CallTime(milliseconds: now))
        var done: [String] = []
        for action in actions {
            if case .record(let event) = action { records.append(event) }
            if case .setTimer(let at) = action { timer = at?.milliseconds }
            if case .send(_, let event) = action { lastEvents.append(event) }
            if !action.isRecord, !action.isTimer { done.append(action.line) }
        }
        lines += done
        return done
    }

    @discardableResult
    mutating func model(_ event: ServerEvent) -> [String] { give(.modelEvent(leg, event, playing)) }

    /// Lets time pass and gives the timers that come due.
    @discardableResult
    mutating func wait(_ milliseconds: Int64) -> [String] {
        let end = now + milliseconds
        var done: [String] = []
        while let due = timer, due <= end, !machine.hasEnded {
            now = max(now, due)
            timer = nil
            done += give(.timer(playing))
        }
        now = end
        return done
    }

    /// The newest event of the type that was sent.
    func lastSent(_ type: String) -> ClientEvent? { lastEvents.last { $0.type == type } }

    /// How often a line was done.
    func count(_ line: String) -> Int { lines.filter { $0 == line }.count }
}

// MARK: - What carriers and models say

extension TestCall {
    /// The call begins and the model is configured.
    @discardableResult
    mutating func begin() -> [String] {
        give(.carrierStarted(CarrierStart(streamID: "MZ1", callID: "CA1")))
        return ready(1)
    }

    /// A dialled leg opens and is configured.
    @discardableResult
    mutating func ready(_ number: Int) -> [String] {
        leg = ModelLeg(number)
        var done = give(.modelOpened(leg))
        var session = SessionObject()
        session.id = "sess_\(number)"
        done += model(.sessionCreated(session))
        return done + model(.sessionUpdated(negotiated()))
    }

    /// The session as the server confirms it.
    func negotiated() -> SessionObject {
        guard case .sessionUpdate(let session, _)? = lastSent("session.update") else { return SessionObject() }
        return session
    }

    /// The caller says something; with words, they are written down.
    @discardableResult
    mutating func callerSays(_ words: String?, item: String) -> [String] {
        var done = model(.speechStarted(itemID: item, audioStartMilliseconds: 0))
        done += model(.speechStopped(itemID: item, audioEndMilliseconds: 0))
        done += model(.inputAudioCommitted(itemID: item, previousItemID: nil))
        if let words {
            done += model(
                .inputTranscriptionCompleted(itemID: item, contentIndex: 0, transcript: words, usage: nil)
            )
        }
        return done
    }

    /// A response begins; with a purpose it is the answer to the `response.create` sent last.
    @discardableResult
    mutating func responseBegins(_ id: String, ours: Bool = false, items: [String] = []) -> [String] {
        var response = Response(id: id, status: .inProgress)
        if ours, case .responseCreate(let options, _)? = lastSent("response.create") {
            response.metadata = options?.metadata
        }
        var done = model(.responseCreated(response))
        for item in items {
            let message = ConversationItem.Message(role: "assistant", content: [])
            done += model(
                .outputItemAdded(
                    responseID: id,
                    outputIndex: 0,
                    item: ConversationItem(id: item, status: .inProgress, kind: .message(message))
                )
            )
        }
        return done
    }

    @discardableResult
    mutating func says(_ words: String, item: String, response: String) -> [String] {
        let position = PartPosition(responseID: response, itemID: item)
        return model(.audioTranscriptDelta(position, delta: words))
            + model(.audioTranscriptDone(position, transcript: words))
    }

    @discardableResult
    mutating func calls(_ name: String, _ arguments: String, id: String, response: String) -> [String] {
        let kind = ConversationItem.Kind.functionCall(callID: id, name: name, arguments: arguments)
        let item = ConversationItem(id: "item_\(id)", status: .completed, kind: kind)
        return model(.outputItemDone(responseID: response, outputIndex: 0, item: item))
    }

    @discardableResult
    mutating func responseEnds(
        _ id: String,
        _ status: Response.Status = .completed,
        _ details: Response.StatusDetails? = nil
    ) -> [String] {
        model(.responseDone(Response(id: id, status: status, statusDetails: details)))
    }

    /// An item of the agent is being played.
    mutating func plays(_ items: [(id: String, received: Int, heard: Int)], complete: Bool = true, leg: Int? = nil) {
        let from = leg.map { ModelLeg($0) } ?? self.leg
        playing.items = items.map { item in
            PlaybackItem(
                itemID: item.id,
                modelLeg: from,
                receivedMilliseconds: item.received,
                sentMilliseconds: min(item.received, item.heard + 200),
                heardMilliseconds: item.heard,
                isComplete: complete
            )
        }
        playing.queuedMilliseconds = items.reduce(0) { $0 + $1.received - $1.heard }
        for item in items { give(.playbackStarted(itemID: item.id)) }
    }

    /// Everything was heard.
    @discardableResult
    mutating func heardAll(_ items: [String] = []) -> [String] {
        playing = .silent
        var done: [String] = []
        for item in items { done += give(.playbackItemFinished(itemID: item)) }
        return done + give(.playbackDrained)
    }
}
