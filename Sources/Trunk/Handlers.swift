/// Why and how a leg ended.
public struct LegEnding: Sendable, Hashable {
    /// Who or what ended it; the raw values are the core's.
    public enum Cause: Int32, Sendable {
        /// We did.
        case local = 0
        /// The peer's close frame.
        case peer = 1
        /// The connection ended or broke without a close frame.
        case lost = 2
        /// A deadline passed.
        case timeout = 3
        /// The peer broke a protocol; `code` is what it was told.
        case protocolError = 4
        /// Our upgrade was answered with another status, in `detail`.
        case refused = 5
        /// The name has no address.
        case resolve = 6
        /// No address answered.
        case connect = 7
        /// The TLS handshake failed.
        case tls = 8
        /// One of our limits.
        case limit = 9
    }

    /// The WebSocket close code; 1006 when there was none.
    public let code: Int
    /// Who or what ended the leg.
    public let cause: Cause
    /// The HTTP status of a refusal, or a negated errno, else 0.
    public let detail: Int
    /// The peer's reason, or a short text of ours.
    public let reason: String
    /// Seconds that the answer which refused our upgrade asks to wait (`Retry-After`); nil when it does not say.
    public let retryAfterSeconds: Int?

    /// Makes an ending, for tests and simulators.
    public init(code: Int, cause: Cause, detail: Int = 0, reason: String = "", retryAfterSeconds: Int? = nil) {
        self.code = code
        self.cause = cause
        self.detail = detail
        self.reason = reason
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// An upgrade request to one of a listener's paths.
public struct UpgradeRequest {
    /// Index into the listener's paths.
    public let pathIndex: Int
    /// Whether it came over our own TLS.
    public let isSecure: Bool
    /// The request head as it was sent.
    public let head: String
    /// The address of the peer, without a port.
    public let peer: String

    /// The value of the first header with this name, in any case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        for line in head.split(whereSeparator: \.isNewline).dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            if line[..<colon].lowercased() != wanted { continue }
            let value = line[line.index(after: colon)...]
            return String(value.drop { $0 == " " || $0 == "\t" })
        }
        return nil
    }
}

/// Decides about upgrade requests. Lives on the engine.
public protocol LegAcceptor: AnyObject {
    /// Answer with `engine.accept` or `engine.refuse`, now or within the accept deadline.
    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine)
}

/// Takes the requests to a listener's port that are no upgrade to one of its paths. Lives on the engine.
public protocol PlainAcceptor: AnyObject {
    /// Answer with `engine.handOver` or `engine.refuse`, now or within the accept deadline.
    func requested(_ leg: LegID, from listener: ListenerID, isSecure: Bool, on engine: isolated CallEngine)
}

/// Hears of one leg outside a call. Lives on the engine; all calls come on its loop.
public protocol LegHandler: AnyObject {
    /// The WebSocket is open.
    func opened(_ leg: LegID, on engine: isolated CallEngine)
    /// A whole message. The bytes are borrowed until this returns.
    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine)
    /// The moment of `engine.setTimer` is reached.
    func timerFired(_ leg: LegID, on engine: isolated CallEngine)
    /// The leg has ended; nothing more comes.
    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine)
}

/// What the core tells about the playback of a call.
public enum PlaybackEvent: Sendable, Hashable {
    /// The first audio of an item came from the model.
    case arrived(itemID: String)
    /// The first audio of an item was sent to the phone.
    case started(itemID: String)
    /// An item was heard to its end; `proven` by a mark, else by the clock.
    case finished(itemID: String, proven: Bool)
    /// Everything was heard; nothing is queued.
    case drained
}

/// Why a message of a call was dropped; the raw values are the core's.
public enum MalformedReason: Int32, Sendable, Hashable {
    /// Not valid JSON of the dialect, or a duplicate key.
    case json = 1
    /// A payload that is not strict base64.
    case base64 = 2
    /// A binary frame where text is spoken.
    case binary = 3
    /// Media before start, a second start, another stream's id.
    case order = 4
    /// Audio of an unknown, finished or interrupted response.
    case audio = 5
    /// An event that we do not know.
    case unknown = 6
}

/// When a cause was read: the loop turn and the loop's monotonic clock.
public struct LoopMoment: Sendable, Hashable {
    /// The number of the turn.
    public let turn: UInt64
    /// Microseconds.
    public let microseconds: Int64
}

/// Hears of one call. Lives on the engine; all calls come on its loop.
public protocol CallHandler: AnyObject {
    /// The carrier's start message, borrowed until this returns.
    func carrierStarted(_ call: CallID, message: RawSpan, on engine: isolated CallEngine)
    /// A text message of a binary carrier, borrowed until this returns.
    func carrierText(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine)
    /// A key was pressed.
    func carrierDigit(_ call: CallID, _ digit: String, on engine: isolated CallEngine)
    /// The carrier says that the stream ends.
    func carrierStopped(_ call: CallID, on engine: isolated CallEngine)
    /// The carrier has sent no media for `mediaTimeoutMilliseconds`; once per silence.
    func carrierSilent(_ call: CallID, on engine: isolated CallEngine)
    /// The carrier's leg has ended.
    func carrierClosed(_ call: CallID, _ ending: LegEnding, on engine: isolated CallEngine)
    /// A model leg is open.
    func modelOpened(_ call: CallID, _ leg: LegID, on engine: isolated CallEngine)
    /// An event of a model, without the audio; JSON text, borrowed until this returns.
    func modelEvent(
        _ call: CallID,
        _ leg: LegID,
        _ message: RawSpan,
        at moment: LoopMoment,
        on engine: isolated CallEngine
    )
    /// An audio delta, as JSON text, borrowed until this returns; only while `engine.tellAudio` says so.
    func modelAudio(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine)
    /// A model leg has ended.
    func modelClosed(_ call: CallID, _ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine)
    /// Something happened to the playback.
    func playback(_ call: CallID, _ event: PlaybackEvent, on engine: isolated CallEngine)
    /// The moment of `engine.setTimer(_:at:)` is reached.
    func timerFired(_ call: CallID, on engine: isolated CallEngine)
    /// A message was dropped; its bytes are not told.
    func malformed(_ call: CallID, _ leg: LegID, _ reason: MalformedReason, on engine: isolated CallEngine)
}

extension CallHandler {
    /// No carrier of this handler is a binary one.
    public func carrierText(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine) {}
    /// Nobody listens.
    public func modelAudio(_ call: CallID, _ message: RawSpan, on engine: isolated CallEngine) {}
}
