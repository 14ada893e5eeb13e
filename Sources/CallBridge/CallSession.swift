import CallPolicy
import Logging
import RealtimeProtocol
import Trunk

/// One call: feeds what happens to the policy, and does what it says. Lives on the engine, all on its loop.
final class CallSession: CallHandler {
    let bridge: Bridge
    let carrier: LegID
    /// Who brings the call.
    let brought: Carrier
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
    let address: String
    let seed: UInt64
    /// How the call is led; that of all calls until the stream has begun.
    var plan: CallPlan
    var machine: CallMachine
    var call: CallID?
    var callSID = ""
    var start: CarrierStart?
    var logger: Logger
    var legs: [ModelLeg: LegID] = [:]
    var numbers: [LegID: ModelLeg] = [:]
    /// Dials that were given a later moment, microseconds of the engine.
    var delayedDials: [ModelLeg: Int64] = [:]
    /// When the policy wants a `timer` input, microseconds of the engine.
    var policyTimer: Int64?
    /// Messages of the model that could not be read; not all of them are logged.
    var unreadable = 0
    var tools: [String: Task<Void, Never>] = [:]
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

    func snapshot(on engine: isolated CallEngine) -> PlaybackSnapshot {
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

    // MARK: - The end

    func end(_ reason: EndReason, _ initiator: EndInitiator, _ call: CallID, on engine: isolated CallEngine) {
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

    func record(_ kind: CallRecord.Kind, _ call: CallID, on engine: isolated CallEngine) -> CallRecord {
        CallRecord(callSID: callSID, call: call, at: engine.nowMicroseconds, kind: kind)
    }
}
