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
        guard case .functionCall(let callID, let name, let text) = item.kind, item.status ?? .completed == .completed,
            let leg = legs.serving, toolCalls.begin(callID)
        else { return }
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
        let isBlank = text.allSatisfy(\.isWhitespace)
        guard let arguments = isBlank ? [:] : try? JSONValue(parsing: text) else {
            return refuse(call, ToolErrorText.badJSON)
        }
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
        request(.toolOutputs)
    }

    // MARK: Time

    mutating func fireToolDeadlines() {
        for call in toolCalls.open {
            guard case .running(_, let until) = call.state else { continue }
            if until <= now {
                counters.toolTimeouts += 1
                emit(.cancelTool(callID: call.callID))
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
                emit(.cancelTool(callID: call.callID))
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
