import CallPolicy
import Logging
import RealtimeProtocol
import Trunk

/// One call: feeds what happens to the policy, and does what it says. Lives on the engine, all on its loop.
final class CallSession: CallHandler {
    let bridge: Bridge
    let carrier: LegID
    /// Who brings the call.
    private let brought: Carrier
    /// How a binary carrier speaks.
    var dialect: (any CarrierDialect)?
    /// What its text messages did.
    var texts = CarrierTexts()
    /// What the model speaks on the carrier's line.
    var format = AudioFormat.pcmu
    /// Whether the stream has become a call.
    var hasBegun: Bool { !callSID.isEmpty }
    /// Tools that the carrier itself runs.
    var carrierTools: [ToolDefinition] = []
    private let address: String
    private let seed: UInt64
    /// How the call is led; that of all calls until the stream has begun.
    private(set) var plan: CallPlan
    private var machine: CallMachine
    var call: CallID?
    private var callSID = ""
    private var start: CarrierStart?
    var logger: Logger
    var legs: [ModelLeg: LegID] = [:]
    var numbers: [LegID: ModelLeg] = [:]
    /// Dials that were given a later moment, microseconds of the engine.
    var delayedDials: [ModelLeg: Int64] = [:]
    /// When the policy wants a `timer` input, microseconds of the engine.
    var policyTimer: Int64?
    /// Messages of the model that could not be read; not all of them are logged.
    private var unreadable = 0
    private var tools: [String: Task<Void, Never>] = [:]
    var isOver = false
    /// The input that is being handled, and those that its actions caused.
    private var inputs: [CallInput] = []

    init(bridge: Bridge, carrier: LegID, _ brought: Carrier, address: String, seed: UInt64) {
        self.bridge = bridge
        self.carrier = carrier
        self.brought = brought
        if case .binary(let dialect) = brought { self.dialect = dialect }
        self.address = address
        self.seed = seed
        let configuration = bridge.configuration
        logger = configuration.logger
        plan = CallPlan(call: configuration.call, model: configuration.model, tools: configuration.tools)
        machine = CallMachine(configuration: plan.call, tools: plan.tools.definitions, seed: seed)
    }

    func begin(_ call: CallID, on engine: isolated CallEngine) {
        self.call = call
        // A phone that opens a socket and says nothing is closed: its start is due.
        let due = Int64(max(1, bridge.configuration.call.limits.startMilliseconds)) * 1_000
        engine.setTimer(call, atMicroseconds: engine.nowMicroseconds + due)
    }

    // MARK: - The carrier

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
        callSID = start.callID
        logger[metadataKey: "call"] = "\(start.callID)"
        engine.setTimer(call, atMicroseconds: nil)
        bridge.configuration.observer(record(.planned(plan), call, on: engine))
        feed(.carrierStarted(start), on: engine)
    }

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

    // MARK: - The model

    func modelOpened(_ call: CallID, _ leg: LegID, on engine: isolated CallEngine) {
        guard let number = numbers[leg] else { return }
        feed(.modelOpened(number), on: engine)
    }

    func modelEvent(
        _ call: CallID,
        _ leg: LegID,
        _ message: RawSpan,
        at moment: LoopMoment,
        on engine: isolated CallEngine
    ) {
        guard let number = numbers[leg] else { return }
        if let watcher = bridge.configuration.watcher, watcher.isWatching {
            watcher.modelSaid(message.withUnsafeBytes { Array($0) }, callSID: callSID)
        }
        do throws(ProtocolError) {
            let event = try message.parseServerEvent()
            hears(event, on: engine)
            feed(.modelEvent(number, event, snapshot(on: engine)), on: engine)
        } catch {
            unreadable += 1
            let level: Logger.Level = unreadable <= Self.unreadableLogged ? .warning : .debug
            logger.log(level: level, "model event dropped: \(Redaction.clean("\(error)"))")
            feed(.modelEventUnreadable(number), on: engine)
        }
    }

    func modelAudio(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine) {
        guard let watcher = bridge.configuration.watcher else { return }
        watcher.modelSpoke(message.withUnsafeBytes { Array($0) }, callSID: callSID)
    }

    /// Unreadable messages of one call that are logged as warnings.
    private static let unreadableLogged = 5

    func modelClosed(_ call: CallID, _ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        guard let number = numbers.removeValue(forKey: leg) else { return }
        legs[number] = nil
        feed(.playback(snapshot(on: engine)), on: engine)
        feed(.modelClosed(number, LegClose(ending)), on: engine)
    }

    // MARK: - The core

    func playback(_ call: CallID, _ event: PlaybackEvent, on engine: isolated CallEngine) {
        bridge.configuration.observer(record(.playback(event), call, on: engine))
        switch event {
        case .arrived: break
        case .started(let itemID): feed(.playbackStarted(itemID: itemID), on: engine)
        case .finished(let itemID, _): feed(.playbackItemFinished(itemID: itemID), on: engine)
        case .drained: feed(.playbackDrained, on: engine)
        }
    }

    func timerFired(_ call: CallID, on engine: isolated CallEngine) {
        if callSID.isEmpty {
            guard dialect != nil else { return refuse(.startTimeout, "no start message in time", on: engine) }
            return timeUp(call, on: engine)
        }
        dialDelayed(call, on: engine)
        if let due = policyTimer, due <= engine.nowMicroseconds {
            policyTimer = nil
            feed(.timer(snapshot(on: engine)), on: engine)
        }
        armTimer(on: engine)
    }

    func malformed(_ call: CallID, _ leg: LegID, _ reason: MalformedReason, on engine: isolated CallEngine) {
        let peer = leg == carrier ? "carrier" : "model"
        logger.debug("message of the \(peer) dropped: \(reason)")
    }

    func command(_ command: CallCommand, on engine: isolated CallEngine) {
        feed(.command(command, snapshot(on: engine)), on: engine)
    }

    func toolFinished(_ callID: String, _ result: ToolResult, on engine: isolated CallEngine) {
        tools[callID] = nil
        feed(.toolFinished(callID: callID, result), on: engine)
    }

    // MARK: - Policy

    private func snapshot(on engine: isolated CallEngine) -> PlaybackSnapshot {
        guard let call else { return .silent }
        let playback = engine.playback(call)
        if playback.items.isEmpty, playback.queuedMilliseconds == 0 { return .silent }
        // Audio of our own (epoch 0) is none of the model's.
        return PlaybackSnapshot(
            items: playback.items.filter { $0.epoch != 0 }.map(PlaybackItem.init),
            queuedMilliseconds: playback.queuedMilliseconds
        )
    }

    /// Gives an input to the policy and does what it says. An input that an action causes (a dial that fails at once)
    /// waits until all actions before it are done.
    func feed(_ input: CallInput, on engine: isolated CallEngine) {
        inputs.append(input)
        if inputs.count > 1 { return }
        while let next = inputs.first {
            if !isOver {
                let now = CallTime(milliseconds: engine.nowMicroseconds / 1_000)
                for action in machine.handle(next, at: now) { perform(action, on: engine) }
            }
            inputs.removeFirst()
        }
    }

    private func perform(_ action: CallAction, on engine: isolated CallEngine) {
        guard let call, !isOver else { return }
        switch action {
        case .dialModel(let number): dial(number, call, on: engine)
        case .closeModel(let number, let code, let reason):
            delayedDials[number] = nil
            guard let leg = legs[number] else { return }
            engine.close(leg, code: code, reason: reason)
        case .send(let number, let event): send(event, to: number, on: engine)
        case .openCallerAudio(let number): try? engine.route(call, to: legs[number])
        case .holdCallerAudio: try? engine.route(call, to: nil)
        case .interruptPlayback: engine.interrupt(call)
        case .playWaitingTone: engine.play(WaitingTone.audio, to: call)
        case .muteResponse(let responseID): engine.muteResponse(responseID, of: call)
        case .runTool(let invocation): run(invocation, call, on: engine)
        case .cancelTool(let callID): tools.removeValue(forKey: callID)?.cancel()
        case .setTimer(let moment):
            policyTimer = moment.map { $0.milliseconds * 1_000 }
            armTimer(on: engine)
        case .closeCarrier(let code, let reason): engine.close(carrier, code: code, reason: reason)
        case .muteAgent(let muted): engine.muteAgent(call, muted)
        case .record(let event):
            event.log(to: logger)
            note(event, on: engine)
            hears(event, on: engine)
            bridge.configuration.observer(record(.event(event.withoutKeys), call, on: engine))
        case .ended(let reason, let initiator): end(reason, initiator, call, on: engine)
        }
    }

    private func send(_ event: ClientEvent, to number: ModelLeg, on engine: isolated CallEngine) {
        guard let leg = legs[number] else { return }
        do throws(TrunkError) {
            try engine.send(text: event.encode(), to: leg)
        } catch {
            // The queue is bounded: a model that does not read ends as a stuck peer. A closing leg is ordinary.
            if error.code == .full { logger.warning("\(event.type) not sent: the model does not read") }
        }
    }

    private func run(_ invocation: ToolInvocation, _ call: CallID, on engine: isolated CallEngine) {
        if carrierTools.contains(where: { $0.name == invocation.name }) {
            return runAtCarrier(invocation, call, on: engine)
        }
        let registry = plan.tools
        let context = ToolContext(callID: invocation.callID, carrier: start, wallClock: .now())
        tools[invocation.callID] = Task {
            let result = await registry.run(invocation, context: context)
            if Task.isCancelled { return }
            await engine.perform { engine in
                (engine.callHandler(call) as? CallSession)?.toolFinished(invocation.callID, result, on: engine)
            }
        }
    }

    // MARK: - The end

    private func end(_ reason: EndReason, _ initiator: EndInitiator, _ call: CallID, on engine: isolated CallEngine) {
        let stats = engine.stats(of: call) ?? CallStats()
        logger.info(
            "call ended: \(reason.rawValue) by \(initiator.rawValue)",
            metadata: [
                "frames_in": "\(stats.framesIn)", "frames_out": "\(stats.framesOut)",
                "dropped_ms": "\(stats.droppedMilliseconds)", "malformed": "\(stats.malformed)",
            ]
        )
        bridge.configuration.observer(record(.ended(reason, initiator, stats), call, on: engine))
        finish(code: 1000, reason: "", on: engine)
    }

    func finish(code: Int, reason: String, on engine: isolated CallEngine) {
        guard let call, !isOver else { return }
        isOver = true
        for task in tools.values { task.cancel() }
        tools = [:]
        if let start { bridge.configuration.admission.leave(callID: start.callID, streamID: start.streamID) }
        engine.endCall(call, code: code, reason: reason)
        bridge.callEnded()
    }

    private func record(_ kind: CallRecord.Kind, _ call: CallID, on engine: isolated CallEngine) -> CallRecord {
        CallRecord(callSID: callSID, call: call, at: engine.nowMicroseconds, kind: kind)
    }
}
