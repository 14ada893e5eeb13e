import RealtimeProtocol

extension CallMachine {
    // MARK: Collecting

    /// Calls that were not told by `response.output_item.done`: some servers leave it out.
    mutating func collectCalls(_ response: Response) {
        guard response.status == .completed else { return }
        for item in response.output { collectCall(item, responseID: response.id) }
    }

    /// Starts a call when it is whole and new.
    mutating func collectCall(_ item: ConversationItem, responseID: String) {
        guard case .functionCall(let callID, let fullName, let text) = item.kind,
            item.status ?? .completed == .completed, let leg = legs.serving, isWithinLimit(callID),
            toolCalls.begin(callID)
        else { return }
        // A name that is cut is none of ours: those are shorter.
        let name = fullName.cut(toBytes: configuration.limits.idBytes).text
        if name != BuiltInTools.endCallName { toolCalls.count += 1 }
        history.append(.call(callID: callID, name: name, arguments: cut(text)))
        toolCalls.changeBatch(responseID) { $0.wantsResponse = $0.wantsResponse || name != BuiltInTools.endCallName }
        var call = ToolCalls.Call(
            callID: callID,
            name: name,
            arguments: .null,
            responseID: responseID,
            knownTo: leg,
            timeoutMilliseconds: 0
        )
        guard let tool = tools[name] else { return refuse(call, ToolErrorText.unknown(name)) }
        guard toolCalls.count <= configuration.tools.callsMaximum || name == BuiltInTools.endCallName else {
            counters.toolsOverLimit += 1
            return refuse(call, ToolErrorText.tooMany(name))
        }
        guard let arguments = arguments(text) else { return refuse(call, ToolErrorText.badJSON) }
        if let problem = SchemaValidation.problem(arguments, schema: tool.parameters) {
            return refuse(call, ToolErrorText.invalid(name, problem))
        }
        if name == BuiltInTools.endCallName, configuration.tools.offersEndCall { return endCallWanted(call) }
        guard toolCalls.open.count < configuration.limits.openToolCalls else {
            return refuse(call, ToolErrorText.tooMany(name))
        }
        call = ToolCalls.Call(
            callID: callID,
            name: name,
            arguments: arguments,
            responseID: responseID,
            knownTo: leg,
            timeoutMilliseconds: tool.timeoutMilliseconds ?? configuration.tools.timeoutMilliseconds
        )
        call.fillerAt = tool.fillerAfterMilliseconds.map { now + $0 }
        toolCalls.open.append(call)
        startCalls()
    }

    /// An id beyond the limit is not kept, so it cannot be answered either.
    private mutating func isWithinLimit(_ id: String) -> Bool {
        if id.utf8.count <= configuration.limits.idBytes { return true }
        counters.idsOverLimit += 1
        warn(.limit, "a call id of \(id.utf8.count) bytes")
        return false
    }

    /// The arguments of a call; nothing at all counts as none. Nil when they are no object, too long, or name a key
    /// twice, which two readers could understand in two ways.
    private func arguments(_ text: String) -> JSONValue? {
        guard text.utf8.count <= configuration.limits.toolArgumentBytes else { return nil }
        if text.allSatisfy(\.isWhitespace) { return [:] }
        guard let value = try? JSONValue(parsing: text), value.objectValue != nil, !value.hasDuplicateKeys else {
            return nil
        }
        return value
    }

    private mutating func refuse(_ call: ToolCalls.Call, _ text: String) {
        counters.toolsRefused += 1
        answer(call, text)
        record(.toolFinished(callID: call.callID, name: call.name, .refused, output: cut(text), milliseconds: 0))
    }

    /// Starts the calls that wait, as many as may run at once.
    private mutating func startCalls() {
        while toolCalls.running < configuration.tools.parallelLimit,
            let index = toolCalls.open.firstIndex(where: { $0.state == .waiting })
        {
            let call = toolCalls.open[index]
            toolCalls.open[index].state = .running(since: now, until: now + call.timeoutMilliseconds)
            if tools[call.name]?.isManual != true {
                counters.toolRuns += 1
                emit(
                    .runTool(
                        ToolInvocation(
                            callID: call.callID,
                            name: call.name,
                            arguments: call.arguments,
                            timeoutMilliseconds: call.timeoutMilliseconds
                        )
                    )
                )
            }
            let arguments = cut(call.arguments.text)
            record(.toolStarted(callID: call.callID, name: call.name, arguments: arguments))
        }
    }

    // MARK: Answering

    mutating func toolFinished(_ callID: String, _ result: ToolResult) {
        guard let call = toolCalls.open.first(where: { $0.callID == callID }), call.state != .waiting else {
            counters.lateToolResults += 1
            return warn(.lateToolResult, callID)
        }
        switch result {
        case .output(let text): finish(call, .succeeded, text)
        case .failure(let error): finish(call, .failed, ToolErrorText.failed(call.name, error))
        }
    }

    /// Whether a function call of this id is not answered yet.
    public func waits(forAnswerTo callID: String) -> Bool { toolCalls.open.contains { $0.callID == callID } }

    /// A person answers instead of the tool.
    mutating func answerTool(_ callID: String, _ output: String) {
        guard let call = toolCalls.open.first(where: { $0.callID == callID }) else {
            counters.lateToolResults += 1
            return warn(.lateToolResult, callID)
        }
        cancelRun(of: call)
        finish(call, .succeeded, output)
    }

    private mutating func cancelRun(of call: ToolCalls.Call) {
        guard case .running = call.state, tools[call.name]?.isManual != true else { return }
        emit(.cancelTool(callID: call.callID))
    }

    private mutating func finish(_ call: ToolCalls.Call, _ outcome: ToolOutcome, _ output: String) {
        guard toolCalls.remove(call.callID) != nil else { return }
        let (text, wasCut) = output.cut(toBytes: configuration.limits.toolOutputBytes)
        if wasCut { counters.textsCut += 1 }
        answer(call, text)
        var duration = 0
        if case .running(let since, _) = call.state { duration = now - since }
        record(
            .toolFinished(callID: call.callID, name: call.name, outcome, output: cut(text), milliseconds: duration)
        )
        if !toolCalls.open.contains(where: { $0.responseID == call.responseID }) { queue.removeWaiting([.filler]) }
        startCalls()
    }

    /// Answers a call, here and at the model. Without a session, or in one that does not know the call, the history
    /// tells the next session.
    private mutating func answer(_ call: ToolCalls.Call, _ output: String) {
        history.append(.output(callID: call.callID, output: output))
        guard let leg = legs.serving, call.knownTo == leg else { return }
        let item = ConversationItem(kind: .functionCallOutput(callID: call.callID, output: output))
        send(leg, .item) { .itemCreate(item, eventID: $0) }
        if toolCalls.unacknowledged.count < configuration.limits.openToolCalls {
            toolCalls.unacknowledged.append(call.callID)
        }
    }

    /// Asks for one response when a response's calls are all answered.
    mutating func askForToolAnswers() {
        guard toolCalls.takeFinishedBatches(), isLive else { return }
        let limit = configuration.tools.callsMaximum
        guard toolCalls.count > limit else { return request(.toolOutputs) }
        // A model that goes on calling although it may not is not asked again before the caller's next turn.
        guard toolCalls.forcedAnswers < ToolCalls.forcedAnswersMaximum else {
            return warn(.limit, "\(toolCalls.count) function calls")
        }
        toolCalls.forcedAnswers += 1
        var options = ResponseOptions()
        options.toolChoice = ToolChoice.none
        request(.toolOutputs, options: options)
    }

    // MARK: Time

    mutating func fireToolDeadlines() {
        for call in toolCalls.open {
            guard case .running(_, let until) = call.state else { continue }
            if until <= now {
                counters.toolTimeouts += 1
                cancelRun(of: call)
                let text = ToolErrorText.timedOut(call.name, milliseconds: call.timeoutMilliseconds)
                finish(call, .timedOut, text)
            } else if let filler = call.fillerAt, filler <= now {
                fill(call)
            }
        }
        // A call that still waits for its place says nothing.
        for index in toolCalls.open.indices where toolCalls.open[index].state == .waiting {
            if let filler = toolCalls.open[index].fillerAt, filler <= now { toolCalls.open[index].fillerAt = nil }
        }
    }

    /// The agent says something while a tool runs, unless someone is speaking.
    private mutating func fill(_ call: ToolCalls.Call) {
        for index in toolCalls.open.indices where toolCalls.open[index].responseID == call.responseID {
            toolCalls.open[index].fillerAt = nil
        }
        guard isLive, queue.isIdle, !isPlaying, !turn.isSpeaking, turn.answerDue == nil else { return }
        let words = tools[call.name]?.filler
        request(.filler, options: Prompts.options(words.map(GreetingText.exactly) ?? .instructions(Prompts.filler)))
    }

    /// The call is over: nobody wants the results any more.
    mutating func cancelTools() {
        for call in toolCalls.open {
            if case .running(let since, _) = call.state {
                cancelRun(of: call)
                record(
                    .toolFinished(
                        callID: call.callID,
                        name: call.name,
                        .cancelled,
                        output: "",
                        milliseconds: now - since
                    )
                )
            } else {
                record(
                    .toolFinished(callID: call.callID, name: call.name, .cancelled, output: "", milliseconds: 0)
                )
            }
        }
        toolCalls.open = []
    }
}
