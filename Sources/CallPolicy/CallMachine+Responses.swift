import RealtimeProtocol

extension CallMachine {
    /// Keys of the metadata by which our own responses are known again.
    private static let requestKey = "trunkline_request"
    private static let purposeKey = "trunkline_purpose"

    // MARK: Asking

    /// Puts a request into the queue. Only one of its kind waits where more would make the agent say the same again.
    mutating func request(
        _ purpose: ResponsePurpose,
        options: ResponseOptions = ResponseOptions(),
        isInterruptible: Bool = true,
        notBefore: CallTime? = nil
    ) {
        let isUnique = ![ResponsePurpose.say, .instruct, .goodbye].contains(purpose)
        if isUnique, queue.isWaiting(for: purpose) { return }
        let request = queue.makeRequest(
            purpose,
            options: options,
            isInterruptible: isInterruptible,
            notBefore: notBefore
        )
        guard !queue.append(request) else { return }
        counters.responsesOverLimit += 1
        warn(.limit, "too many waiting responses: \(purpose.rawValue) dropped")
    }

    /// Asks for the next response, when the model may be asked.
    mutating func pump() {
        guard let leg = legs.serving, !queue.isBusy, !queue.waiting.isEmpty else { return }
        if let blocked = queue.blockedUntil, now < blocked { return }
        queue.blockedUntil = nil
        let isHeldBack = turn.isSpeaking || turn.answerDue != nil
        guard let next = queue.takeReady(at: now, where: { !isHeldBack || $0.mayTalkOverCaller }) else { return }
        if !next.isInterruptible {
            protected = ProtectedUtterance(requestID: next.id)
            reconcileInterrupts()
        }
        var options = next.options
        var metadata: JSONObject = [Self.requestKey: .string(String(next.id))]
        metadata.append(Self.purposeKey, .string(next.purpose.rawValue))
        options.metadata = metadata
        send(leg, .create(requestID: next.id)) { .responseCreate(options, eventID: $0) }
        record(.responseRequested(next.purpose))
        queue.sent = .init(request: next, leg: leg, at: now)
    }

    /// A request was not accepted: it is asked for again after the response that is in the way.
    mutating func requestCollided() {
        counters.responseCollisions += 1
        if let sent = queue.sent {
            queue.sent = nil
            if sent.request.id == protected?.requestID { protected = nil }
            if !sent.isSuperseded { queue.putBack(sent.request) }
        } else {
            // The server's own response to a turn met ours.
            request(.callerTurn)
        }
        if queue.active == nil { queue.blockedUntil = now + configuration.responses.createTimeoutMilliseconds }
        reconcileInterrupts()
    }

    /// A request was refused, or nothing came of it.
    mutating func requestFailed(_ detail: String, mayRetry: Bool) {
        guard var sent = queue.sent else { return }
        queue.sent = nil
        if sent.request.id == protected?.requestID { protected = nil }
        reconcileInterrupts()
        sent.request.attempts += 1
        if mayRetry, sent.request.attempts < 2 { return queue.putBack(sent.request) }
        warn(.responseDropped, "\(sent.request.purpose.rawValue): \(detail)")
        if sent.request.purpose == .goodbye { goodbyeIsSpoken() }
    }

    // MARK: Beginning

    mutating func responseCreated(_ response: Response, on leg: ModelLeg) {
        guard queue.active?.id != response.id else { return ignore() }
        if let old = queue.active {
            warn(.unexpectedInput, "response \(old.id) was never done")
            responseIsOver(old, status: "lost", detail: nil)
        }
        let request = takeRequest(for: response)
        var active = ActiveResponse(id: response.id, leg: leg, request: request, purpose: .server)
        active.purpose = request?.purpose ?? purpose(of: response) ?? .server
        queue.active = active
        queue.blockedUntil = nil
        turn.answerDue = nil
        if let stoppedAt = turn.stoppedAt { turn.createdMilliseconds = now - stoppedAt }
        if request?.id == protected?.requestID, request != nil { protected?.responseID = response.id }
        if active.purpose == .server { serverAnswered() }
        silenceIfUnwanted(active)
    }

    /// The request that this response answers.
    private mutating func takeRequest(for response: Response) -> ResponseRequest? {
        guard let sent = queue.sent else { return nil }
        let isOurs =
            configuration.responses.serverEchoesMetadata
            ? response.metadata?[Self.requestKey]?.stringValue == String(sent.request.id) : true
        guard isOurs else { return nil }
        queue.sent = nil
        return sent.request
    }

    private func purpose(of response: Response) -> ResponsePurpose? {
        response.metadata?[Self.purposeKey]?.stringValue.flatMap { ResponsePurpose(rawValue: $0) }
    }

    /// The server answers by itself: what would have asked for the same answer is not needed any more.
    private mutating func serverAnswered() {
        var answered: Set<ResponsePurpose> = [.callerTurn, .lostTurn, .idlePrompt, .greeting, .continuation]
        // The response began after the server showed the outputs in the conversation: it has seen them.
        if toolCalls.unacknowledged.isEmpty { answered.insert(.toolOutputs) }
        queue.removeWaiting(answered)
        if let sent = queue.sent, answered.contains(sent.request.purpose) { queue.sent?.isSuperseded = true }
    }

    /// A response that begins while the caller speaks, or beside the goodbye, would be talked over: it is stopped.
    private mutating func silenceIfUnwanted(_ active: ActiveResponse) {
        let isProtected = protected?.responseID == active.id && protected != nil
        let talksOver = turn.isSpeaking && !isProtected && configuration.callerMayInterrupt
        let isBesideGoodbye = !isLive && active.purpose != .goodbye
        guard talksOver || isBesideGoodbye else { return }
        silence(active, cancel: true)
        guard talksOver, let request = active.request else { return }
        switch request.purpose {
        case .toolOutputs, .say, .instruct, .keys, .durationWarning: queue.putBack(request)
        case .goodbye: if !isLive { queue.putBack(request) }
        case .server, .greeting, .callerTurn, .lostTurn, .filler, .idlePrompt, .continuation: break
        }
    }

    // MARK: End

    mutating func responseDone(_ response: Response) {
        countUsage(response)
        guard let active = queue.active, active.id == response.id else {
            if queue.active == nil { queue.blockedUntil = nil }
            return ignore()
        }
        collectCalls(response)
        let detail = response.statusDetails?.reason ?? response.statusDetails?.error?.code
        responseIsOver(active, status: response.status.name, detail: detail)
        switch response.status {
        case .failed: responseFailed(active, response.statusDetails?.error)
        case .incomplete: responseIncomplete(active, response)
        case .completed:
            recovery.failures = 0
            recovery.hasContinued = false
        case .cancelled, .inProgress, .other: break
        }
    }

    private mutating func responseIsOver(_ active: ActiveResponse, status: String, detail: String?) {
        queue.active = nil
        queue.blockedUntil = nil
        record(.responseFinished(responseID: active.id, active.purpose, status: status, detail: detail))
        finishItems(ofResponse: active.id)
        toolCalls.finishResponse(active.id)
        protectedResponseDone(active.id)
        endResponseOver(active)
    }

    /// A broken response is asked for once more, then in other words, since the conversation itself may be what breaks
    /// it; the third one in a row ends the call.
    private mutating func responseFailed(_ active: ActiveResponse, _ error: APIError?) {
        counters.responsesFailed += 1
        let detail = "\(error?.code ?? "failed"): \(error?.message ?? "")"
        warn(.responseFailed, detail)
        if case .fatal(let code) = LossVerdict(code: error?.code, type: error?.type) {
            return endWithoutModel(.modelRefused, .model, detail: "\(code): \(error?.message ?? "")")
        }
        guard isLive else { return }
        guard countFailure(detail) else { return }
        let notBefore = now + configuration.responses.retryDelayMilliseconds
        if recovery.failures > 1 {
            let options = Prompts.options(.instructions(Prompts.failure))
            return self.request(.lostTurn, options: options, notBefore: notBefore)
        }
        guard var request = active.request else { return self.request(.callerTurn, notBefore: notBefore) }
        request.notBefore = notBefore
        queue.putBack(request)
    }

    /// Counts a response that failed; whether the call goes on.
    private mutating func countFailure(_ detail: String) -> Bool {
        recovery.failures += 1
        if recovery.failures < configuration.responses.failuresMaximum { return true }
        endWithoutModel(.modelFailed, .model, detail: detail)
        return false
    }

    /// A response cut by a limit or a filter is continued once.
    private mutating func responseIncomplete(_ active: ActiveResponse, _ response: Response) {
        counters.responsesIncomplete += 1
        let reason = response.statusDetails?.reason ?? ""
        warn(.responseFailed, "incomplete: \(reason)")
        if reason == "content_filter", isLive, !countFailure(reason) { return }
        let hasCalls = toolCalls.batches.contains { $0.responseID == active.id }
        guard isLive, !recovery.hasContinued, !hasCalls, active.purpose != .goodbye else { return }
        recovery.hasContinued = true
        var options = ResponseOptions()
        options.instructions = Prompts.continuation
        request(.continuation, options: options, isInterruptible: active.request?.isInterruptible ?? true)
    }

    private mutating func countUsage(_ response: Response) {
        guard let used = response.usage, countedUsage.insert(response.id) else { return }
        let cost = usage.add(used, price: configuration.prices.price(of: configuration.session.model))
        record(.usage(responseID: response.id, used, costMicrodollars: cost))
        checkCost()
    }

    /// The call costs too much: the agent says goodbye.
    mutating func checkCost() {
        guard let limit = configuration.limits.costMicrodollars, usage.costMicrodollars >= limit else { return }
        endAfterGoodbye(.maximumCost, .system, detail: "\(usage.costMicrodollars) microdollars")
    }
}

extension ResponseRequest {
    /// Whether it need not wait until the caller is silent: an end that cannot be put off.
    var mayTalkOverCaller: Bool { purpose == .goodbye && !isInterruptible }
}
