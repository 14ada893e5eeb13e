public import RealtimeProtocol

/// The WebSocket protocol of xiaozhi devices (versions 1 to 3): `hello`, `listen`, `abort`, `mcp` from the device, and
/// `tts`, `stt`, `llm`, `mcp` to it. Our own page speaks it with two additions, asked for by the feature `marks`: marks
/// that come back, and `clear`.
public struct DeviceDialect: CarrierDialect {
    /// What is known of a device before it speaks.
    public struct Device: Sendable, Hashable {
        /// Its name, as it says: mostly a hardware address.
        public var deviceID: String
        /// This program of it.
        public var clientID: String
        /// The protocol's version, which says how binary messages are framed; nil waits for the `hello`.
        public var version: Int?
        /// What travels with the call.
        public var parameters: [String: String]

        /// A device.
        public init(deviceID: String, clientID: String, version: Int?, parameters: [String: String] = [:]) {
            self.deviceID = deviceID
            self.clientID = clientID
            self.version = version
            self.parameters = parameters
        }
    }

    /// Packets that are sent ahead of time: a device's queue holds 40.
    static let packetsAhead = 5
    /// Our own page holds more, so that a network that hesitates is not heard.
    static let pageLeadMilliseconds = 200
    /// How long a device has to name its tools before its call begins without them.
    static let toolsMilliseconds = 2_000
    /// Letters of a sentence that is told before its end.
    static let sentenceMax = 200

    private let device: Device
    private let session: String
    private var tools: DeviceTools?
    private var isGreeted = false
    private var hasBegun = false
    private var hasMarks = false
    /// What woke the device before its call has begun.
    private var wakeWords: String?
    /// Its user holds a button while they talk.
    private var isManual = false
    /// What the button did before the call has begun.
    private var pressed: [Listening] = []
    private var narrow = false
    /// What the agent says, up to the last sentence that was told.
    private var sentence = ""

    /// - Parameters:
    ///   - device: What its request says.
    ///   - session: Our name of the session, unique.
    public init(_ device: Device, session: String) {
        self.device = device
        self.session = session
    }

    // MARK: - From the device

    /// What the device says.
    public mutating func received(_ message: UnsafeRawBufferPointer) -> [DialectAction] {
        guard let json = try? JSONValue(parsing: message), let type = json["type"]?.stringValue else {
            return isGreeted ? [.malformed] : [.close(1_008, "the first message must be a hello")]
        }
        if type == "hello" { return hello(json) }
        guard isGreeted else { return [.close(1_008, "the first message must be a hello")] }
        switch type {
        case "listen": return listen(json)
        case "abort": return [.command(.interrupt)]
        case "mark": return json["name"]?.stringValue.map { [.echo($0)] } ?? [.malformed]
        case "mcp": return answered(json["payload"])
        case "ping": return [say("pong", [])]
        case "goodbye": return [.stopped]
        // What a newer or an older device says besides is no fault.
        default: return []
        }
    }

    private mutating func hello(_ json: JSONValue) -> [DialectAction] {
        if isGreeted { return [.close(1_008, "a second hello")] }
        let transport = json["transport"]?.stringValue ?? "websocket"
        let audio = json["audio_params"]
        let format = audio?["format"]?.stringValue ?? "opus"
        let said = json["version"]?.integerValue.map { Int($0) }
        let version = device.version ?? said ?? 1
        guard transport == "websocket" else { return [.close(1_008, "transport must be websocket")] }
        guard format == "opus" else { return [.close(1_008, "audio_params.format must be opus")] }
        guard (1...3).contains(version) else { return [.close(1_008, "version must be 1, 2 or 3")] }
        isGreeted = true
        hasMarks = json["features"]?["marks"]?.boolValue ?? false
        let asked = audio?["frame_duration"]?.integerValue.map { Int($0) } ?? 60
        let frame = AudioLine.frameLengths.contains(asked) ? asked : 60
        narrow = narrow || audio?["sample_rate"]?.integerValue == 8_000
        var line = line(version, frame)
        line.encoder = AudioLine.Encoder(
            bitrate: audio?["bitrate"]?.integerValue.map { Int($0) },
            complexity: audio?["complexity"]?.integerValue.map { Int($0) },
            fec: audio?["fec"]?.boolValue,
            dtx: audio?["dtx"]?.boolValue
        )
        var actions = [DialectAction.line(line), .say(greeting(frame).text)]
        guard json["features"]?["mcp"]?.boolValue ?? false else { return actions + begin([]) }
        var tools = DeviceTools()
        actions.append(say("mcp", [("payload", tools.initialize())]))
        actions += [say("mcp", [("payload", tools.list())]), .wait(milliseconds: Self.toolsMilliseconds)]
        self.tools = tools
        return actions
    }

    private func greeting(_ frame: Int) -> JSONValue {
        [
            "type": "hello", "transport": "websocket", "session_id": .string(session),
            "audio_params": [
                "format": "opus", "sample_rate": narrow ? 8_000 : 24_000, "channels": 1,
                "frame_duration": .integer(Int64(frame)),
            ],
        ]
    }

    private func line(_ version: Int, _ frame: Int) -> AudioLine {
        var line = AudioLine(narrow ? .narrowOpus : .opus)
        line.framing = version == 1 ? .none : version == 2 ? .stamp : .size
        line.frameMilliseconds = frame
        line.leadMilliseconds = hasMarks ? max(Self.pageLeadMilliseconds, 2 * frame) : Self.packetsAhead * frame
        line.hasMarks = hasMarks
        line.mayRest = true
        line.begin = text("tts", [("state", "start")])
        line.end = text("tts", [("state", "stop")])
        if hasMarks {
            line.clear = text("clear", [])
            let mark = text("mark", [("name", "\u{1}")]).split(separator: "\\u0001", omittingEmptySubsequences: false)
            line.markHead = String(mark[0])
            line.markTail = String(mark[1])
        }
        return line
    }

    private mutating func begin(_ tools: [ToolDefinition]) -> [DialectAction] {
        hasBegun = true
        defer { wakeWords = nil }
        var parameters = device.parameters
        parameters["from"] = device.deviceID
        if !device.clientID.isEmpty { parameters["client"] = device.clientID }
        let start = CarrierStart(
            streamID: session,
            callID: session,
            parameters: parameters,
            encoding: "audio/opus",
            sampleRate: narrow ? 8_000 : 24_000
        )
        defer { pressed = [] }
        return [.begin(start, tools: tools)] + (wakeWords.map { [.command(Self.woken($0))] } ?? [])
            + pressed.map { .command(.listen($0)) }
    }

    /// The words that woke the device are the caller's first.
    private static func woken(_ words: String) -> CallCommand {
        .instruct("The caller woke you by saying: \(words.prefix(200))", respond: true)
    }

    private mutating func listen(_ json: JSONValue) -> [DialectAction] {
        switch json["state"]?.stringValue {
        case "start": return button(json["mode"]?.stringValue == "manual" ? .held : .open)
        case "stop": return isManual ? button(.released) : []
        case "detect":
            guard let words = json["text"]?.stringValue, !words.isEmpty else { return [] }
            if hasBegun { return [.command(Self.woken(words))] }
            // A device says it before it has named its tools.
            wakeWords = words
            return []
        default: return [.malformed]
        }
    }

    /// In the mode `manual` the words between `start` and `stop` are one turn; in the others the session finds turns.
    private mutating func button(_ listening: Listening) -> [DialectAction] {
        if listening == .open, !isManual { return [] }
        isManual = listening != .open
        if hasBegun { return [.command(.listen(listening))] }
        // A device may be talked to before it has named its tools.
        pressed = listening == .released ? pressed + [listening] : [listening]
        return []
    }

    // MARK: - Its tools

    private mutating func answered(_ payload: JSONValue?) -> [DialectAction] {
        guard let payload, var tools else { return [.malformed] }
        defer { self.tools = tools }
        switch tools.answered(payload) {
        case .ignored: return []
        case .more(let request): return hasBegun ? [] : [say("mcp", [("payload", request)])]
        case .listed: return hasBegun ? [] : begin(tools.definitions)
        case .finished(let callID, let result): return [.toolFinished(callID: callID, result)]
        }
    }

    /// No hello, or no list of tools, in time.
    public mutating func timeUp() -> [DialectAction] {
        if !isGreeted { return [.close(1_008, "no hello in time")] }
        return hasBegun ? [] : begin(tools?.definitions ?? [])
    }

    /// Asks the device to run one of its tools.
    public mutating func run(_ invocation: ToolInvocation) -> [DialectAction] {
        guard var tools else { return [] }
        defer { self.tools = tools }
        guard let request = tools.call(invocation) else {
            return [.toolFinished(callID: invocation.callID, .failure("the device has no such tool, or is busy"))]
        }
        return [say("mcp", [("payload", request)])]
    }

    /// What a tool answers is not waited for any more.
    public mutating func cancel(_ callID: String) { tools?.cancel(callID) }

    // MARK: - To the device

    /// Tells what the agent says, sentence by sentence.
    public mutating func modelSaid(_ event: ServerEvent) -> [DialectAction] {
        switch event {
        case .audioTranscriptDelta(_, let delta):
            sentence += delta
            return sentences(isWhole: false)
        case .audioTranscriptDone: return sentences(isWhole: true)
        case .responseDone: return sentences(isWhole: true)
        default: return []
        }
    }

    private mutating func sentences(isWhole: Bool) -> [DialectAction] {
        var actions: [DialectAction] = []
        while let end = Self.sentenceEnd(sentence) {
            actions += tell(sentence[..<end])
            sentence = String(sentence[end...])
        }
        if isWhole {
            actions += tell(sentence[...])
            sentence = ""
        }
        return actions
    }

    private static func sentenceEnd(_ text: String) -> String.Index? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if "。？！".contains(text[index]) { return next }
            if ".?!".contains(text[index]), next < text.endIndex, text[next].isWhitespace { return next }
            index = next
        }
        return text.count > sentenceMax ? text.index(text.startIndex, offsetBy: sentenceMax) : nil
    }

    private func tell(_ piece: Substring) -> [DialectAction] {
        let words = piece.drop { $0.isWhitespace }
        return words.isEmpty ? [] : [say("tts", [("state", "sentence_start"), ("text", .string(String(words)))])]
    }

    /// Tells what the caller said, and what became of the call.
    public mutating func happened(_ event: CallEvent) -> [DialectAction] {
        switch event {
        case .callerTranscript(_, let text) where !text.isEmpty: return [say("stt", [("text", .string(text))])]
        case .callerSpeechStarted where hasMarks: return [say("speech", [("state", "started")])]
        case .callerSpeechStopped where hasMarks: return [say("speech", [("state", "stopped")])]
        case .interrupted:
            sentence = ""
            return []
        case .responseRequested where !hasMarks: return [say("llm", [("emotion", "neutral"), ("text", "😶")])]
        case .ending(let reason, _, _) where hasMarks: return [say("end", [("reason", .string(reason.rawValue))])]
        case .ending(let reason, let initiator, _) where initiator == .system || initiator == .model:
            return [
                say("alert", [("status", "Call ended"), ("message", .string(reason.rawValue)), ("emotion", "neutral")])
            ]
        default: return []
        }
    }

    private func text(_ type: String, _ members: [(String, JSONValue)]) -> String {
        var message: JSONObject = ["session_id": .string(session), "type": .string(type)]
        for member in members { message[member.0] = member.1 }
        return JSONValue.object(message).text
    }

    private func say(_ type: String, _ members: [(String, JSONValue)]) -> DialectAction { .say(text(type, members)) }
}
