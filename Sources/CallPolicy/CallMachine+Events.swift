import RealtimeProtocol

extension CallMachine {
    mutating func modelEvent(_ id: ModelLeg, _ event: ServerEvent) {
        guard legs[id] != nil else { return ignore() }
        noteSignOfLife(of: id)
        switch event {
        case .sessionCreated(let session): sessionCreated(id, session)
        case .sessionUpdated(let session): sessionUpdated(id, session)
        case .error(let error): modelError(error, on: id)
        case .rateLimitsUpdated(let limits): record(.rateLimits(limits))
        case .unknown(let type):
            counters.unknownEvents += 1
            record(.unknownEvent(type: type.cut(toBytes: configuration.limits.idBytes).text))
        default:
            // A session that stands by only shows what it was told.
            guard id == legs.serving else { return }
            callerEvent(event)
            responseEvent(event, on: id)
        }
    }

    mutating func noteSignOfLife(of id: ModelLeg) {
        let time = now
        legs.change(id) { $0.lastEventAt = time }
    }

    private mutating func callerEvent(_ event: ServerEvent) {
        switch event {
        case .speechStarted(let itemID, let start): speechStarted(itemID, at: start)
        case .speechStopped(let itemID, _): speechStopped(itemID)
        case .inputAudioCommitted(let itemID, _): turnCommitted(itemID)
        case .inputAudioTimeoutTriggered(let itemID, _, _): turn.silentItems.insert(itemID)
        case .inputTranscriptionCompleted(let itemID, _, let transcript, let usage):
            transcribed(itemID, transcript, usage)
        case .inputTranscriptionFailed(let itemID, _, let error):
            history.removeUser(itemID: itemID)
            warn(.transcriptionFailed, "\(itemID): \(error.code ?? "") \(error.message)")
        case .itemAdded(let item, _):
            if case .functionCallOutput(let callID, _) = item.kind { toolCalls.acknowledge(callID) }
        default: break
        }
    }

    private mutating func responseEvent(_ event: ServerEvent, on leg: ModelLeg) {
        switch event {
        case .responseCreated(let response): responseCreated(response, on: leg)
        case .responseDone(let response): responseDone(response)
        case .outputItemAdded(let responseID, _, let item):
            if case .message = item.kind, let itemID = item.id {
                itemBegan(itemID, responseID: responseID, leg: leg)
            }
        case .outputItemDone(let responseID, _, let item):
            collectCall(item, responseID: responseID)
            forgetUnheard(item, responseID: responseID, on: leg)
        case .audioTranscriptDelta(let position, let delta): wordsCame(position, delta)
        case .audioTranscriptDone(let position, let transcript): wordsEnded(position, transcript)
        default: break
        }
    }

    /// An interrupted message of which no audio came before the interruption cannot be truncated; it is removed, or the
    /// model would believe that it was heard.
    private mutating func forgetUnheard(_ item: ConversationItem, responseID: String, on leg: ModelLeg) {
        guard case .message(let message) = item.kind, let itemID = item.id, queue.active?.id == responseID,
            queue.active?.isMuted == true, !truncatedItems.contains(itemID),
            let open = items.item(itemID), open.cut?.heardMilliseconds == 0, !open.hasStarted,
            message.content.contains(where: { !($0.transcript ?? "").isEmpty })
        else { return }
        truncatedItems.insert(itemID)
        send(leg, .delete) { .itemDelete(itemID: itemID, eventID: $0) }
    }

    // MARK: Errors

    mutating func modelError(_ error: APIError, on id: ModelLeg) {
        counters.modelErrors += 1
        let detail = "\(error.code ?? error.type ?? "error"): \(error.message)"
        if case .fatal = LossVerdict(code: error.code, type: error.type) {
            warn(.modelError, detail)
            return abandon(id, reason: detail, verdict: LossVerdict(code: error.code, type: error.type))
        }
        if error.code == "session_expired" { return abandon(id, reason: "session_expired") }
        switch sentEvents.kind(of: error.eventID) {
        case .configuration(let leg)?: configurationRefused(leg, error, detail)
        case .truncation(let itemID)?:
            counters.truncationsRejected += 1
            record(.truncationRejected(itemID: itemID, error))
        case .create(let requestID)?: createRefused(requestID, error, detail)
        case .cancel?, .delete?: break
        case .audioBuffer?: commitRefused()
        case .sessionUpdate?, .item?, nil:
            if error.code == "conversation_already_has_active_response", id == legs.serving {
                requestCollided()
            } else {
                warn(.modelError, detail)
            }
        }
    }

    private mutating func createRefused(_ requestID: Int, _ error: APIError, _ detail: String) {
        guard queue.sent?.request.id == requestID else { return }
        if error.code == "conversation_already_has_active_response" {
            requestCollided()
        } else {
            requestFailed(detail, mayRetry: error.type == "server_error")
        }
    }

    /// The session's configuration was refused: another session would refuse it too, unless the server is at fault.
    private mutating func configurationRefused(_ leg: ModelLeg, _ error: APIError, _ detail: String) {
        guard legs[leg]?.stage == .configuring else { return warn(.modelError, detail) }
        guard error.type != "server_error" else { return abandon(leg, reason: "server_error") }
        warn(.modelError, detail)
        if legs.serving == nil {
            endWithoutModel(.sessionRefused, .model, detail: detail)
        } else {
            abandon(leg, reason: "session refused", verdict: .fatal(code: "session_refused"))
        }
    }
}
