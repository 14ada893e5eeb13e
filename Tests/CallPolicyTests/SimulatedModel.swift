import CallPolicy
import RealtimeProtocol

/// One model session of a simulated call, as the server sees it. Event orders are those of the recorded conversations.
struct SimulatedModel {
    enum Step {
        case event(ServerEvent)
        case audio(item: String, milliseconds: Int)
        case audioEnds(item: String)
    }

    struct Generation {
        var response: Response
        var steps: [Step]
        var next = 0
    }

    let leg: ModelLeg
    var isOpen = true
    /// The server has fallen silent.
    var isStalled = false
    var isConfigured = false
    var session = SessionObject()
    var generation: Generation?
    var speech: String?
    /// Audio generated per item, in milliseconds.
    var generated: [String: Int] = [:]
    var calls: Set<String> = []
    var outputs: Set<String> = []
    /// Arrival of the last message in each direction: a connection keeps the order.
    var lastToMachine = 0
    var lastToModel = 0

    init(leg: ModelLeg) { self.leg = leg }

    var interrupts: Bool { session.input?.turnDetection?.value?.interruptResponse != false }
    var answers: Bool { session.input?.turnDetection?.value?.createResponse != false }
}

/// What a simulated response consists of.
struct SimulatedScript {
    var chance: SimulatedChance
    var nextID: () -> Int
    var tools: [String]

    /// The steps of one response.
    mutating func steps(_ response: inout Response, status: Response.Status, mayCall: Bool) -> [SimulatedModel.Step] {
        var steps: [SimulatedModel.Step] = []
        let id = response.id
        let callsTool = mayCall && !tools.isEmpty && chance.percent(30)
        let messages = callsTool && chance.percent(60) ? 0 : chance.percent(80) ? 1 : chance.number(2...3)
        for _ in 0..<messages { steps += message(id, status: status, into: &response) }
        if callsTool, status == .completed {
            for _ in 0..<(chance.percent(75) ? 1 : chance.number(2...3)) { steps += call(id, into: &response) }
        }
        return steps
    }

    private mutating func message(
        _ response: String,
        status: Response.Status,
        into whole: inout Response
    ) -> [SimulatedModel.Step] {
        let item = "item_\(nextID())"
        let position = PartPosition(responseID: response, itemID: item)
        var message = ConversationItem(
            id: item,
            status: .inProgress,
            kind: .message(.init(role: "assistant", content: []))
        )
        var steps: [SimulatedModel.Step] = [
            .event(.outputItemAdded(responseID: response, outputIndex: 0, item: message)),
            .event(.itemAdded(message, previousItemID: nil)),
        ]
        var words = ""
        for index in 1...chance.number(1...3) {
            let delta = index == 1 ? "Some words" : " and more"
            words += delta
            steps.append(.event(.audioTranscriptDelta(position, delta: delta)))
            steps.append(.audio(item: item, milliseconds: chance.number(100...1_500)))
        }
        steps.append(.audioEnds(item: item))
        steps.append(.event(.audioTranscriptDone(position, transcript: words)))
        let part = ContentPart(kind: .outputAudio, transcript: words)
        message.kind = .message(.init(role: "assistant", content: [part]))
        message.status = status == .completed ? .completed : .incomplete
        steps.append(.event(.itemDone(message, previousItemID: nil)))
        steps.append(.event(.outputItemDone(responseID: response, outputIndex: 0, item: message)))
        whole.output.append(message)
        return steps
    }

    private mutating func call(_ response: String, into whole: inout Response) -> [SimulatedModel.Step] {
        let callID = "call_\(nextID())"
        let name = chance.percent(5) ? "no_such_tool" : chance.one(of: tools)
        let arguments = chance.percent(5) ? "{broken" : chance.percent(10) ? #"{"city":7}"# : #"{"city":"Bonn"}"#
        let kind = ConversationItem.Kind.functionCall(callID: callID, name: name, arguments: arguments)
        var item = ConversationItem(id: "item_\(nextID())", status: .inProgress, kind: kind)
        let position = CallPosition(responseID: response, itemID: item.id ?? "", callID: callID)
        let added = ServerEvent.outputItemAdded(responseID: response, outputIndex: 0, item: item)
        item.status = .completed
        whole.output.append(item)
        return [
            .event(added),
            .event(.functionCallArgumentsDone(position, name: name, arguments: arguments)),
            .event(.itemDone(item, previousItemID: nil)),
            .event(.outputItemDone(responseID: response, outputIndex: 0, item: item)),
        ]
    }
}
