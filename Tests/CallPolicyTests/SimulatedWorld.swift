import RealtimeProtocol

@testable import CallPolicy

/// One simulated call: a carrier, a caller, a model's servers and the machine between them, all from one seed.
final class SimulatedWorld {
    var machine: CallMachine
    let configuration: CallConfiguration
    var chance: SimulatedChance
    var agenda = SimulatedAgenda()
    var now = 0
    var player = SimulatedPlayer()
    var models: [ModelLeg: SimulatedModel] = [:]
    var openLeg: ModelLeg?
    /// The response whose audio the core plays.
    var coreActive: String?
    var invariants: Invariants
    var isSpeaking = false
    /// The caller spoke while the audio was kept waiting.
    var hasHeldSpeech = false
    var timerGeneration = 0
    var playbackGeneration = 0
    var pendingFaults: Set<SimulatedFault> = []
    var idCounter = 0
    var isOver = false
    let faultCount: Int
    /// Every action as a line, when it is wanted.
    var transcript: [String]?
    var handled = 0

    init(seed: UInt64, keepsTranscript: Bool = false) {
        chance = SimulatedChance(seed: seed)
        let tools = SimulatedConfiguration.tools
        configuration = SimulatedConfiguration.make(&chance)
        machine = CallMachine(configuration: configuration, tools: tools, seed: chance.seed())
        invariants = Invariants(configuration: configuration)
        faultCount = chance.percent(40) ? 0 : chance.number(1...5)
        if keepsTranscript { transcript = [] }
    }

    /// Runs the call to its end and returns what was wrong.
    func run() -> [String] {
        let isLong = chance.percent(4)
        let length =
            isLong || (configuration.idle != nil && chance.percent(30))
            ? chance.number(20_000...120_000) : chance.number(1_000...9_000)
        // Some callers say nothing at all.
        if configuration.idle == nil || chance.percent(50) {
            agenda.plan(.speechBegins, at: chance.number(200...2_500))
        }
        agenda.plan(.hangUp(orderly: chance.percent(85)), at: length)
        for _ in 0..<faultCount {
            agenda.plan(.fault(chance.one(of: SimulatedFault.allCases)), at: chance.number(0...length))
        }
        if chance.percent(15) { agenda.plan(.key(chance.one(of: ["1", "#", "*"])), at: chance.number(500...length)) }
        if chance.percent(15) {
            agenda.plan(.command(SimulatedConfiguration.command(&chance)), at: chance.number(0...length))
        }
        give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        // A call that does not end would run for ever; a bounded one has far fewer events.
        var events = 0
        while !isOver, events < 50_000, let (time, event) = agenda.next() {
            events += 1
            now = max(now, time)
            happen(event)
        }
        invariants.finish(machine: &machine, now: now, isOver: isOver, isFaultless: faultCount == 0)
        return invariants.violations
    }

    func id(_ prefix: String) -> String {
        idCounter += 1
        return "\(prefix)_\(idCounter)"
    }

    // MARK: Towards the machine

    func give(_ input: CallInput) {
        guard !isOver else { return }
        handled += 1
        invariants.willGive(input, player: player, machine: machine, now: now)
        let actions = machine.handle(input, at: CallTime(milliseconds: Int64(now)))
        invariants.did(actions, input: input, player: player, machine: machine, now: now)
        if transcript != nil { transcript?.append("\(now): " + actions.map(\.line).joined(separator: " | ")) }
        for action in actions { perform(action) }
    }

    private func perform(_ action: CallAction) {
        switch action {
        case .dialModel(let leg): dial(leg)
        case .closeModel(let leg, _, _):
            models[leg]?.isOpen = false
            player.complete { $0 == leg }
        case .send(let leg, let event): send(event, to: leg)
        case .openCallerAudio(let leg): open(leg)
        case .holdCallerAudio: openLeg = nil
        case .interruptPlayback: player.clear(activeResponse: coreActive)
        case .muteResponse(let id): player.mute(id)
        case .runTool(let tool): startTool(tool)
        case .setTimer(let at): setTimer(at)
        case .ended: isOver = true
        case .cancelTool, .closeCarrier, .muteAgent, .record, .playWaitingTone: break
        }
    }

    private func setTimer(_ at: CallTime?) {
        timerGeneration += 1
        guard let at else { return }
        agenda.plan(.timer(timerGeneration), at: max(now, Int(at.milliseconds)) + chance.number(0...3))
    }

    private func startTool(_ tool: ToolInvocation) {
        let isLate = pendingFaults.remove(.lateTool) != nil
        let duration = isLate ? tool.timeoutMilliseconds + 500 : chance.number(5...1_500)
        let result: ToolResult = chance.percent(85) ? .output(#"{"ok":1}"#) : .failure("no luck")
        agenda.plan(.tool(callID: tool.callID, result), at: now + duration)
    }

    /// Plays until now and tells the machine what was heard.
    func advancePlayer() {
        for input in player.advance(to: now) { give(input) }
        planPlayback()
    }

    func planPlayback() {
        guard let next = player.nextChange else { return }
        playbackGeneration += 1
        agenda.plan(.playback(playbackGeneration), at: next)
    }

    // MARK: What happens

    private func happen(_ event: SimulatedEvent) {
        switch event {
        case .timer(let generation):
            guard generation == timerGeneration else { return }
            advancePlayer()
            give(.timer(player.snapshot))
        case .playback(let generation):
            if generation == playbackGeneration { advancePlayer() }
        case .tool(let callID, let result): give(.toolFinished(callID: callID, result))
        case .key(let key):
            advancePlayer()
            give(.dtmf(key, player.snapshot))
        case .command(let command):
            advancePlayer()
            give(.command(command, player.snapshot))
        case .hangUp(let orderly):
            advancePlayer()
            give(.playback(player.snapshot))
            if orderly { return give(.carrierStopped) }
            // A line that breaks is seen to break, or only falls silent.
            give(chance.percent(50) ? .carrierSilent : .carrierClosed(LegClose(cause: .transportLost)))
        case .speechBegins: speechBegins()
        case .speechEnds: speechEnds()
        case .fault(let fault): fail(fault)
        default: modelHappens(event)
        }
    }

    private func modelHappens(_ event: SimulatedEvent) {
        switch event {
        case .opened(let leg):
            guard models[leg]?.isOpen == true else { return }
            give(.modelOpened(leg))
            sessionBegins(leg)
        case .closed(let leg, let close):
            guard models[leg]?.isOpen == true else { return }
            models[leg]?.isOpen = false
            if openLeg == leg { openLeg = nil }
            player.complete { $0 == leg }
            advancePlayer()
            give(.playback(player.snapshot))
            give(.modelClosed(leg, close))
        case .toMachine(let leg, let event): arrive(event, from: leg)
        case .audio(let leg, let response, let item, let milliseconds):
            guard leg == openLeg, response == coreActive else { return }
            advancePlayer()
            player.receive(milliseconds, item: item, response: response, leg: leg)
            advancePlayer()
        case .audioEnds(let item):
            player.complete(item)
            advancePlayer()
        case .toModel(let leg, let event): receive(event, on: leg)
        case .generate(let leg, let response): generate(leg, response)
        case .respond(let leg): respond(leg)
        case .written(let leg, let item): write(leg, item)
        default: break
        }
    }

    private func arrive(_ event: ServerEvent, from leg: ModelLeg) {
        // What was under way when a connection was closed mostly never arrives, but sometimes it was read before.
        if models[leg]?.isOpen != true, chance.percent(70) { return }
        advancePlayer()
        if leg == openLeg {
            if case .responseCreated(let response) = event { coreActive = response.id }
            if case .responseDone(let response) = event, response.id == coreActive { coreActive = nil }
        }
        give(.modelEvent(leg, event, player.snapshot))
        if pendingFaults.remove(.repeatEvent) != nil { give(.modelEvent(leg, event, player.snapshot)) }
        planPlayback()
    }

    // MARK: The caller

    private func speechBegins() {
        guard !isSpeaking else { return }
        isSpeaking = true
        agenda.plan(.speechEnds, at: now + chance.number(150...1_800))
        if let openLeg { hear(openLeg) } else { hasHeldSpeech = true }
    }

    private func speechEnds() {
        isSpeaking = false
        agenda.plan(
            .speechBegins,
            at: now + (chance.percent(25) ? chance.number(100...600) : chance.number(800...6_000))
        )
        if let openLeg { hearEnd(openLeg) }
    }

    private func open(_ leg: ModelLeg) {
        if openLeg != leg { coreActive = nil }
        openLeg = leg
        guard isSpeaking || hasHeldSpeech else { return }
        hasHeldSpeech = false
        hear(leg)
        if !isSpeaking { hearEnd(leg) }
    }
}
