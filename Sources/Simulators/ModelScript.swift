public import RealtimeProtocol

/// How a simulated model behaves; read from a JSON scenario file or built in code.
public struct ModelScript: Sendable {
    /// What the model says.
    public enum Voice: Sendable {
        /// Says back what it heard.
        case parrot
        /// A 440 Hz tone.
        case tone
        /// Pattern frames, one item number for each item.
        case pattern
        /// This µ-law audio.
        case audio([UInt8])
    }

    /// Something that goes wrong, so long after the session began.
    public struct Fault: Sendable {
        /// What goes wrong.
        public enum Kind: Sendable {
            /// The connection breaks.
            case drop
            /// The connection is closed with a code and a reason.
            case close(code: Int, reason: String)
            /// An error event.
            case error(code: String, message: String)
            /// Nothing is sent or read any more.
            case freeze
        }

        /// Milliseconds after the session began.
        public var after: Int
        /// The connections that it happens to, from 1; nil is all.
        public var connections: ClosedRange<Int>?
        /// What goes wrong.
        public var kind: Kind

        /// A fault.
        public init(after: Int, connections: ClosedRange<Int>? = nil, kind: Kind) {
            self.after = after
            self.connections = connections
            self.kind = kind
        }
    }

    /// How the handshake goes wrong.
    public enum Handshake: Sendable {
        /// It does not.
        case good
        /// An HTTP status instead of the upgrade, as proxies answer.
        case status(Int)
        /// The upgrade, an error event, then a close, as the real API does.
        case refused(code: String, message: String)
    }

    /// A function call that the model makes instead of speaking.
    public struct ToolCall: Sendable {
        /// In which turn of the caller, from 1.
        public var turn: Int
        /// The function.
        public var name: String
        /// Its arguments, as text.
        public var arguments: String

        /// A call.
        public init(turn: Int, name: String, arguments: String = "{}") {
            self.turn = turn
            self.name = name
            self.arguments = arguments
        }
    }

    /// What the model says.
    public var voice = Voice.parrot
    /// Length of an answer of tone or pattern, milliseconds.
    public var answerMilliseconds = 3_000
    /// From the end of a turn to the response, milliseconds.
    public var thinkMilliseconds = 150
    /// Lengths of audio deltas, used in turns, milliseconds.
    public var deltaMilliseconds = [40, 200, 120, 360, 80]
    /// How much faster than real time audio is generated; 0 is all at once.
    public var speed = 6.0
    /// Items in a response.
    public var itemsPerResponse = 1
    /// Generation stops here, in milliseconds of each answer's audio, for so many milliseconds.
    public var stall: (after: Int, lasts: Int)?
    /// Function calls.
    public var toolCalls: [ToolCall] = []
    /// What goes wrong.
    public var faults: [Fault] = []
    /// How the handshake goes wrong.
    public var handshake = Handshake.good
    /// The session ends at this age, milliseconds, as the real one does at 60 minutes; nil is never.
    public var expiresAfter: Int?
    /// The words that the model says, of each item.
    public var transcript = "This is what the agent says."
    /// The words that the caller is taken to have said.
    public var callerTranscript = "This is what the caller said."
    /// Linear level from which a frame counts as speech, 0...32767.
    public var speechLevel = 600
    /// Keeps all audio that it hears.
    public var recordsAudio = false

    /// The defaults: a parrot.
    public init() {}
}

extension ModelScript {
    /// What is wrong with a scenario file.
    public struct Failure: Error, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// Reads a scenario, such as `{"voice":"tone","answer_ms":2000,"faults":[{"after_ms":3000,"do":"drop"}]}`.
    ///
    /// Keys: `voice` (parrot, tone, pattern, or a WAV file), `answer_ms`, `think_ms`, `delta_ms` (list), `speed`,
    /// `items`, `stall` {`after_ms`, `for_ms`}, `tools` [{`turn`, `name`, `arguments`}], `faults` [{`after_ms`,
    /// `do`: drop, close, error or freeze, `code`, `reason`, `connection`}], `handshake` {`status` or `code`},
    /// `expires_ms`, `transcript`, `caller_transcript`. An unknown key is an error.
    public init(json: JSONValue) throws(Failure) {
        guard let object = json.objectValue else { throw Failure(description: "a scenario is a JSON object") }
        self.init()
        for member in object.members {
            do {
                try set(member.key, member.value)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(description: "\(member.key): \(error)")
            }
        }
    }

    private mutating func set(_ key: String, _ value: JSONValue) throws {
        switch key {
        case "voice": voice = try Self.voice(named: Self.text(key, value))
        case "answer_ms": answerMilliseconds = try Self.number(key, value)
        case "think_ms": thinkMilliseconds = try Self.number(key, value)
        case "delta_ms":
            deltaMilliseconds = try (value.arrayValue ?? []).map { try Self.number(key, $0) }.filter { $0 > 0 }
            if deltaMilliseconds.isEmpty { throw Failure(description: "delta_ms: a list of positive numbers") }
        case "speed": speed = value.doubleValue ?? 0
        case "items": itemsPerResponse = max(1, try Self.number(key, value))
        case "stall":
            stall = (try Self.number("after_ms", value["after_ms"]), try Self.number("for_ms", value["for_ms"]))
        case "tools": toolCalls = try (value.arrayValue ?? []).map(Self.toolCall)
        case "faults": faults = try (value.arrayValue ?? []).map(Self.fault)
        case "handshake": handshake = try Self.handshake(value)
        case "expires_ms": expiresAfter = try Self.number(key, value)
        case "transcript": transcript = try Self.text(key, value)
        case "caller_transcript": callerTranscript = try Self.text(key, value)
        default: throw Failure(description: "unknown key \"\(key)\"")
        }
    }

    private static func text(_ key: String, _ value: JSONValue?) throws -> String {
        guard let text = value?.stringValue else { throw Failure(description: "\(key): a text is expected") }
        return text
    }

    private static func number(_ key: String, _ value: JSONValue?) throws -> Int {
        guard let number = value?.integerValue, (0...86_400_000).contains(number) else {
            throw Failure(description: "\(key): a number from 0 to 86400000 is expected")
        }
        return Int(number)
    }

    private static func voice(named name: String) throws -> Voice {
        switch name {
        case "parrot": .parrot
        case "tone": .tone
        case "pattern": .pattern
        default: .audio(try WaveFile.readMuLaw(name))
        }
    }

    private static func toolCall(_ value: JSONValue) throws -> ToolCall {
        let arguments = value["arguments"].map { String(decoding: $0.encode(), as: UTF8.self) } ?? "{}"
        return ToolCall(
            turn: try number("turn", value["turn"]),
            name: try text("name", value["name"]),
            arguments: arguments
        )
    }

    private static func fault(_ value: JSONValue) throws -> Fault {
        let connection = try value["connection"].map { try number("connection", $0) }
        let kind: Fault.Kind
        switch try text("do", value["do"]) {
        case "drop": kind = .drop
        case "freeze": kind = .freeze
        case "close":
            kind = .close(code: try number("code", value["code"]), reason: value["reason"]?.stringValue ?? "")
        case "error": kind = .error(code: try text("code", value["code"]), message: value["reason"]?.stringValue ?? "")
        default: throw Failure(description: "do: one of drop, close, error, freeze")
        }
        return Fault(
            after: try number("after_ms", value["after_ms"]),
            connections: connection.map { $0...$0 },
            kind: kind
        )
    }

    private static func handshake(_ value: JSONValue) throws -> Handshake {
        if let status = value["status"] { return .status(try number("status", status)) }
        return .refused(code: try text("code", value["code"]), message: value["reason"]?.stringValue ?? "")
    }
}
