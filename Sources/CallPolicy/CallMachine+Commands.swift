import RealtimeProtocol

extension CallMachine {
    mutating func obey(_ command: CallCommand) {
        if case .hangUp(let initiator, let reason) = command {
            return end(reason, initiator, detail: "a command ended the call")
        }
        if case .handOver(let initiator) = command {
            handedOverBy = initiator
            return
        }
        guard case .live = phase else {
            counters.ignoredInputs += 1
            return warn(.unexpectedInput, "a command came before or after the call")
        }
        switch command {
        case .hangUp, .handOver: break
        case .endAfterGoodbye(let initiator, let reason):
            endAfterGoodbye(reason, initiator, detail: "a command ended the call")
        case .say(let text, let isInterruptible):
            request(.say, options: Prompts.options(.exactly(text)), isInterruptible: isInterruptible)
        case .instruct(let text, let respond):
            tell(text, role: "system")
            if respond { request(.instruct) }
        case .updateSession(let update): updateSession(update)
        case .answerTool(let callID, let output): answerTool(callID, output)
        case .interrupt: interrupt(.command)
        case .listen(let listening): listen(listening)
        case .muteAgent(let muted):
            emit(.muteAgent(muted))
            record(.agentMuted(muted))
        case .rotate: beginRotation()
        }
    }

    /// Changes the session now, and for every session to come. The model is fixed when a connection is opened, and the
    /// audio formats are those that the media core passes on.
    mutating func updateSession(_ update: SessionObject) {
        var update = update
        update.type = "realtime"
        update.model = nil
        update.input?.format = nil
        update.output?.format = nil
        learnTools(update.tools ?? [])
        session = session.merging(update)
        sessionVersion += 1
        let wanted = effective(update)
        for leg in legs.all where leg.stage == .ready {
            send(leg.id, .sessionUpdate) { .sessionUpdate(wanted, eventID: $0) }
        }
    }

    /// Functions of a session that nothing here can run are answered by a person.
    private mutating func learnTools(_ offered: [SessionTool]) {
        for case .function(let tool) in offered where tools[tool.name] == nil {
            guard tools.count < configuration.limits.tools else {
                counters.toolsOverLimit += 1
                return warn(.limit, "more than \(configuration.limits.tools) tools")
            }
            tools[tool.name] = ToolDefinition(manual: tool)
        }
    }
}
