public import RealtimeProtocol

/// How a carrier that is not Twilio speaks: what its text messages mean for the call, and what it wants to hear of it.
/// A state machine without clock and sockets; audio never comes here.
public protocol CarrierDialect: Sendable {
    /// A text message of the carrier.
    mutating func received(_ message: UnsafeRawBufferPointer) -> [DialectAction]
    /// Something the model said, audio left out.
    mutating func modelSaid(_ event: ServerEvent) -> [DialectAction]
    /// Something worth writing down happened.
    mutating func happened(_ event: CallEvent) -> [DialectAction]
    /// Runs a tool of the carrier's own; `begin` named them.
    mutating func run(_ invocation: ToolInvocation) -> [DialectAction]
    /// A tool of the carrier's own is not waited for any more.
    mutating func cancel(_ callID: String)
    /// What it waited for before the call did not come in time.
    mutating func timeUp() -> [DialectAction]
}

extension CarrierDialect {
    /// Nothing is told.
    public mutating func modelSaid(_ event: ServerEvent) -> [DialectAction] { [] }
    /// Nothing is told.
    public mutating func happened(_ event: CallEvent) -> [DialectAction] { [] }
    /// It has no tools.
    public mutating func run(_ invocation: ToolInvocation) -> [DialectAction] { [] }
    /// It has no tools.
    public mutating func cancel(_ callID: String) {}
    /// The beginning is due.
    public mutating func timeUp() -> [DialectAction] { [.close(1_008, "start_timeout")] }
}

/// What a dialect wants done.
public enum DialectAction: Sendable, Hashable {
    /// Send this text message.
    case say(String)
    /// Audio flows from now on, in this shape.
    case line(AudioLine)
    /// The call begins; with tools that the carrier itself offers, whose names are the carrier's to run.
    case begin(CarrierStart, tools: [ToolDefinition])
    /// Come back by `timeUp` unless the call has begun within so many milliseconds.
    case wait(milliseconds: Int)
    /// The carrier tells what it did not like, in its own words.
    case complaint(String)
    /// A key was pressed.
    case digit(String)
    /// A mark came back: everything before it was heard.
    case echo(String)
    /// The carrier's queue is full, or has room again.
    case hold(Bool)
    /// Somebody at the carrier wants something.
    case command(CallCommand)
    /// A tool of the carrier's answered.
    case toolFinished(callID: String, ToolResult)
    /// The carrier says that the call is over.
    case stopped
    /// A message that means nothing; counted.
    case malformed
    /// The carrier cannot be served: close with a code and a reason of up to 123 bytes.
    case close(Int, String)
}

/// What is on a carrier's line, and what is said between its audio.
public struct AudioLine: Sendable, Hashable {
    /// How audio is coded.
    public enum Coding: Sendable, Hashable {
        /// G.711 µ-law, 8 kHz.
        case ulaw
        /// G.711 A-law, 8 kHz.
        case alaw
        /// Opus; the model hears 24 kHz.
        case opus
        /// Opus; the model hears what a telephone has.
        case narrowOpus
    }

    /// What stands before the audio of a binary message.
    public enum Framing: Sendable, Hashable {
        /// Nothing.
        case none
        /// 16 bytes with a time stamp.
        case stamp
        /// 4 bytes with a size.
        case size
    }

    /// What the carrier asks of an Opus encoder; nil leaves it to the server. What goes too far is cut.
    public struct Encoder: Sendable, Hashable {
        /// Bits a second.
        public var bitrate: Int?
        /// Time for quality, 0 to 10; never more than the server gives.
        public var complexity: Int?
        /// Whether each packet holds a rougher copy of the one before.
        public var fec: Bool?
        /// Whether silence is hardly sent.
        public var dtx: Bool?
    }

    /// How audio is coded.
    public var coding: Coding
    /// What the carrier asks of an encoder.
    public var encoder = Encoder()
    /// What stands before it in a binary message.
    public var framing = Framing.none
    /// Audio of one message to the carrier, 20, 40 or 60 milliseconds.
    public var frameMilliseconds = 20
    /// Audio sent ahead of real time, milliseconds; 0 is what all calls have.
    public var leadMilliseconds = 0
    /// Whether marks come back.
    public var hasMarks = true
    /// Whether the carrier may send nothing for as long as it likes.
    public var mayRest = false
    /// Said before the first audio after silence; empty: nothing. Likewise the others.
    public var begin = ""
    /// Said when all was heard, or was interrupted.
    public var end = ""
    /// Said so that the carrier drops what it has not played.
    public var clear = ""
    /// Before the name of a mark.
    public var markHead = ""
    /// Behind it.
    public var markTail = ""

    /// A line; the defaults are those of a telephone.
    public init(_ coding: Coding) { self.coding = coding }

    /// The audio format that the model speaks on such a line.
    public var modelFormat: AudioFormat {
        switch coding {
        case .ulaw, .narrowOpus: .pcmu
        case .alaw: .pcma
        case .opus: .pcm24000
        }
    }

    /// The milliseconds of audio that a message may hold.
    public static let frameLengths = [20, 40, 60]
}
