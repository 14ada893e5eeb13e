public import CallPolicy
import RealtimeProtocol

/// What is known of a call when it is routed.
public struct CallFacts: Sendable, Hashable {
    /// The number that was called.
    public var called: String
    /// The number of the caller; empty when it is withheld.
    public var caller: String
    /// What the document gave the stream.
    public var parameters: [String: String]

    /// Facts.
    public init(called: String = "", caller: String = "", parameters: [String: String] = [:]) {
        self.called = called
        self.caller = caller
        self.parameters = parameters
    }
}

/// What a rule changes of a call. Nil leaves a value as it is.
public struct CallChanges: Sendable, Hashable {
    /// The instructions.
    public var instructions: String?
    /// The voice.
    public var voice: String?
    /// The model.
    public var model: String?
    /// Who speaks first.
    public var greeting: Greeting?
    /// Names of the tools that are offered.
    public var tools: [String]?

    /// No changes.
    public init() {}

    /// Reads changes out of an object, as they stand in a rule; nil when one of them is wrong.
    init?(_ object: JSONObject) {
        var reader = RuleReader(.object(object), place: "")
        let rule = reader.rule(0)
        guard reader.problems.isEmpty, rule.called.isEmpty, rule.caller.isEmpty, rule.parameters.isEmpty else {
            return nil
        }
        self = rule.changes
    }

    /// These changes, and those of another where it says something.
    func overridden(by other: CallChanges) -> CallChanges {
        var result = self
        result.instructions = other.instructions ?? instructions
        result.voice = other.voice ?? voice
        result.model = other.model ?? model
        result.greeting = other.greeting ?? greeting
        result.tools = other.tools ?? tools
        return result
    }

    /// The configuration with these changes; the tools are chosen elsewhere.
    public func applied(to configuration: CallConfiguration) -> CallConfiguration {
        var result = configuration
        result.session.instructions = instructions ?? result.session.instructions
        result.session.voice = voice ?? result.session.voice
        result.session.model = model ?? result.session.model
        result.greeting = greeting ?? result.greeting
        return result
    }
}

/// Rules that lead some calls otherwise; the first that fits is taken.
public struct RoutingTable: Sendable, Hashable {
    /// One rule. What it does not name fits any call.
    public struct Rule: Sendable, Hashable {
        /// Its name, for logs and records.
        public var name: String
        /// Numbers called: exact, or a beginning followed by `*`.
        public var called: [String] = []
        /// Numbers of callers, likewise.
        public var caller: [String] = []
        /// Parameters of the stream and what they must be, likewise.
        public var parameters: [String: String] = [:]
        /// What it changes.
        public var changes = CallChanges()

        /// A rule for any call.
        public init(name: String) { self.name = name }

        /// Whether a call is one of this rule's.
        public func fits(_ facts: CallFacts) -> Bool {
            Self.fits(facts.called, called) && Self.fits(facts.caller, caller)
                && parameters.allSatisfy { name, pattern in
                    facts.parameters[name].map { Self.fits($0, pattern) } ?? false
                }
        }

        private static func fits(_ text: String, _ patterns: [String]) -> Bool {
            patterns.isEmpty || patterns.contains { fits(text, $0) }
        }

        private static func fits(_ text: String, _ pattern: String) -> Bool {
            pattern.hasSuffix("*") ? text.hasPrefix(pattern.dropLast()) : text == pattern
        }
    }

    /// Rules of a table.
    public static let rulesMaximum = 1_000

    /// The rules, in order.
    public var rules: [Rule]

    /// A table.
    public init(_ rules: [Rule] = []) { self.rules = rules }

    /// The rule for a call; nil when it is led as all are.
    public func rule(for facts: CallFacts) -> Rule? { rules.first { $0.fits(facts) } }
}

// MARK: - Reading

extension RoutingTable {
    /// Reads the section of a file.
    init(_ section: JSONValue?, _ reader: inout SettingsReader) {
        self.init()
        guard let section, !section.isNull else { return }
        guard let entries = section.arrayValue, entries.count <= Self.rulesMaximum else {
            reader.problems.append("routing: is no list of at most \(Self.rulesMaximum) rules")
            return
        }
        for (index, entry) in entries.enumerated() {
            var fields = RuleReader(entry, place: "routing rule \(index + 1)")
            rules.append(fields.rule(index))
            reader.problems += fields.problems
            reader.notes += fields.notes
        }
    }
}

/// Reads one rule.
private struct RuleReader {
    private let entry: JSONValue
    private let place: String
    var problems: [String] = []
    var notes: [String] = []

    init(_ entry: JSONValue, place: String) {
        self.entry = entry
        self.place = place
    }

    private mutating func complain(_ text: String) { problems.append("\(place): \(text)") }

    mutating func rule(_ index: Int) -> RoutingTable.Rule {
        guard let object = entry.objectValue else {
            complain("is no object of names and values")
            return RoutingTable.Rule(name: "")
        }
        var rule = RoutingTable.Rule(name: object["name"].flatMap(Self.text) ?? "rule \(index + 1)")
        for (name, value) in object.members.map({ ($0.key, $0.value) }) {
            switch name {
            case "name": break
            case "called": rule.called = texts(value, name)
            case "caller": rule.caller = texts(value, name)
            case "parameters": rule.parameters = pairs(value)
            case "instructions": rule.changes.instructions = text(value, name)
            case "voice": rule.changes.voice = voice(value)
            case "model": rule.changes.model = model(value)
            case "greeting": rule.changes.greeting = text(value, name).map { .agentFirst(.instructions($0)) }
            case "say_first": rule.changes.greeting = text(value, name).map { .agentFirst(.exactly($0)) }
            case "tools": rule.changes.tools = texts(value, name)
            default: complain("\"\(name)\" is no part of a rule")
            }
        }
        return rule
    }

    /// A number without quotes is a text, too.
    private static func text(_ value: JSONValue) -> String? { value.stringValue ?? value.integerValue.map(String.init) }

    private mutating func text(_ value: JSONValue, _ name: String) -> String? {
        if let text = Self.text(value), !text.isEmpty { return text }
        complain("\(name) is no text")
        return nil
    }

    private mutating func texts(_ value: JSONValue, _ name: String) -> [String] {
        let texts = value.arrayValue?.map(Self.text) ?? [Self.text(value)]
        if texts.contains(nil) { complain("\(name) is no text or list of texts") }
        return texts.compactMap { $0 }
    }

    private mutating func pairs(_ value: JSONValue) -> [String: String] {
        var result: [String: String] = [:]
        for member in value.objectValue?.members ?? [] { result[member.key] = text(member.value, member.key) }
        if value.objectValue == nil { complain("parameters is no object of names and values") }
        return result
    }

    private mutating func voice(_ value: JSONValue) -> String? {
        guard let name = text(value, "voice") else { return nil }
        if Settings.voices.contains(where: { $0.name == name }) { return name }
        complain("voice \"\(name)\" is not one of \(Settings.voices.map(\.name).joined(separator: ", "))")
        return nil
    }

    private mutating func model(_ value: JSONValue) -> String? {
        guard let name = text(value, "model") else { return nil }
        guard let replacement = ModelNames.replacement(of: name) else { return name }
        notes.append("\(place): \(name) is retired, \(replacement) takes its place")
        return replacement
    }
}
