public import RealtimeProtocol

/// Everything that settings are read from. Of places that name the same setting the first wins: flags, environment,
/// `.env`, the file that `CONFIG_FILE` names; then the default.
public struct SettingsSources: Sendable {
    /// Names and values, the place that wins first.
    public var layers: [SettingsLayer]
    /// The instructions; nil when there is no prompt file.
    public var prompt: String?
    /// The document for incoming calls; nil when none was given.
    public var template: String?
    /// The definitions of tools; nil when no file was given.
    public var tools: String?
    /// Values by which definitions of tools name their secrets.
    public var environment: [String: String] = [:]
    /// The section `session` of the file.
    public var session: JSONValue?
    /// The section `routing` of the file.
    public var routing: JSONValue?
    /// The section `prices` of the file.
    public var prices: JSONValue?
    /// What cannot be read, one line each.
    public var problems: [String] = []
    /// What was ignored, one line each.
    public var notes: [String] = []

    /// What was given.
    public init(layers: [SettingsLayer], prompt: String? = nil) {
        self.layers = layers
        self.prompt = prompt
    }

    /// Reads the files that flags and environment name, and those at their usual places.
    ///
    /// - Parameters:
    ///   - flags: Names of settings and their values on the command line.
    ///   - environment: The real environment.
    ///   - folder: Where relative paths begin.
    public static func load(
        flags: [String: String] = [:],
        environment: [String: String],
        folder: String = "."
    ) -> SettingsSources {
        var sources = SettingsSources(layers: [
            SettingsLayer("flag", flags), SettingsLayer("environment", environment),
        ])
        sources.problems = flags.keys.filter { !Settings.names.contains($0) }.sorted().map { "\($0): is no setting" }
        func path(_ name: String) -> String { name.hasPrefix("/") ? name : "\(folder)/\(name)" }
        sources.environment = environment
        if let text = sources.read(path(".env"), isOptional: true) {
            let file = DotEnv.parse(text, environment: environment)
            sources.notes += file.problems.map { ".env: \($0)" }
            sources.layers.append(SettingsLayer(".env", file.values))
            sources.environment.merge(file.values) { real, _ in real }
        }
        if let name = sources.value("CONFIG_FILE") { sources.addConfiguration(path(name), name: name) }
        let prompt = sources.value("PROMPT_FILE")
        sources.prompt = sources.read(path(prompt ?? "sample_prompt.txt"), isOptional: prompt == nil)
        if let name = sources.value("TWIML_FILE") { sources.template = sources.read(path(name)) }
        if let name = sources.value("TOOLS_FILE") { sources.tools = sources.read(path(name)) }
        return sources
    }

    private func value(_ name: String) -> String? {
        layers.lazy.compactMap { $0.values[name] }.first { !$0.isEmpty }
    }

    private mutating func read(_ path: String, isOptional: Bool = false) -> String? {
        do throws(TextFile.Problem) {
            return try TextFile.read(path)
        } catch {
            if !(isOptional && error.isMissing) { problems.append(error.description) }
            return nil
        }
    }

    /// Adds a YAML or JSON file: settings by their names, whatever their case, and the sections.
    private mutating func addConfiguration(_ path: String, name file: String) {
        guard let text = read(path) else { return }
        let document: JSONValue
        do throws(YAMLFile.Problem) {
            document = try YAMLFile.parse(text)
        } catch {
            return problems.append("\(file): \(error)")
        }
        guard let object = document.objectValue else {
            return problems.append("\(file): is no object of names and values")
        }
        var values: [String: String] = [:]
        for member in object.members {
            let name = member.key.uppercased()
            switch member.key.lowercased() {
            case "session": session = member.value
            case "routing": routing = member.value
            case "prices": prices = member.value
            default:
                if !Settings.names.contains(name) {
                    problems.append("\(file): \"\(member.key)\" is no setting")
                } else if let text = Self.text(member.value) {
                    values[name] = text
                } else {
                    problems.append("\(file): \(member.key) is no text, number or list")
                }
            }
        }
        layers.append(SettingsLayer(file, values))
    }

    /// A value as it would stand in the environment; a list becomes JSON.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .null: ""
        case .bool, .integer, .number, .array: value.text
        case .object: nil
        }
    }
}
