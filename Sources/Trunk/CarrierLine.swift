internal import CTrunk

/// What the carrier of a call speaks; the raw values are the core's.
public enum CarrierDialectKind: Int32, Sendable {
    /// Twilio's JSON.
    case twilio = 0
    /// Telnyx's JSON, with numbered media. After its start the call waits for `setLine`.
    case telnyx = 1
    /// Audio is binary; text is told in `carrierText`. The call waits for `setLine`.
    case binary = 2
}

/// What is on the carrier's line, and what the core says between its audio.
public struct CarrierLine: Sendable, Hashable {
    /// How audio is coded; the raw values are the core's.
    public enum Coding: Int32, Sendable {
        /// G.711 µ-law.
        case ulaw = 0
        /// G.711 A-law.
        case alaw = 1
        /// Opus.
        case opus = 2
    }

    /// What stands before the audio of a binary message; the raw values are the core's.
    public enum Framing: Int32, Sendable {
        /// Nothing.
        case none = 0
        /// 16 bytes with a time stamp.
        case stamp = 2
        /// 4 bytes with a size.
        case size = 3
    }

    /// The messages that have their place between audio; an empty one is left out. `TRK_LINE_TEXT_MAX` bytes each.
    public struct Texts: Sendable, Hashable {
        /// Before the first audio after silence.
        public var begin = ""
        /// When all was heard, or was interrupted.
        public var end = ""
        /// So that the peer drops what it has not played.
        public var clear = ""
        /// Before the name of a mark.
        public var markHead = ""
        /// Behind it.
        public var markTail = ""

        /// None.
        public init() {}
    }

    /// How audio is coded.
    public var coding: Coding
    /// What stands before it.
    public var framing = Framing.none
    /// Opus at 8,000 Hz, so that the model hears what a telephone has.
    public var isNarrow = false
    /// Marks come back.
    public var hasMarks = true
    /// The peer may send no audio for as long as it likes.
    public var mayRest = false
    /// Audio of one message to a binary peer, and of one Opus packet: 20, 40 or 60 milliseconds.
    public var frameMilliseconds = 20
    /// Audio sent ahead of real time; 0 is the engine's.
    public var leadMilliseconds = 0
    /// How audio to the carrier becomes Opus.
    public var encoder = OpusEncoder()
    /// What is said between audio.
    public var texts = Texts()

    /// A line.
    public init(_ coding: Coding) { self.coding = coding }
}

/// How audio becomes Opus.
public struct OpusEncoder: Sendable, Hashable {
    /// Bits a second, 6,000 to 128,000.
    public var bitrate = 32_000
    /// Time for quality, 0 to 10.
    public var complexity = 5
    /// What is expected to be lost, percent.
    public var lossPercent = 0
    /// Each packet holds a rougher copy of the one before.
    public var hasFEC = true
    /// Silence is hardly sent.
    public var hasDTX = false

    /// The defaults.
    public init() {}

    /// Whether Opus is built in.
    public static var isBuiltIn: Bool { trk_opus_is_built_in() }
}

extension CallEngine {
    /// Says what is on the carrier's line, once, before its first audio.
    ///
    /// - Throws: `.unsupported` when Opus is not built in, `.invalid` for a value out of range.
    public func setLine(_ call: CallID, _ line: CarrierLine) throws(TrunkError) {
        var config = trk_line_config()
        config.coding = trk_coding(rawValue: line.coding.rawValue) ?? .TRK_CODING_ULAW
        config.framing = trk_framing(rawValue: line.framing.rawValue) ?? .TRK_FRAMING_NONE
        config.narrow = line.isNarrow
        config.has_marks = line.hasMarks
        config.may_rest = line.mayRest
        config.fec = line.encoder.hasFEC
        config.dtx = line.encoder.hasDTX
        config.frame_ms = UInt32(clamping: line.frameMilliseconds)
        config.bitrate = UInt32(clamping: line.encoder.bitrate)
        config.complexity = UInt32(clamping: line.encoder.complexity)
        config.loss_percent = UInt32(clamping: line.encoder.lossPercent)
        config.lead_ms = UInt32(clamping: line.leadMilliseconds)
        // One buffer for all texts, so that one pointer lives while the core copies them.
        let texts = [line.texts.begin, line.texts.end, line.texts.clear, line.texts.markHead, line.texts.markTail]
        let bytes = texts.flatMap { Array($0.utf8) }
        let status = bytes.withUnsafeBufferPointer { buffer in
            var at = 0
            func next(_ text: String) -> trk_bytes {
                defer { at += text.utf8.count }
                return trk_bytes(data: buffer.baseAddress.map { $0 + at }, count: text.utf8.count)
            }
            config.texts = trk_line_texts(
                begin: next(texts[0]),
                end: next(texts[1]),
                clear: next(texts[2]),
                mark_head: next(texts[3]),
                mark_tail: next(texts[4])
            )
            return trk_call_set_line(raw, call.raw, &config)
        }
        try check(status)
    }

    /// How much silence is made up at once for a carrier that sends nothing, milliseconds: as much as the model needs to find
    /// the end of a turn, at most 20,000. Nothing happens to a call without a line.
    public func setFill(_ call: CallID, milliseconds: Int) {
        _ = trk_call_set_fill(raw, call.raw, UInt32(clamping: milliseconds))
    }

    /// A mark of a binary carrier came back. False when it is none of the present ones.
    @discardableResult
    public func echo(_ name: String, of call: CallID) -> Bool {
        var name = name
        return name.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return false }
            return trk_call_echo(raw, call.raw, base, bytes.count)
        }
    }

    /// The carrier's queue is full, or has room again: no audio is sent meanwhile.
    public func hold(_ call: CallID, _ held: Bool) { _ = trk_call_hold(raw, call.raw, held) }
}
