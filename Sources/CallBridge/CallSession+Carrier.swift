import CallPolicy
import Logging
import RealtimeProtocol
import Trunk

/// What the carrier's leg brings: a stream that begins, or is turned away, and ends.
extension CallSession {
    func carrierStarted(_ call: CallID, message: RawSpan, on engine: isolated CallEngine) {
        let limits = bridge.configuration.call.limits
        if case .telnyx = brought { return telnyxStarted(call, message, on: engine) }
        guard let start = message.withUnsafeBytes({ CarrierStart(twilio: $0, limits: limits) }) else {
            return refuse(.startMessage, "its start message lacks what a call needs", on: engine)
        }
        if !start.isTelephoneAudio {
            let encoding = start.encoding.filter { $0.isLetter || $0.isNumber || "/-".contains($0) }.prefix(40)
            logger.warning("the stream is \(encoding) at \(start.sampleRate) Hz, expected audio/x-mulaw at 8000")
        }
        begin(start, call, format: .pcmu, on: engine)
    }

    /// A stream has begun: it becomes a call, or is turned away.
    func begin(_ start: CarrierStart, _ call: CallID, format: AudioFormat, on engine: isolated CallEngine) {
        let isTwilio = if case .twilio = brought { true } else { false }
        let offer = StreamOffer(start: start, address: address, isTwilio: isTwilio)
        guard bridge.configuration.admits(offer) else {
            return refuse(.notAdmitted, "its token does not fit", on: engine)
        }
        guard bridge.configuration.admission.enter(callID: start.callID, streamID: start.streamID) else {
            return refuse(.duplicate, "its call or stream is in progress already", on: engine)
        }
        var start = start
        start.hasLine = !isTwilio
        self.start = start
        guard choosePlan(offer, format) else { return refuse(.capped, "a cap on calls is reached", on: engine) }
        if let detection = plan.call.session.turnDetection {
            engine.setFill(call, milliseconds: detection.longestSilenceMilliseconds + Self.fillMargin)
        }
        callSID = start.callID
        logger[metadataKey: "call"] = "\(start.callID)"
        engine.setTimer(call, atMicroseconds: nil)
        bridge.configuration.observer(record(.planned(plan), call, on: engine))
        feed(.carrierStarted(start), on: engine)
    }

    /// Silence beyond what ends a turn, milliseconds.
    private static let fillMargin = 1_500

    /// False when the call is turned away.
    private func choosePlan(_ offer: StreamOffer, _ format: AudioFormat) -> Bool {
        if let choose = bridge.configuration.plan {
            guard let chosen = choose(offer) else { return false }
            plan = chosen
        } else if format == .pcmu, carrierTools.isEmpty {
            return true
        }
        plan.call.session.inputFormat = format
        plan.call.session.outputFormat = format
        let definitions = plan.tools.definitions
        let theirs = carrierTools.filter { tool in !definitions.contains { $0.name == tool.name } }
        carrierTools = theirs
        machine = CallMachine(configuration: plan.call, tools: definitions + theirs, seed: seed)
        return true
    }

    func refuse(_ refusal: CallAdmission.Refusal, _ why: String, on engine: isolated CallEngine) {
        bridge.configuration.admission.count(refusal)
        logger.warning("call refused: \(why)")
        finish(code: 1008, reason: refusal.rawValue, on: engine)
    }

    func carrierSilent(_ call: CallID, on engine: isolated CallEngine) {
        feed(.playback(snapshot(on: engine)), on: engine)
        feed(.carrierSilent, on: engine)
    }

    func carrierDigit(_ call: CallID, _ digit: String, on engine: isolated CallEngine) {
        feed(.dtmf(digit, snapshot(on: engine)), on: engine)
    }

    func carrierStopped(_ call: CallID, on engine: isolated CallEngine) {
        feed(.playback(snapshot(on: engine)), on: engine)
        feed(.carrierStopped, on: engine)
    }

    func carrierClosed(_ call: CallID, _ ending: LegEnding, on engine: isolated CallEngine) {
        if callSID.isEmpty { return finish(code: 0, reason: "", on: engine) }
        if ending.cause != .peer, ending.cause != .local {
            logger.warning("carrier connection ended: \(ending.cause) \(ending.code) \(ending.reason)")
        }
        feed(.playback(snapshot(on: engine)), on: engine)
        feed(.carrierClosed(LegClose(ending)), on: engine)
    }
}
