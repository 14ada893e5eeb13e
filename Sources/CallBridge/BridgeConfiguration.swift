public import CallPolicy
public import Logging
public import Trunk

/// What a bridge needs to know.
public struct BridgeConfiguration: Sendable {
    /// How calls are led.
    public var call: CallConfiguration
    /// Where the model is.
    public var model: ModelEndpoint
    /// What the model can ask for.
    public var tools: ToolRegistry
    /// Paths on which phones open their streams.
    public var paths: [String]
    /// Calls at once, over all engines that share this; more are answered with 503.
    public var capacity: CallCapacity
    /// Which streams are in progress, over all engines that share this.
    public var admission: CallAdmission
    /// Whether the model takes us; refuses new calls while it does not.
    public var modelAdmission: ModelAdmission
    /// How fast models are dialled.
    public var connectRate: ConnectRate
    /// Events of models that are not known, by type.
    public let unknownEvents = EventNames()
    /// Where a request to open a stream comes from; behind a proxy that is not the connection's peer.
    public var address: @Sendable (UpgradeRequest) -> String = { $0.peer }
    /// Whether a stream that has begun may become a call; asked on the loop, before a model is dialled.
    public var admits: @Sendable (StreamOffer) -> Bool = { _ in true }
    /// How a stream that was let in is led; asked on the loop, once. Nil turns it away: one more of its kind is too many.
    /// Without it all calls are led alike.
    public var plan: (@Sendable (StreamOffer) -> CallPlan?)?
    /// How audio becomes Opus, for carriers that speak it.
    public var opus = OpusEncoder()
    /// Where log lines go; each call adds its id.
    public var logger: Logger
    /// Hears of everything worth writing down, on the loop: it must be quick.
    public var observer: @Sendable (CallRecord) -> Void
    /// Sees what models say, word for word; nil when nobody ever does.
    public var watcher: (any CallWatcher)?

    /// Makes a configuration.
    public init(
        model: ModelEndpoint,
        call: CallConfiguration = CallConfiguration(),
        tools: ToolRegistry = ToolRegistry(),
        paths: [String] = ["/media-stream", "/ws/call"],
        capacity: CallCapacity = CallCapacity(10_000),
        admission: CallAdmission = CallAdmission(),
        modelAdmission: ModelAdmission = ModelAdmission(),
        connectRate: ConnectRate = ConnectRate(),
        logger: Logger = Logger(label: "trunkline.bridge"),
        observer: @escaping @Sendable (CallRecord) -> Void = { _ in }
    ) {
        self.model = model
        self.call = call
        self.tools = tools
        self.paths = paths
        self.capacity = capacity
        self.admission = admission
        self.modelAdmission = modelAdmission
        self.connectRate = connectRate
        self.logger = logger
        self.observer = observer
    }
}

/// A stream that has begun and wants to become a call.
public struct StreamOffer: Sendable {
    /// What the carrier says.
    public var start: CarrierStart
    /// Where it comes from, as `BridgeConfiguration.address` tells.
    public var address: String
    /// Whether it is Twilio's; others have shown who they are in their request.
    public var isTwilio: Bool

    /// An offer.
    public init(start: CarrierStart, address: String, isTwilio: Bool = true) {
        self.start = start
        self.address = address
        self.isTwilio = isTwilio
    }
}

/// Who brings a call, and what they speak.
public enum Carrier: Sendable {
    /// Twilio Media Streams.
    case twilio
    /// Telnyx media streaming.
    case telnyx
    /// Audio in binary messages, and text that the dialect understands.
    case binary(any CarrierDialect)
}

/// How one call is led.
public struct CallPlan: Sendable {
    /// Its configuration.
    public var call: CallConfiguration
    /// Where its model is.
    public var model: ModelEndpoint
    /// What its model can ask for.
    public var tools: ToolRegistry
    /// The rule that chose it; empty when none did.
    public var rule: String

    /// A plan.
    public init(call: CallConfiguration, model: ModelEndpoint, tools: ToolRegistry, rule: String = "") {
        self.call = call
        self.model = model
        self.tools = tools
        self.rule = rule
    }
}

/// Sees what the models of calls say. Called on their loops: it must be quick.
public protocol CallWatcher: Sendable {
    /// Whether anybody looks; events are copied only then.
    var isWatching: Bool { get }
    /// An event of a call's model as it came, audio left out.
    func modelSaid(_ message: [UInt8], callSID: String)
    /// An audio delta as it came; only while an engine was told to tell them.
    func modelSpoke(_ message: [UInt8], callSID: String)
}

/// One thing worth writing down about one call.
public struct CallRecord: Sendable {
    /// The carrier's id of the call; empty before its start message.
    public var callSID: String
    /// The engine's id of the call.
    public var call: CallID
    /// Microseconds of the engine's monotonic clock.
    public var at: Int64
    /// What happened.
    public var kind: Kind

    /// What can be recorded.
    public enum Kind: Sendable {
        /// How it will be led: told before the policy's first event.
        case planned(CallPlan)
        /// The policy says so.
        case event(CallEvent)
        /// The core says so: playback of an item.
        case playback(PlaybackEvent)
        /// The call is over; with what its audio did.
        case ended(EndReason, EndInitiator, CallStats)
    }
}
