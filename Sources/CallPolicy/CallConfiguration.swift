/// Everything that decides how a call is led. All durations are in milliseconds.
public struct CallConfiguration: Sendable, Hashable {
    /// The model session.
    public var session = SessionConfiguration()
    /// Who speaks first.
    public var greeting = Greeting.callerFirst
    /// Whether the greeting can be interrupted.
    public var greetingIsInterruptible = true
    /// Whether the caller can interrupt the agent by speaking.
    public var callerMayInterrupt = true
    /// What happens with keys that the caller presses.
    public var keys = KeyPolicy()
    /// Responses of the model.
    public var responses = ResponsePolicy()
    /// Tools.
    public var tools = ToolPolicy()
    /// The built-in tool that ends the call.
    public var goodbye = GoodbyePolicy()
    /// What happens when the model is lost.
    public var reconnect = ReconnectPolicy()
    /// What the caller hears until the model has answered for the first time; nil is silence.
    public var waitingTone: WaitingTonePolicy? = WaitingTonePolicy()
    /// What happens before a session grows too old.
    public var rotation = RotationPolicy()
    /// What happens when nobody speaks; nil is nothing.
    public var idle: IdleLadder?
    /// Bounds of a call.
    public var limits = CallLimits()
    /// What things cost.
    public var prices = PriceTable.published

    /// The defaults.
    public init() {}
}

/// Who speaks first.
public enum Greeting: Sendable, Hashable {
    /// The agent waits for the caller.
    case callerFirst
    /// The agent speaks as soon as the session is ready.
    case agentFirst(GreetingText)
    /// The agent speaks when nobody spoke for this long after the session was ready.
    case agentAfter(milliseconds: Int, GreetingText)
}

/// What the agent says first.
public enum GreetingText: Sendable, Hashable {
    /// These words.
    case exactly(String)
    /// What the model makes of these instructions.
    case instructions(String)
}

/// What happens with keys that the caller presses.
public struct KeyPolicy: Sendable, Hashable {
    /// Whether the model is told; otherwise keys are only recorded.
    public var tellsModel = true
    /// Whether a key stops what the agent is saying.
    public var interrupts = true
    /// Keys are told together when none came for this long.
    public var gapMilliseconds = 2_000
    /// A key that ends the input at once; nil is none.
    public var terminator: String? = "#"

    /// The defaults.
    public init() {}
}

/// Responses of the model.
public struct ResponsePolicy: Sendable, Hashable {
    /// Whether the server returns the metadata of `response.create`; OpenAI does. When false, any response that begins
    /// after a `response.create` is taken for its answer.
    public var serverEchoesMetadata = true
    /// How long `response.created` may take after `response.create`.
    public var createTimeoutMilliseconds = 10_000
    /// How long a response may be silent (no event at all) before the leg counts as lost.
    public var stallTimeoutMilliseconds = 30_000
    /// After the caller's turn the server is given this long to create its own response before we ask for one.
    public var serverResponseTimeoutMilliseconds = 5_000
    /// Pause before a failed response is asked for again.
    public var retryDelayMilliseconds = 500
    /// Failed or filtered responses in a row that end the call.
    public var failuresMaximum = 3

    /// The defaults.
    public init() {}
}

/// Tools.
public struct ToolPolicy: Sendable, Hashable {
    /// Tools that may run at once.
    public var parallelLimit = 4
    /// Function calls of the model in a phone call; more are refused, and the model is told to answer without.
    public var callsMaximum = 20
    /// How long a tool may take when it does not say itself.
    public var timeoutMilliseconds = 20_000
    /// Whether `end_call` is offered.
    public var offersEndCall = true

    /// The defaults.
    public init() {}
}

/// How the agent says goodbye.
public struct GoodbyePolicy: Sendable, Hashable {
    /// What it says.
    public enum Words: Sendable, Hashable {
        /// What the model likes; nothing more when it spoke in the response that called `end_call`.
        case model
        /// These words.
        case exactly(String)
        /// Nothing.
        case none
    }

    /// What it says.
    public var words = Words.model
    /// How long the goodbye may take until its response is done.
    public var responseTimeoutMilliseconds = 15_000
    /// How long the caller may take to hear the rest after that.
    public var drainTimeoutMilliseconds = 10_000
    /// Whether the caller, speaking during the goodbye of `end_call`, keeps the call alive; once per call.
    public var callerMayCancel = true

    /// The defaults.
    public init() {}
}

/// What happens when the model is lost.
public struct ReconnectPolicy: Sendable, Hashable {
    /// Attempts in a row; the first is made at once.
    public var maximumAttempts = 10
    /// The pause before the second attempt; it doubles with each.
    public var initialDelayMilliseconds = 2_000
    /// The longest pause.
    public var maximumDelayMilliseconds = 60_000
    /// And the longest while a caller waits: a model that is back must be found within three seconds.
    public var callerWaitMaximumMilliseconds = 2_500
    /// Pauses before the attempts that follow a failed first connection; after them the call ends. The settings above
    /// are for a model that has served.
    public var setupDelaysMilliseconds = [100, 300, 900]
    /// The longest pause that a server may ask for (`Retry-After`).
    public var busyDelayMaximumMilliseconds = 5_000
    /// Sessions in a row that open and then do not answer, before the call ends.
    public var silentSessionsMaximum = 2
    /// How long a call may be without a model, in sum.
    public var outageBudgetMilliseconds = 30_000
    /// A session that served this long makes the attempts count from the start again.
    public var stableMilliseconds = 10_000
    /// How long a connection may take to open.
    public var dialTimeoutMilliseconds = 10_000
    /// How long `session.created` may take after the connection is open.
    public var sessionCreatedTimeoutMilliseconds = 5_000
    /// How long `session.updated` may take after `session.update`.
    public var sessionUpdatedTimeoutMilliseconds = 5_000
    /// How long queued audio may be heard before a call ends for want of a model.
    public var drainTimeoutMilliseconds = 2_000

    /// The defaults.
    public init() {}
}

/// What the caller hears until the model has answered for the first time.
public struct WaitingTonePolicy: Sendable, Hashable {
    /// From the start of the call to the first tone.
    public var afterMilliseconds = 1_500
    /// From one tone to the next.
    public var everyMilliseconds = 3_000

    /// The defaults.
    public init() {}
}

/// What happens before a session grows too old.
public struct RotationPolicy: Sendable, Hashable {
    /// Age at which the next session is made ready; the server ends sessions at 60 minutes. 0 is never.
    public var afterMilliseconds = 55 * 60_000
    /// How long a silent moment is waited for, at most; never longer than a quarter of the age.
    public var forceMilliseconds = 60_000

    /// The defaults.
    public init() {}
}

/// What happens when nobody speaks.
public struct IdleLadder: Sendable, Hashable {
    /// One prompt.
    public struct Step: Sendable, Hashable {
        /// Silence before it.
        public var afterMilliseconds: Int
        /// What the agent says.
        public var text: GreetingText

        /// A step.
        public init(afterMilliseconds: Int, text: GreetingText) {
            self.afterMilliseconds = afterMilliseconds
            self.text = text
        }
    }

    /// The prompts, in order.
    public var steps: [Step]
    /// Silence after the last prompt that ends the call.
    public var endAfterMilliseconds: Int

    /// A ladder.
    public init(steps: [Step], endAfterMilliseconds: Int) {
        self.steps = steps
        self.endAfterMilliseconds = endAfterMilliseconds
    }
}

/// Bounds of a call. Each has a counter in `CallCounters`.
public struct CallLimits: Sendable, Hashable {
    /// The longest call.
    public var durationMilliseconds = 60 * 60_000
    /// A sentence shortly before that; nil is none.
    public var durationWarning: DurationWarning?
    /// The most a call may cost, in millionths of a dollar; nil is no bound. The agent says goodbye first.
    public var costMicrodollars: Int64?
    /// Requests for a response that wait.
    public var waitingResponses = 8
    /// Tool calls that are open at once, running or not.
    public var openToolCalls = 32
    /// Tools of a call, those that a session update brought along included.
    public var tools = 128
    /// Agent items whose words are followed at once.
    public var openItems = 64
    /// Items of the conversation that are kept to restore it.
    public var historyItems = 200
    /// Bytes of text that are kept to restore it.
    public var historyBytes = 64 * 1024
    /// Bytes of a text in a record.
    public var recordTextBytes = 16 * 1024
    /// Bytes of a function call's arguments.
    public var toolArgumentBytes = 64 * 1024
    /// Bytes of an id that the model chose.
    public var idBytes = 256
    /// Bytes of a tool's output that go to the model.
    public var toolOutputBytes = 32 * 1024
    /// Keys that are collected.
    public var keys = 64
    /// From the carrier's connection to its start message; counted by the bridge.
    public var startMilliseconds = 5_000
    /// Parameters of a stream that are kept.
    public var parameters = 64
    /// Bytes of one of them, name and value together.
    public var parameterBytes = 4_096

    /// The defaults.
    public init() {}

    /// A sentence before the call reaches its maximum duration.
    public struct DurationWarning: Sendable, Hashable {
        /// How long before.
        public var beforeMilliseconds: Int
        /// What the agent says.
        public var text: GreetingText

        /// A warning.
        public init(beforeMilliseconds: Int, text: GreetingText) {
            self.beforeMilliseconds = beforeMilliseconds
            self.text = text
        }
    }
}
