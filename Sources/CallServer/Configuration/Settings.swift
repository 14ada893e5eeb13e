public import CallBridge
public import CallPolicy
public import Logging
public import Trunk

/// What a server is told: by the environment, `.env`, and the prompt file.
public struct Settings: Sendable {
    /// Everything that is wrong, one line each.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// One line for each wrong value: its name, the value and what is allowed. Secrets are not shown.
        public let problems: [String]
        /// All of them.
        public var description: String { problems.joined(separator: "\n") }
    }

    /// The address to listen on.
    public var host = "0.0.0.0"
    /// The port to listen on; 0 picks one.
    public var port = 5050
    /// Engines, each with a thread and a listener of its own.
    public var loops = 1
    /// Calls at once, in all.
    public var callsMax = 1_000
    /// The least level of log lines.
    public var logLevel = Logger.Level.info
    /// OpenAI's key; empty without one.
    public var key = ""
    /// The model's address, when one was given.
    public var realtimeURL: String?
    /// PEM file of certificate authorities for the model.
    public var authorityFile: String?
    /// How calls are led.
    public var call = CallConfiguration()
    /// Dials of the model a second, over all loops; also how many may come at once.
    public var connectsPerSecond = 200
    /// Limits and times of the engines.
    public var engine = EngineConfiguration()

    /// Whether the built-in parrot answers instead of a model: nothing to dial was given.
    public var usesParrot: Bool { key.isEmpty && realtimeURL == nil }

    /// Reads the settings out of an environment.
    ///
    /// - Parameters:
    ///   - environment: Names and values.
    ///   - prompt: The instructions; nil when there is no prompt file.
    public init(environment: [String: String], prompt: String?) throws(Failure) {
        var reader = SettingsReader(environment)
        host = reader.text("HOST") ?? host
        port = reader.number("PORT", 0...65_535) ?? port
        loops = reader.number("LOOPS", 1...64) ?? loops
        connectsPerSecond = reader.number("CONNECTS_PER_SECOND", 1...10_000) ?? connectsPerSecond
        callsMax = reader.number("MAX_CONNECTIONS", 1...10_000) ?? callsMax
        logLevel = reader.choice("LOG_LEVEL", Self.levels) ?? logLevel
        key = reader.text("OPENAI_API_KEY") ?? ""
        realtimeURL = reader.text("OPENAI_REALTIME_URL")
        authorityFile = reader.text("OPENAI_CA_FILE")
        readCall(&reader, prompt: prompt)
        readEngine(&reader)
        if let url = realtimeURL {
            do throws(ModelEndpoint.Failure) {
                _ = try ModelEndpoint(url: url, model: "", key: "")
            } catch {
                reader.problems.append("OPENAI_REALTIME_URL: \(error)")
            }
        }
        if key.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) {
            reader.problems.append("OPENAI_API_KEY: holds spaces or characters that no key has (value not shown)")
        }
        if !reader.problems.isEmpty { throw Failure(problems: reader.problems) }
    }

    /// Where the model is; not to be asked for when the parrot answers.
    public func endpoint() throws(ModelEndpoint.Failure) -> ModelEndpoint {
        try ModelEndpoint(
            url: realtimeURL ?? ModelEndpoint.defaultURL,
            model: call.session.model,
            key: key,
            authorityFile: authorityFile
        )
    }

    private mutating func readCall(_ reader: inout SettingsReader, prompt: String?) {
        call.session.model = reader.text("OPENAI_MODEL") ?? call.session.model
        call.session.voice = reader.choice("VOICE", Self.voices) ?? call.session.voice
        call.session.instructions = prompt ?? Self.defaultInstructions
        if let greeting = reader.text("GREETING") { call.greeting = .agentFirst(.instructions(greeting)) }
        call.reconnect.maximumAttempts =
            reader.number("RECONNECT_MAX_ATTEMPTS", 1...100) ?? call.reconnect.maximumAttempts
        call.reconnect.initialDelayMilliseconds =
            reader.seconds("RECONNECT_INITIAL_DELAY", 0.1...60) ?? call.reconnect.initialDelayMilliseconds
        call.reconnect.maximumDelayMilliseconds =
            reader.seconds("RECONNECT_MAX_DELAY", 0.1...3_600) ?? call.reconnect.maximumDelayMilliseconds
        call.reconnect.outageBudgetMilliseconds =
            reader.seconds("RECONNECT_BUDGET", 1...3_600) ?? call.reconnect.outageBudgetMilliseconds
        call.tools.parallelLimit = reader.number("TOOLS_AT_ONCE", 1...32) ?? call.tools.parallelLimit
        call.tools.callsMaximum = reader.number("TOOLS_PER_CALL", 1...10_000) ?? call.tools.callsMaximum
        call.rotation.afterMilliseconds =
            reader.seconds("ROTATE_AFTER", 1...3_480) ?? call.rotation.afterMilliseconds
    }

    private mutating func readEngine(_ reader: inout SettingsReader) {
        if reader.text("LEAD_MS") == "0" {
            engine.leadMilliseconds = 0
        } else {
            // Less than three frames would let the phone run dry between two of them.
            engine.leadMilliseconds = reader.number("LEAD_MS", 60...10_000) ?? engine.leadMilliseconds
        }
        engine.appendMilliseconds = reader.number("APPEND_MS", 20...200) ?? engine.appendMilliseconds
        // The system spreads connections over the loops unevenly: each could hold them all, the sum is watched over.
        engine.callsMax = callsMax
        // A call has a phone and a model, two models for a moment; upgrades that are not answered yet come on top.
        engine.legsMax = callsMax * 3 + 1_000
    }

    /// Voices of the Realtime API.
    static let voices: [(name: String, value: String)] = [
        "alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse",
    ].map { ($0, $0) }

    static let levels: [(name: String, value: Logger.Level)] = [
        ("debug", .debug), ("info", .info), ("warning", .warning), ("error", .error),
    ]

    static let defaultInstructions =
        "You are a friendly assistant on the telephone. Answer briefly, in the language of the caller."
}

/// Reads values and gathers what is wrong with them.
struct SettingsReader {
    private let environment: [String: String]
    var problems: [String] = []

    init(_ environment: [String: String]) { self.environment = environment }

    /// A text; an empty one counts as absent.
    func text(_ name: String) -> String? {
        guard let value = environment[name], !value.isEmpty else { return nil }
        return value
    }

    mutating func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        if let value = Int(text), range.contains(value) { return value }
        problems.append("\(name): \"\(text)\" is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// Seconds, as milliseconds.
    mutating func seconds(_ name: String, _ range: ClosedRange<Double>) -> Int? {
        guard let text = text(name) else { return nil }
        if let value = Double(text), range.contains(value) { return Int(value * 1_000) }
        problems.append(
            "\(name): \"\(text)\" is not a number of seconds from \(range.lowerBound) to \(range.upperBound)"
        )
        return nil
    }

    mutating func choice<Value>(_ name: String, _ choices: [(name: String, value: Value)]) -> Value? {
        guard let text = text(name) else { return nil }
        if let choice = choices.first(where: { $0.name == text.lowercased() }) { return choice.value }
        problems.append("\(name): \"\(text)\" is not one of \(choices.map(\.name).joined(separator: ", "))")
        return nil
    }
}
