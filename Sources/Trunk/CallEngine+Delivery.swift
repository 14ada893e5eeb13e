internal import CTrunk

extension CallEngine {
    /// Hands the events of a batch to their handlers. A handler can close what a later event speaks of: those events
    /// are skipped, since their leg's seat or the call's is empty by then.
    func deliver(_ batch: UnsafeBufferPointer<trk_event>) {
        for event in batch {
            if isOutdated(event) { continue }
            if event.call.generation != 0 {
                deliverToCall(event)
            } else {
                deliverToLeg(event)
            }
        }
    }

    // MARK: - Legs

    private func deliverToLeg(_ event: trk_event) {
        let leg = LegID(event.leg)
        if event.kind == .TRK_EVENT_LEG_REQUEST {
            let request = UpgradeRequest(
                pathIndex: Int(event.a),
                isSecure: event.b != 0,
                head: String(decoding: event.buffer, as: UTF8.self),
                peer: peer(of: leg)
            )
            return acceptors[Int(event.c)].upgrades.requested(leg, request, on: self)
        }
        if event.kind == .TRK_EVENT_LEG_PLAIN {
            acceptors[Int(event.c)].plain?.requested(
                leg,
                from: ListenerID(tag: UInt32(event.c)),
                isSecure: event.b != 0,
                on: self
            )
            return
        }
        let slot = Int(leg.slot)
        guard slot < legSeats.count, legSeats[slot].generation == leg.generation,
            let handler = legSeats[slot].handler
        else { return }
        switch event.kind {
        case .TRK_EVENT_LEG_OPENED: handler.opened(leg, on: self)
        case .TRK_EVENT_LEG_TEXT: handler.received(event.buffer.bytes, isText: true, from: leg, on: self)
        case .TRK_EVENT_LEG_BINARY: handler.received(event.buffer.bytes, isText: false, from: leg, on: self)
        case .TRK_EVENT_LEG_TIMER: handler.timerFired(leg, on: self)
        case .TRK_EVENT_LEG_CLOSED:
            legSeats[slot].handler = nil
            handler.closed(leg, LegEnding(event), on: self)
        default: break
        }
    }

    // MARK: - Calls

    private func deliverToCall(_ event: trk_event) {
        let call = CallID(event.call)
        let slot = Int(call.slot)
        guard slot < callSeats.count, callSeats[slot].generation == call.generation,
            let handler = callSeats[slot].handler
        else { return }
        switch event.kind {
        case .TRK_EVENT_MODEL_EVENT:
            let moment = LoopMoment(turn: event.turn, microseconds: event.time_us)
            handler.modelEvent(call, LegID(event.leg), event.buffer.bytes, at: moment, on: self)
        case .TRK_EVENT_MODEL_AUDIO: handler.modelAudio(call, event.buffer.bytes, on: self)
        case .TRK_EVENT_CARRIER_START: handler.carrierStarted(call, message: event.buffer.bytes, on: self)
        case .TRK_EVENT_CARRIER_TEXT: handler.carrierText(call, event.buffer.bytes, on: self)
        case .TRK_EVENT_CARRIER_DTMF: handler.carrierDigit(call, event.text, on: self)
        case .TRK_EVENT_CARRIER_STOP: handler.carrierStopped(call, on: self)
        case .TRK_EVENT_CARRIER_SILENT: handler.carrierSilent(call, on: self)
        case .TRK_EVENT_LEG_OPENED where event.isDialled: handler.modelOpened(call, LegID(event.leg), on: self)
        case .TRK_EVENT_LEG_CLOSED where event.isDialled:
            handler.modelClosed(call, LegID(event.leg), LegEnding(event), on: self)
        case .TRK_EVENT_LEG_CLOSED: handler.carrierClosed(call, LegEnding(event), on: self)
        case .TRK_EVENT_FIRST_AUDIO: handler.playback(call, .arrived(itemID: event.text), on: self)
        case .TRK_EVENT_ITEM_STARTED: handler.playback(call, .started(itemID: event.text), on: self)
        case .TRK_EVENT_ITEM_FINISHED:
            handler.playback(call, .finished(itemID: event.text, proven: event.a != 0), on: self)
        case .TRK_EVENT_DRAINED: handler.playback(call, .drained, on: self)
        case .TRK_EVENT_CALL_TIMER: handler.timerFired(call, on: self)
        case .TRK_EVENT_MALFORMED:
            let reason = MalformedReason(rawValue: event.a) ?? .json
            handler.malformed(call, LegID(event.leg), reason, on: self)
        default: break
        }
    }
}

extension trk_event {
    /// The event's bytes; valid until the batch has been delivered.
    var buffer: UnsafeRawBufferPointer { bytes.buffer }

    var text: String { String(decoding: buffer, as: UTF8.self) }

    /// Whether the leg is one that we dialled: a model.
    var isDialled: Bool { is_dialled }
}

extension LegEnding {
    init(_ event: trk_event) {
        self.init(
            code: Int(event.a),
            cause: Cause(rawValue: event.b) ?? .lost,
            detail: Int(event.c),
            reason: event.text,
            retryAfterSeconds: event.d < 0 ? nil : Int(event.d)
        )
    }
}
