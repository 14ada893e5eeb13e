internal import CTrunk

/// One item of a call's playback ledger. Milliseconds, rounded down; heard <= sent <= received.
public struct LedgerItem: Sendable, Hashable {
    /// The model's id of the item.
    public let itemID: String
    /// The audio part within the item.
    public let contentIndex: Int
    /// The model leg it came from, as named by `addModel`.
    public let epoch: UInt32
    /// Received from the model.
    public let receivedMilliseconds: Int
    /// Sent to the phone.
    public let sentMilliseconds: Int
    /// Heard by the caller by now.
    public let heardMilliseconds: Int
    /// The model has said that no more comes.
    public let isComplete: Bool
}

/// What a call's audio has done so far.
public struct CallStats: Sendable, Hashable {
    /// Media messages of the caller.
    public var framesIn: UInt64 = 0
    /// Media messages to the caller.
    public var framesOut: UInt64 = 0
    /// Appends to the model.
    public var appendsOut: UInt64 = 0
    /// Audio deltas that were taken.
    public var deltasIn: UInt64 = 0
    /// Audio deltas of muted or finished responses.
    public var deltasLate: UInt64 = 0
    /// Caller audio dropped while waiting, milliseconds.
    public var droppedMilliseconds: UInt64 = 0
    /// Caller audio waiting now, milliseconds.
    public var waitingMilliseconds: UInt64 = 0
    /// Model audio not sent yet, milliseconds.
    public var queuedMilliseconds: UInt64 = 0
    /// Most audio that was ever at the phone, milliseconds.
    public var aheadMillisecondsHigh: UInt64 = 0
    /// Jumps in the carrier's timestamps, milliseconds.
    public var gapMilliseconds: UInt64 = 0
    /// Messages dropped as malformed.
    public var malformed: UInt64 = 0
    /// The turn in which the last clear was given to the system.
    public var clearTurn: UInt64 = 0
    /// Pool blocks held.
    public var blocks: UInt64 = 0
    /// Records of its taps that did not fit.
    public var tapRecordsDropped: UInt64 = 0

    /// Nothing yet.
    public init() {}
}

extension CallEngine {
    /// Accepts an upgrade request as a phone: the leg speaks this dialect, the call's events come to `handler`.
    public func openCall(
        accepting leg: LegID,
        dialect: CarrierDialectKind = .twilio,
        handler: any CallHandler
    ) throws(TrunkError) -> CallID {
        try check(trk_leg_accept(raw, leg.raw))
        var id = RawCallID()
        let dialect = trk_dialect(rawValue: dialect.rawValue) ?? .TRK_DIALECT_TWILIO
        let status = trk_call_open(raw, leg.raw, dialect, &id)
        if status != .TRK_OK {
            _ = trk_leg_close(raw, leg.raw, 1013, "no room for a call")
            try check(status)
        }
        seat(leg, nil)
        let call = CallID(id)
        while callSeats.count <= Int(call.slot) { callSeats.append(CallSeat()) }
        callSeats[Int(call.slot)] = CallSeat(generation: call.generation, handler: handler)
        return call
    }

    /// Who hears of this call; nil when it is gone.
    public func callHandler(_ call: CallID) -> (any CallHandler)? {
        let slot = Int(call.slot)
        guard slot < callSeats.count, callSeats[slot].generation == call.generation else { return nil }
        return callSeats[slot].handler
    }

    /// Dials a model leg for a call; `epoch` names it in the ledger.
    public func dialModel(_ target: DialTarget, for call: CallID, epoch: UInt32) throws(TrunkError) -> LegID {
        let leg = try begin(target)
        seat(leg, nil)
        let status = trk_call_add_model(raw, call.raw, leg.raw, epoch)
        if status != .TRK_OK {
            abort(leg)
            try check(status)
        }
        return leg
    }

    /// Lets caller audio flow to this model leg, and its audio be played; nil makes caller audio wait.
    public func route(_ call: CallID, to leg: LegID?) throws(TrunkError) {
        try check(trk_call_route(raw, call.raw, leg?.raw ?? RawLegID()))
    }

    /// Caller audio that a model of the call was given, milliseconds: what its `audio_start_ms` counts in.
    public func audioGiven(to leg: LegID, of call: CallID) -> Int {
        Int(trk_call_given_ms(raw, call.raw, leg.raw))
    }

    /// The items not yet heard to the end, in play order, and the audio that waits to be sent, in milliseconds.
    public func playback(_ call: CallID) -> (items: [LedgerItem], queuedMilliseconds: Int) {
        withUnsafeTemporaryAllocation(of: trk_playback_item.self, capacity: 16) { buffer in
            guard let base = buffer.baseAddress else { return ([], 0) }
            var count = 0
            var queued: UInt32 = 0
            guard trk_call_playback(raw, call.raw, base, buffer.count, &count, &queued) == .TRK_OK, count > 0 else {
                return ([], Int(queued))
            }
            return ((0..<count).map { LedgerItem(buffer[$0]) }, Int(queued))
        }
    }

    /// Plays up to a second of µ-law of our own, when nothing else plays or waits; otherwise nothing happens. The ledger
    /// shows it as an item of epoch 0.
    ///
    /// - Returns: Whether it plays.
    @discardableResult
    public func play(_ audio: [UInt8], to call: CallID) -> Bool {
        trk_call_play(raw, call.raw, audio, audio.count) == .TRK_OK
    }

    /// Interrupts: `clear` to the phone, all queued audio dropped, the present response muted. Idempotent.
    public func interrupt(_ call: CallID) { _ = trk_call_interrupt(raw, call.raw) }

    /// Drops the audio of a response from now on.
    public func muteResponse(_ responseID: String, of call: CallID) {
        var text = responseID
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            _ = trk_call_mute_response(raw, call.raw, base, bytes.count)
        }
    }

    /// Whether audio deltas are told to `modelAudio` as well. They cost a copy each: only for people who watch.
    public func tellAudio(_ tells: Bool) { trk_loop_tell_audio(raw, tells) }

    /// Whether the model is heard at all.
    public func muteAgent(_ call: CallID, _ muted: Bool) { _ = trk_call_mute_agent(raw, call.raw, muted) }

    /// `timerFired` at this moment of the loop's clock, in microseconds; nil cancels.
    public func setTimer(_ call: CallID, atMicroseconds moment: Int64?) {
        _ = trk_call_set_timer(raw, call.raw, moment ?? Int64.max)
    }

    /// What the call's audio has done so far; nil when it is gone.
    public func stats(of call: CallID) -> CallStats? {
        var stats = trk_call_stats()
        return trk_call_get_stats(raw, call.raw, &stats) == .TRK_OK ? CallStats(stats) : nil
    }

    /// Ends the call: closes the phone with `code` (0 leaves it) and the models with 1000. The id is stale then.
    public func endCall(_ call: CallID, code: Int, reason: String) {
        _ = trk_call_end(raw, call.raw, UInt16(clamping: code), reason)
        let slot = Int(call.slot)
        if slot < callSeats.count, callSeats[slot].generation == call.generation { callSeats[slot].handler = nil }
    }
}

extension LedgerItem {
    init(_ raw: trk_playback_item) {
        itemID = withUnsafeBytes(of: raw.id) { String(decoding: $0.prefix(Int(raw.id_count)), as: UTF8.self) }
        contentIndex = Int(raw.content_index)
        epoch = raw.epoch
        receivedMilliseconds = Int(raw.received_ms)
        sentMilliseconds = Int(raw.sent_ms)
        heardMilliseconds = Int(raw.heard_ms)
        isComplete = raw.complete
    }
}

extension CallStats {
    init(_ raw: trk_call_stats) {
        framesIn = raw.frames_in
        framesOut = raw.frames_out
        appendsOut = raw.appends_out
        deltasIn = raw.deltas_in
        deltasLate = raw.deltas_late
        droppedMilliseconds = raw.dropped_ms
        waitingMilliseconds = raw.waiting_ms
        queuedMilliseconds = raw.queued_ms
        aheadMillisecondsHigh = raw.ahead_ms_high
        gapMilliseconds = raw.gap_ms
        malformed = raw.malformed
        clearTurn = raw.clear_turn
        blocks = raw.blocks
        tapRecordsDropped = raw.tap_dropped
    }
}
