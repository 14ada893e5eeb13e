import CallPolicy
import RealtimeProtocol

// What the model's servers do.
extension SimulatedWorld {
    // MARK: Connections

    func dial(_ leg: ModelLeg) {
        models[leg] = SimulatedModel(leg: leg)
        let duration = chance.number(30...250)
        func refuse(_ cause: LegClose.Cause) {
            agenda.plan(.closed(leg, LegClose(cause: cause)), at: now + duration)
        }
        if pendingFaults.remove(.hangDial) != nil { return }
        if pendingFaults.remove(.failDial) != nil { return refuse(.connectFailed) }
        if pendingFaults.remove(.refuseDialForGood) != nil { return refuse(.refused(status: 401)) }
        if pendingFaults.remove(.refuseDial) != nil { return refuse(.refused(status: 429)) }
        agenda.plan(.opened(leg), at: now + duration)
    }

    func sessionBegins(_ leg: ModelLeg) {
        guard pendingFaults.remove(.silentSession) == nil else { return }
        var session = SessionObject()
        session.id = "sess_\(leg.number)"
        tell(leg, .sessionCreated(session))
    }

    /// Sends an event to the machine; a connection keeps the order.
    func tell(_ leg: ModelLeg, _ event: ServerEvent) {
        guard let arrival = arrival(leg) else { return }
        agenda.plan(.toMachine(leg, event), at: arrival)
    }

    private func arrival(_ leg: ModelLeg) -> Int? {
        guard let model = models[leg], model.isOpen, !model.isStalled else { return nil }
        let arrival = max(model.lastToMachine, now + chance.number(5...60))
        models[leg]?.lastToMachine = arrival
        return arrival
    }

    func send(_ event: ClientEvent, to leg: ModelLeg) {
        guard let model = models[leg] else { return }
        let arrival = max(model.lastToModel, now + chance.number(5...60))
        models[leg]?.lastToModel = arrival
        agenda.plan(.toModel(leg, event), at: arrival)
    }

    func close(_ leg: ModelLeg, _ close: LegClose) {
        guard let arrival = arrival(leg) else { return }
        agenda.plan(.closed(leg, close), at: arrival)
    }

    // MARK: Requests

    func receive(_ event: ClientEvent, on leg: ModelLeg) {
        guard let model = models[leg], model.isOpen, !model.isStalled else { return }
        func refuse(_ code: String, type: String = "invalid_request_error") {
            tell(leg, .error(APIError(type: type, code: code, message: code, eventID: event.eventID)))
        }
        switch event {
        case .sessionUpdate(let session, _):
            let isFirst = !model.isConfigured
            if isFirst, pendingFaults.remove(.unconfirmedSession) != nil { return }
            if isFirst, pendingFaults.remove(.refuseConfiguration) != nil { return refuse("invalid_value") }
            models[leg]?.isConfigured = true
            models[leg]?.session = model.session.merging(session)
            var answer = model.session.merging(session)
            if isFirst, pendingFaults.remove(.wrongFormat) != nil { answer.output?.format = .pcm24000 }
            tell(leg, .sessionUpdated(answer))
        case .responseCreate(let options, _):
            if pendingFaults.remove(.swallowCreate) != nil { return }
            guard model.generation == nil else { return refuse("conversation_already_has_active_response") }
            begin(leg, options)
        case .responseCancel(let id, _):
            guard model.generation != nil, id == nil || id == model.generation?.response.id else {
                return refuse("response_cancel_not_active")
            }
            cancel(leg, reason: "client_cancelled")
        case .itemTruncate(let item, let index, let end, _):
            let isFaulty = pendingFaults.remove(.rejectTruncation) != nil
            guard !isFaulty, let generated = model.generated[item], end <= generated else {
                return refuse("invalid_value")
            }
            tell(leg, .itemTruncated(itemID: item, contentIndex: index, audioEndMilliseconds: end))
        case .itemCreate(let item, _, _): add(item, leg, refuse: { refuse($0) })
        case .itemDelete(let item, _): tell(leg, .itemDeleted(itemID: item))
        default: break
        }
    }

    private func add(_ item: ConversationItem, _ leg: ModelLeg, refuse: (String) -> Void) {
        if case .functionCall(let callID, _, _) = item.kind { models[leg]?.calls.insert(callID) }
        if case .functionCallOutput(let callID, _) = item.kind {
            guard models[leg]?.calls.contains(callID) == true else {
                invariants.violate("output for a call that the session does not know: \(callID)")
                return refuse("invalid_value")
            }
            if models[leg]?.outputs.insert(callID).inserted == false {
                invariants.violate("call \(callID) answered twice in one session")
            }
        }
        var shown = item
        shown.id = item.id ?? id("item")
        tell(leg, .itemAdded(shown, previousItemID: nil))
        tell(leg, .itemDone(shown, previousItemID: nil))
    }

    // MARK: Responses

    func respond(_ leg: ModelLeg) {
        guard let model = models[leg], model.isOpen, model.generation == nil, model.speech == nil else { return }
        begin(leg, nil)
    }

    private func begin(_ leg: ModelLeg, _ options: ResponseOptions?) {
        var response = Response(id: id("resp"), status: .inProgress)
        response.metadata = options?.metadata
        tell(leg, .responseCreated(response))
        var status = Response.Status.completed
        if pendingFaults.remove(.failResponse) != nil {
            if chance.percent(40) { pendingFaults.insert(.failResponse) }
            status = .failed
            let error = APIError(type: "server_error", code: "server_error", message: "oops")
            response.statusDetails = .init(type: "failed", error: error)
        } else if pendingFaults.remove(.cutResponse) != nil {
            status = .incomplete
            response.statusDetails = .init(type: "incomplete", reason: "max_output_tokens")
        }
        var script = SimulatedScript(
            chance: SimulatedChance(seed: chance.seed()),
            nextID: {
                self.idCounter += 1; return self.idCounter
            },
            tools: SimulatedConfiguration.toolNames
        )
        let mayCall = options?.toolChoice != ToolChoice.none
        let steps = script.steps(&response, status: status, mayCall: mayCall)
        response.status = status
        models[leg]?.generation = .init(response: response, steps: steps)
        agenda.plan(.generate(leg, response: response.id), at: now + chance.number(40...400))
    }

    /// Some more of a response is generated.
    func generate(_ leg: ModelLeg, _ response: String) {
        guard var generation = models[leg]?.generation, generation.response.id == response,
            models[leg]?.isOpen == true
        else { return }
        // As many steps as there are until the next audio.
        while generation.next < generation.steps.count {
            let step = generation.steps[generation.next]
            generation.next += 1
            perform(step, leg, response)
            if case .audio = step { break }
        }
        models[leg]?.generation = generation
        guard generation.next == generation.steps.count else {
            return agenda.plan(.generate(leg, response: response), at: now + chance.number(20...250))
        }
        finish(leg, generation.response)
    }

    private func perform(_ step: SimulatedModel.Step, _ leg: ModelLeg, _ response: String) {
        switch step {
        case .event(let event):
            if case .outputItemDone(_, _, let item) = event, case .functionCall(let callID, _, _) = item.kind {
                models[leg]?.calls.insert(callID)
            }
            tell(leg, event)
        case .audio(let item, let milliseconds):
            models[leg]?.generated[item, default: 0] += milliseconds
            guard let arrival = arrival(leg) else { return }
            agenda.plan(.audio(leg, response: response, item: item, milliseconds: milliseconds), at: arrival)
        case .audioEnds(let item):
            guard let arrival = arrival(leg) else { return }
            agenda.plan(.audioEnds(item: item), at: arrival)
        }
    }

    private func finish(_ leg: ModelLeg, _ response: Response) {
        models[leg]?.generation = nil
        if pendingFaults.remove(.swallowDone) != nil { return }
        var response = response
        var usage = TokenUsage()
        usage.inputAudio = 30
        usage.outputAudio = 100
        response.usage = usage
        tell(leg, .responseDone(response))
        if chance.percent(30) { tell(leg, .rateLimitsUpdated([])) }
    }

    /// Stops a response as the recorded server does: everything that was begun is ended first.
    private func cancel(_ leg: ModelLeg, reason: String) {
        guard var generation = models[leg]?.generation else { return }
        let response = generation.response.id
        for step in generation.steps[..<generation.next].reversed() {
            guard case .event(.outputItemAdded(_, _, var item)) = step, let itemID = item.id else { continue }
            let isDone = generation.steps[..<generation.next].contains { step in
                if case .event(.outputItemDone(_, _, let done)) = step { return done.id == itemID }
                return false
            }
            guard !isDone, case .message(var message) = item.kind else { break }
            item.status = .incomplete
            perform(.audioEnds(item: itemID), leg, response)
            let words = models[leg]?.generated[itemID] == nil ? "" : "Some words"
            message.content = [ContentPart(kind: .outputAudio, transcript: words)]
            item.kind = .message(message)
            let position = PartPosition(responseID: response, itemID: itemID)
            tell(leg, .audioTranscriptDone(position, transcript: words))
            tell(leg, .itemDone(item, previousItemID: nil))
            tell(leg, .outputItemDone(responseID: response, outputIndex: 0, item: item))
            break
        }
        generation.response.status = .cancelled
        generation.response.statusDetails = .init(type: "cancelled", reason: reason)
        generation.response.output = []
        finish(leg, generation.response)
    }

    // MARK: Turns

    func hear(_ leg: ModelLeg) {
        guard let model = models[leg], model.isOpen, model.speech == nil else { return }
        let item = id("item")
        models[leg]?.speech = item
        tell(leg, .speechStarted(itemID: item, audioStartMilliseconds: now))
        if model.interrupts, model.generation != nil { cancel(leg, reason: "turn_detected") }
    }

    func hearEnd(_ leg: ModelLeg) {
        guard let model = models[leg], model.isOpen, let item = model.speech else { return }
        models[leg]?.speech = nil
        tell(leg, .speechStopped(itemID: item, audioEndMilliseconds: now))
        tell(leg, .inputAudioCommitted(itemID: item, previousItemID: nil))
        let part = ContentPart(kind: .inputAudio)
        let message = ConversationItem(
            id: item,
            status: .completed,
            kind: .message(.init(role: "user", content: [part]))
        )
        tell(leg, .itemAdded(message, previousItemID: nil))
        if model.session.input?.transcription?.value != nil, chance.percent(95) {
            agenda.plan(.written(leg, item: item), at: now + chance.number(50...900))
        }
        guard model.answers else { return }
        guard model.generation == nil else {
            let message = "Conversation already has an active response in progress."
            return tell(leg, .error(APIError(code: "conversation_already_has_active_response", message: message)))
        }
        agenda.plan(.respond(leg), at: now + chance.number(10...120))
    }

    func write(_ leg: ModelLeg, _ item: String) {
        if chance.percent(95) {
            let usage = TranscriptionUsage.duration(seconds: 1)
            tell(leg, .inputTranscriptionCompleted(itemID: item, contentIndex: 0, transcript: "Words.", usage: usage))
        } else {
            let error = APIError(code: "failed", message: "failed")
            tell(leg, .inputTranscriptionFailed(itemID: item, contentIndex: 0, error: error))
        }
    }

    // MARK: Faults

    func fail(_ fault: SimulatedFault) {
        let leg = openLeg ?? models.keys.max() ?? ModelLeg(0)
        switch fault {
        case .dropModel: agenda.plan(.closed(leg, LegClose(cause: .transportLost)), at: now)
        case .expireSession:
            tell(leg, .error(APIError(code: "session_expired", message: "60 minutes")))
            close(leg, LegClose(code: 1001, reason: "maximum duration", cause: .peerClosed))
        case .stallSession: models[leg]?.isStalled = true
        case .strayError: tell(leg, .error(APIError(type: "server_error", code: nil, message: "hiccup")))
        case .fatalError:
            tell(leg, .error(APIError(code: "insufficient_quota", message: "no money")))
            let reason = "invalid_request_error.insufficient_quota"
            close(leg, LegClose(code: 4000, reason: reason, cause: .peerClosed))
        default: pendingFaults.insert(fault)
        }
    }
}
