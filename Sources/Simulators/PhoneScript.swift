/// What a simulated caller does, step by step, and what kind of line it is on.
public struct PhoneScript: Sendable {
    /// One step; the next begins when it is done.
    public enum Step: Sendable {
        /// Says this µ-law audio.
        case speak([UInt8])
        /// Makes pattern audio that sounds like speech.
        case speakPattern(milliseconds: Int)
        /// Is silent.
        case pause(milliseconds: Int)
        /// Is silent until the agent has been heard for this long since the step began; gives up after a time.
        case waitUntilHeard(milliseconds: Int, atMost: Int)
        /// Is silent until the agent, having been heard, has been silent for this long; gives up after a time.
        case waitForSilence(milliseconds: Int, atMost: Int)
        /// Presses a key.
        case press(String)
        /// Goes back to the first step.
        case startOver
        /// Ends the call.
        case hangUp(HangUp)
    }

    /// How the call ends.
    public enum HangUp: Sendable {
        /// With `stop`, then a closed socket, as Twilio does.
        case stop
        /// With a closed socket only.
        case close
        /// With a broken connection.
        case abort
        /// By staying on the line: the server ends the call.
        case never
    }

    /// The steps. After the last one the caller stays silent.
    public var steps: [Step]
    /// Milliseconds between two frames; 20 is real time.
    public var frameInterval = 20
    /// How late echoes of marks come back, milliseconds.
    public var echoDelay = 0
    /// The most by which a frame may be late, milliseconds; needs `seed`.
    public var jitter = 0
    /// Every so many frames one is not sent, and its timestamp is missing; 0 is never.
    public var gapEvery = 0
    /// Does not read from the socket during this time after the start, milliseconds.
    public var deafMilliseconds: Range<Int>?
    /// Decides the jitter.
    public var seed: UInt64 = 1
    /// Silence is made of pattern frames with this stream number, so that losses can be told; nil is plain silence.
    public var patternStream: UInt16?
    /// Given to the stream as `customParameters`.
    public var parameters: [(name: String, value: String)] = []
    /// `streamSid`.
    public var streamID = "MZ00000000000000000000000000000001"
    /// `callSid`.
    public var callID = "CA00000000000000000000000000000001"
    /// `accountSid`.
    public var accountID = "AC00000000000000000000000000000001"
    /// Keeps all audio for `PhoneReport.said` and `heard`; long runs of many calls switch it off.
    public var recordsAudio = true

    /// A caller.
    public init(_ steps: [Step]) { self.steps = steps }
}

/// What a simulated caller did and heard.
public struct PhoneReport: Sendable {
    /// What the caller said, µ-law, from the start of the call, in real time.
    public var said: [UInt8] = []
    /// What the caller heard, aligned with `said`.
    public var heard: [UInt8] = []
    /// Pattern items of the agent: bytes heard of each, by item number.
    public var heardItems: [UInt16: Int] = [:]
    /// How late the phone itself ran, microseconds, in the two seconds before a `clear` cut an item, by its number.
    public var lateAtCut: [UInt16: Int64] = [:]
    /// The frames of each pattern item, checked.
    public var checks: [UInt16: PatternCheck] = [:]
    /// Frames sent.
    public var framesSent = 0
    /// Media messages received.
    public var mediaReceived = 0
    /// Marks received.
    public var marksReceived = 0
    /// `clear` messages received: when, microseconds of the loop, and how much audio was dropped, milliseconds.
    public var clears: [(at: Int64, droppedMilliseconds: Int)] = []
    /// Most audio that ever waited to be played, milliseconds.
    public var queuedMillisecondsHigh = 0
    /// Messages that are not as Twilio takes them: an extra key, a wrong stream, bad base64.
    public var invalidMessages: [String] = []
    /// When the caller began and ended to speak, microseconds of the loop.
    public var speech: [(began: Int64, ended: Int64)] = []
    /// Runs of agent audio: when each began and ended, microseconds of the loop, and how much of it was played.
    public var answers: [Answer] = []

    /// One run of agent audio, without a long silence in it.
    public struct Answer: Sendable, Hashable {
        /// When its first byte was played, microseconds of the loop.
        public var began: Int64
        /// When its last byte was played.
        public var ended: Int64
        /// Bytes played: 8 are a millisecond.
        public var bytes: Int
    }
    /// When the stream began, microseconds of the loop.
    public var startedAt: Int64 = 0
    /// How the connection ended.
    public var ending = ""
}
