import CallPolicy
import Logging
import RealtimeProtocol
import Trunk

extension Carrier {
    /// What the core must know of it.
    var kind: CarrierDialectKind {
        switch self {
        case .twilio: .twilio
        case .telnyx: .telnyx
        case .binary: .binary
        }
    }
}

/// What became of a carrier's text messages.
struct CarrierTexts {
    /// Messages that are heard in one second; more are dropped.
    static let perSecond = 50
    /// Messages that mean nothing before the carrier is closed.
    static let malformedMax = 32

    /// Complaints of a carrier that are logged in one call; more are dropped, and counted.
    static let complaintsMax = 20

    var malformed = 0
    var dropped = 0
    var complaints = 0
    private var second: Int64 = 0
    private var count = 0

    mutating func mayTake(at microseconds: Int64) -> Bool {
        if microseconds / 1_000_000 != second {
            second = microseconds / 1_000_000
            count = 0
        }
        count += 1
        if count <= Self.perSecond { return true }
        dropped += 1
        return false
    }
}

/// Carriers that are not Twilio: their dialects say what their messages mean.
extension CallSession {
    func telnyxStarted(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine) {
        let limits = bridge.configuration.call.limits
        do {
            let (start, line) = try message.withUnsafeBytes { bytes in try TelnyxStart.read(bytes, limits: limits) }
            guard set(line, call, on: engine) else { return }
            begin(start, call, format: line.modelFormat, on: engine)
        } catch let failure as TelnyxStart.Failure {
            refuse(.startMessage, failure.reason, on: engine)
        } catch {
            refuse(.startMessage, "its start message cannot be read", on: engine)
        }
    }

    func carrierText(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine) {
        guard texts.mayTake(at: engine.nowMicroseconds) else { return }
        if case .telnyx = brought {
            if let problem = message.withUnsafeBytes({ TelnyxStart.problem($0) }) { carrierComplains(problem) }
            return
        }
        let actions = message.withUnsafeBytes { dialect?.received($0) ?? [] }
        perform(actions, call, on: engine)
    }

    func timeUp(_ call: CallID, on engine: isolated CallEngine) {
        perform(dialect?.timeUp() ?? [], call, on: engine)
    }

    func hears(_ event: ServerEvent, on engine: isolated CallEngine) {
        guard let call, let actions = dialect?.modelSaid(event), !actions.isEmpty else { return }
        perform(actions, call, on: engine)
    }

    func hears(_ event: CallEvent, on engine: isolated CallEngine) {
        guard let call, let actions = dialect?.happened(event), !actions.isEmpty else { return }
        perform(actions, call, on: engine)
    }

    func runAtCarrier(_ invocation: ToolInvocation, _ call: CallID, on engine: isolated CallEngine) {
        perform(dialect?.run(invocation) ?? [], call, on: engine)
    }

    private func perform(_ actions: [DialectAction], _ call: CallID, on engine: isolated CallEngine) {
        for action in actions where !isOver { perform(action, call, on: engine) }
    }

    private func perform(_ action: DialectAction, _ call: CallID, on engine: isolated CallEngine) {
        switch action {
        case .say(let text):
            // The queue is bounded: a carrier that does not read ends as a stuck peer.
            try? engine.send(text: Array(text.utf8), to: carrier)
        case .line(let line): _ = set(line, call, on: engine)
        case .begin(let start, let tools):
            carrierTools = tools
            begin(start, call, format: format, on: engine)
        case .wait(let milliseconds):
            engine.setTimer(call, atMicroseconds: engine.nowMicroseconds + Int64(milliseconds) * 1_000)
        case .complaint(let problem): carrierComplains(problem)
        case .digit(let digit): carrierDigit(call, digit, on: engine)
        case .echo(let name): engine.echo(name, of: call)
        case .hold(let held): engine.hold(call, held)
        case .command(let command): self.command(command, on: engine)
        case .toolFinished(let callID, let result): feed(.toolFinished(callID: callID, result), on: engine)
        case .stopped: carrierStopped(call, on: engine)
        case .malformed:
            texts.malformed += 1
            logger.debug("text message of the carrier dropped: it means nothing")
            if texts.malformed > CarrierTexts.malformedMax {
                engine.close(carrier, code: 1_008, reason: "too many malformed messages")
            }
        case .close(let code, let reason): turnAway(call, code, reason, on: engine)
        }
    }

    /// Letters of a carrier's complaint that are logged.
    private static let complaintMax = 200

    private func carrierComplains(_ problem: String) {
        texts.complaints += 1
        guard texts.complaints <= CarrierTexts.complaintsMax else {
            texts.dropped += 1
            return
        }
        let text = problem.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(Self.complaintMax)
        logger.warning("the carrier complains: \(String(String.UnicodeScalarView(text)))")
    }

    /// Closes a carrier that cannot be served; a call that has begun ends by its closing.
    private func turnAway(_ call: CallID, _ code: Int, _ reason: String, on engine: isolated CallEngine) {
        logger.warning("carrier closed: \(reason)")
        if hasBegun {
            engine.close(carrier, code: code, reason: reason)
        } else {
            bridge.configuration.admission.count(.startMessage)
            finish(code: code, reason: reason, on: engine)
        }
    }

    /// False when the line cannot be had: the carrier is closed then.
    private func set(_ line: AudioLine, _ call: CallID, on engine: isolated CallEngine) -> Bool {
        format = line.modelFormat
        do throws(TrunkError) {
            try engine.setLine(call, CarrierLine(line, bridge.configuration.opus))
            return true
        } catch {
            let reason = error.code == .unsupported ? "this server is built without Opus" : "the line cannot be set up"
            turnAway(call, 1_003, reason, on: engine)
            return false
        }
    }
}
