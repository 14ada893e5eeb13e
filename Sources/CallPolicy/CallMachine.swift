import RealtimeProtocol

/// Decides what happens in a call. Pure: inputs and the time come in, actions come out, nothing else.
///
/// The same inputs, times and seed give the same actions. Give every input of a call to one machine, in order, and do
/// the actions in order before the next input. `setTimer` asks for a `timer` input; it is not repeated while the moment
/// asked for before is early enough, so a `timer` may find nothing to do.
public struct CallMachine: Sendable {
    /// How far the call is.
    enum Phase: Sendable {
        /// The carrier's stream has not begun.
        case idle
        /// The call is on.
        case live
        /// The call is about to end.
        case ending(Ending)
        /// The call is over.
        case ended
    }

    let configuration: CallConfiguration
    var tools: [String: ToolDefinition]
    /// The session as it is wanted: the configuration and every update since.
    var session: SessionObject
    /// Grows with each change of `session`.
    var sessionVersion = 0
    var random: SplitMix64

    var now = CallTime(milliseconds: 0)
    var startedAt = CallTime(milliseconds: 0)
    var actions: [CallAction] = []
    var phase = Phase.idle
    var carrier: CarrierStart?
    var carrierIsOpen = false
    var timerAt: CallTime?

    var legs = Legs()
    var outage: Outage?
    var reconnectAttempts = 0
    /// Whether a session has served the call.
    var hasServed = false
    /// When the caller hears the next tone; nil once a session has served.
    var waitingToneAt: CallTime?
    /// Sessions in a row that opened and then did not answer.
    var silentSessions = 0
    var rotation = Rotation()

    var snapshot = PlaybackSnapshot.silent
    var isPlaying = false
    var items: AgentItems
    var truncatedItems = RecentSet(limit: CallMachine.rememberedTruncations)
    var turn = CallerTurn()
    var pushToTalk = PushToTalk()
    var keys = KeyBuffer()

    var queue: ResponseQueue
    var toolCalls = ToolCalls()
    var history: History
    var sentEvents = SentEvents()
    var protected: ProtectedUtterance?
    var greeting = GreetingState.pending
    var idle = IdleState()
    var recovery = Recovery()
    var hasWarnedOfDuration = false
    var goodbyeWasCancelled = false
    /// For whom the carrier is giving the call to somebody else.
    var handedOverBy: EndInitiator?

    /// Everything that was counted so far.
    public internal(set) var counters = CallCounters()
    /// Tokens and money so far.
    public internal(set) var usage = UsageTotals()
    /// Responses whose tokens are counted, and turns whose transcription is: an event may come twice.
    var countedUsage = RecentSet(limit: CallMachine.rememberedUsage)
    var callerTurns = 0
    var agentTurns = 0

    /// How many truncated items are remembered, so that none is truncated twice.
    static let rememberedTruncations = 128
    /// How many responses and turns are remembered as counted.
    static let rememberedUsage = 128

    /// A call that has not begun.
    ///
    /// - Parameters:
    ///   - configuration: How the call is led.
    ///   - tools: The tools that the bridge can run; `end_call` is added when the configuration offers it.
    ///   - seed: Decides the jitter of reconnections.
    public init(configuration: CallConfiguration, tools: [ToolDefinition], seed: UInt64) {
        self.configuration = configuration
        let offered = configuration.tools.offersEndCall ? tools + [BuiltInTools.endCall] : tools
        self.tools = Dictionary(offered.map { ($0.name, $0) }) { first, _ in first }
        session = configuration.session.session(tools: offered)
        random = SplitMix64(seed: seed)
        items = AgentItems(limit: configuration.limits.openItems)
        queue = ResponseQueue(limit: configuration.limits.waitingResponses)
        history = History(itemLimit: configuration.limits.historyItems, byteLimit: configuration.limits.historyBytes)
    }

    /// Whether the call is over; every further input gives no action.
    public var hasEnded: Bool {
        if case .ended = phase { return true }
        return false
    }

    /// Takes one input and returns what is to be done, in order.
    ///
    /// - Parameters:
    ///   - input: What happened.
    ///   - now: When; a time before the last one counts as the last one.
    public mutating func handle(_ input: CallInput, at now: CallTime) -> [CallAction] {
        guard !hasEnded else { return [] }
        self.now = max(self.now, now)
        take(input)
        if !hasEnded { settle() }
        let result = actions
        actions = []
        return result
    }

    private mutating func take(_ input: CallInput) {
        switch input {
        case .carrierStarted(let start): carrierStarted(start)
        case .carrierStopped: carrierStopped()
        case .carrierSilent: end(.noMedia, .system, detail: "the carrier sends no audio")
        case .carrierClosed(let close): carrierClosed(close)
        case .dtmf(let key, let snapshot):
            look(at: snapshot)
            keyPressed(key)
        case .modelOpened(let leg): modelOpened(leg)
        case .modelClosed(let leg, let close): modelClosed(leg, close)
        case .modelEventUnreadable(let leg):
            counters.unreadableEvents += 1
            noteSignOfLife(of: leg)
        case .modelEvent(let leg, let event, let snapshot):
            look(at: snapshot)
            modelEvent(leg, event)
        case .playback(let snapshot): look(at: snapshot)
        case .playbackStarted(let itemID): playbackStarted(itemID)
        case .playbackItemFinished(let itemID): playbackItemFinished(itemID)
        case .playbackDrained: playbackDrained()
        case .toolFinished(let callID, let result): toolFinished(callID, result)
        case .timer(let snapshot):
            look(at: snapshot)
            timerAt = nil
            fireDeadlines()
        case .command(let command, let snapshot):
            look(at: snapshot)
            obey(command)
        }
    }

    /// What follows from the new state, whatever the input was.
    private mutating func settle() {
        advanceEnding()
        rotateIfSilent()
        askForToolAnswers()
        updateIdle()
        pump()
        if !hasEnded { updateTimer() }
    }

    private mutating func look(at snapshot: PlaybackSnapshot) {
        self.snapshot = snapshot
        isPlaying = snapshot.isPlaying
        noteHeard()
    }
}

// MARK: - Emitting

extension CallMachine {
    /// Adds an action; after `ended` nothing is added any more.
    mutating func emit(_ action: CallAction) {
        guard !hasEnded else { return }
        actions.append(action)
    }

    mutating func record(_ event: CallEvent) { emit(.record(event)) }

    mutating func warn(_ kind: WarningKind, _ detail: String) { record(.warning(kind, detail: cut(detail))) }

    /// Sends an event with an id by which an error can be understood.
    mutating func send(_ leg: ModelLeg, _ kind: SentKind, _ event: (String) -> ClientEvent) {
        let id = sentEvents.remember(kind)
        emit(.send(leg, event(id)))
    }

    /// The text within the limit for records.
    mutating func cut(_ text: String) -> String {
        let (cut, wasCut) = text.cut(toBytes: configuration.limits.recordTextBytes)
        if wasCut { counters.textsCut += 1 }
        return cut
    }

    /// Whether the call is on and not about to end.
    var isLive: Bool {
        if case .live = phase { return true }
        return false
    }
}
