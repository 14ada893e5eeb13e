import RealtimeProtocol
import Trunk

/// A response that is being generated.
struct ModelResponse: Sendable {
    /// What is still to be said, one entry an item.
    var plan: [[UInt8]]
    var response: Response
    var itemID: String?
    var outputIndex = 0
    /// Audio of the present item and how much of it is out.
    var audio: [UInt8] = []
    var sent = 0
    var wordsOut = 0
    var words: [String] = []
    var deltas = 0
    /// Bytes of the whole response that are out: for the stall.
    var sentInAll = 0
    var hasStalled = false
    var nextAt: Int64
}

extension ModelSession {
    mutating func createResponse(_ options: ResponseOptions?, _ eventID: String?, at now: Int64) {
        if let active {
            let message =
                "Conversation already has an active response in progress: \(active.response.id). Wait until the response "
                + "is finished before creating a new one."
            return fail(code: "conversation_already_has_active_response", message: message, eventID)
        }
        log.note(.responseRequested(connection: connection))
        waiting = nil
        beginResponse(options, at: now)
    }

    mutating func cancelResponse(_ eventID: String?) {
        guard active != nil else {
            let message = "Cancellation failed: no active response found"
            return fail(code: "response_cancel_not_active", message: message, eventID)
        }
        endResponse(.cancelled, .init(type: "cancelled", reason: "client_cancelled"))
    }

    mutating func beginResponse(_ options: ResponseOptions?, at now: Int64) {
        var response = Response(id: newID("resp"), status: .inProgress)
        response.conversationID = "conv_S\(connection)"
        response.outputModalities = options?.outputModalities ?? session.outputModalities
        response.maxOutputTokens = session.maxOutputTokens
        response.metadata = options?.metadata
        var audio = SessionObject.AudioOutput()
        audio.format = session.output?.format
        audio.voice = session.output?.voice
        response.audio = audio
        emit(.responseCreated(response))
        let calls = options == nil ? script.toolCalls.filter { $0.turn == turns } : []
        active = ModelResponse(plan: [], response: response, nextAt: now)
        if !calls.isEmpty {
            for call in calls { callFunction(call) }
            return finishResponse(.completed, nil)
        }
        let isOwnVoice = if case .parrot = script.voice { lastUtterance.isEmpty } else { true }
        let audioOfItem = isLinear && isOwnVoice ? PCM.bytes(PCM.fromMuLaw(answer())) : answer()
        active?.plan = (0..<script.itemsPerResponse).map { _ in audioOfItem }
        generate(at: now)
    }

    /// What is said: the parrot without an utterance (a greeting) says a tone.
    private func answer() -> [UInt8] {
        switch script.voice {
        case .parrot where !lastUtterance.isEmpty: lastUtterance
        case .audio(let audio): audio
        case .pattern: []
        default: ToneVoice.tone(milliseconds: script.answerMilliseconds)
        }
    }

    private mutating func callFunction(_ call: ModelScript.ToolCall) {
        guard var active else { return }
        let id = newID("item")
        let callID = newID("call")
        let position = CallPosition(
            responseID: active.response.id,
            itemID: id,
            outputIndex: active.outputIndex,
            callID: callID
        )
        func item(_ status: ConversationItem.Status, _ arguments: String) -> ConversationItem {
            ConversationItem(
                id: id,
                status: status,
                kind: .functionCall(callID: callID, name: call.name, arguments: arguments)
            )
        }
        let previous = lastItemID
        emit(
            .outputItemAdded(
                responseID: active.response.id,
                outputIndex: active.outputIndex,
                item: item(.inProgress, "")
            )
        )
        emit(.itemAdded(item(.inProgress, ""), previousItemID: previous))
        emit(.functionCallArgumentsDelta(position, delta: call.arguments))
        emit(.functionCallArgumentsDone(position, name: call.name, arguments: call.arguments))
        let done = item(.completed, call.arguments)
        add(done, audioBytes: nil)
        emit(.itemDone(done, previousItemID: previous))
        emit(.outputItemDone(responseID: active.response.id, outputIndex: active.outputIndex, item: done))
        log.note(.toolCalled(connection: connection, callID: callID, name: call.name))
        active.response.output.append(done)
        active.outputIndex += 1
        self.active = active
    }

    // MARK: - Generation

    /// Sends all audio that is due.
    mutating func generate(at now: Int64) {
        while let next = active?.nextAt, next <= now {
            guard let response = active else { return }
            if response.itemID == nil {
                guard !response.plan.isEmpty else { return finishResponse(.completed, nil) }
                beginItem()
            } else if response.sent >= response.audio.count {
                endItem(.completed)
            } else {
                sendDelta()
            }
        }
    }

    private mutating func beginItem() {
        guard var active else { return }
        let id = newID("item")
        active.audio = active.plan.removeFirst()
        if case .pattern = script.voice {
            active.audio = isLinear ? PCM.bytes(PCM.fromMuLaw(patternAudio(for: id))) : patternAudio(for: id)
        }
        active.itemID = id
        active.sent = 0
        active.wordsOut = 0
        active.words = script.transcript.split(separator: " ").map { $0 + " " }
        let item = ConversationItem(
            id: id,
            status: .inProgress,
            kind: .message(.init(role: "assistant", content: []))
        )
        let previous = lastItemID
        emit(.outputItemAdded(responseID: active.response.id, outputIndex: active.outputIndex, item: item))
        add(item, audioBytes: 0)
        emit(.itemAdded(item, previousItemID: previous))
        self.active = active
        emit(.contentPartAdded(position, part: ContentPart(kind: .audio, transcript: "")))
    }

    private func patternAudio(for id: String) -> [UInt8] {
        let (number, stream) = log.numberItem(id, connection: connection)
        return (0..<UInt32(script.answerMilliseconds / 20)).flatMap {
            PatternFrame(stream: stream, item: number, counter: $0, isLoud: true).bytes
        }
    }

    private var position: PartPosition {
        PartPosition(
            responseID: active?.response.id ?? "",
            itemID: active?.itemID ?? "",
            outputIndex: active?.outputIndex ?? 0
        )
    }

    private mutating func sendDelta() {
        guard var active, let id = active.itemID else { return }
        let milliseconds = script.deltaMilliseconds[active.deltas % script.deltaMilliseconds.count]
        let end = min(active.audio.count, active.sent + milliseconds * bytesPerMillisecond)
        sendWords(of: &active, until: Double(end) / Double(active.audio.count))
        emit(.audioDelta(position, delta: Base64.encode(Array(active.audio[active.sent..<end]))))
        items[id]?.audioBytes = end
        log.note(.audioSent(connection: connection, itemID: id, milliseconds: end / bytesPerMillisecond))
        active.sentInAll += end - active.sent
        let length = Double(end - active.sent) / Double(bytesPerMillisecond) * 1_000
        active.sent = end
        active.deltas += 1
        if script.speed > 0 { active.nextAt += Int64(length / script.speed) }
        if let stall = script.stall, !active.hasStalled,
            active.sentInAll >= stall.after * bytesPerMillisecond
        {
            active.hasStalled = true
            active.nextAt += Int64(stall.lasts) * 1_000
        }
        self.active = active
    }

    /// The transcript runs ahead of the audio.
    private mutating func sendWords(of active: inout ModelResponse, until part: Double) {
        let wanted = min(active.words.count, Int(part * Double(active.words.count)) + 2)
        guard wanted > active.wordsOut else { return }
        emit(.audioTranscriptDelta(position, delta: active.words[active.wordsOut..<wanted].joined()))
        active.wordsOut = wanted
    }

    /// The closing events of an item, whole or not.
    private mutating func endItem(_ status: ConversationItem.Status) {
        guard var active, let id = active.itemID else { return }
        let transcript = active.words.prefix(active.wordsOut).joined().trimmingSpaces()
        let item = ConversationItem(
            id: id,
            status: status,
            kind: .message(
                .init(role: "assistant", content: [ContentPart(kind: .outputAudio, transcript: transcript)])
            )
        )
        emit(.audioDone(position))
        emit(.audioTranscriptDone(position, transcript: transcript))
        emit(.contentPartDone(position, part: ContentPart(kind: .audio, transcript: transcript)))
        emit(.itemDone(item, previousItemID: nil))
        emit(.outputItemDone(responseID: active.response.id, outputIndex: active.outputIndex, item: item))
        items[id]?.item = item
        active.response.output.append(item)
        active.itemID = nil
        active.outputIndex += 1
        self.active = active
    }

    /// Ends a response in mid-generation.
    mutating func endResponse(_ status: Response.Status, _ details: Response.StatusDetails) {
        if active?.itemID != nil { endItem(.incomplete) }
        finishResponse(status, details)
    }

    private mutating func finishResponse(_ status: Response.Status, _ details: Response.StatusDetails?) {
        guard let active else { return }
        var response = active.response
        response.status = status
        response.statusDetails = details
        response.usage = usage(of: active)
        self.active = nil
        log.note(.responseEnded(connection: connection, status: status.name))
        emit(.responseDone(response))
        emit(
            .rateLimitsUpdated([
                RateLimit(name: "tokens", limit: 15_000_000, remaining: 14_999_000, resetSeconds: 0.004)
            ])
        )
    }

    /// User audio is a token each 100 ms, the model's one each 50 ms.
    private func usage(of active: ModelResponse) -> TokenUsage {
        var usage = TokenUsage()
        usage.inputText = 20
        usage.inputAudio = lastUtterance.count / (100 * bytesPerMillisecond)
        usage.outputText = active.wordsOut
        usage.outputAudio = active.sentInAll / (50 * bytesPerMillisecond)
        usage.input = usage.inputText + usage.inputAudio
        usage.output = usage.outputText + usage.outputAudio
        usage.total = usage.input + usage.output
        return usage
    }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
