public import Logging
import WebServer

/// How log lines are written.
public struct LogSettings: Sendable, Hashable {
    /// The shape of a line.
    public enum Format: String, Sendable, Hashable, CaseIterable {
        /// For people.
        case text
        /// One JSON object a line.
        case json
    }

    /// The shape of a line.
    public var format = Format.text
    /// The least level.
    public var level = Logger.Level.info
    /// Subsystems with a level of their own.
    public var levels: [String: Logger.Level] = [:]

    /// The defaults.
    public init() {}

    /// The least level of a subsystem's lines: its own, that of the longest part before a point, or the general one.
    public func level(of label: String) -> Logger.Level {
        var name = label[...]
        while !name.isEmpty {
            if let level = levels[String(name)] { return level }
            guard let point = name.lastIndex(of: ".") else { break }
            name = name[..<point]
        }
        return level
    }
}

extension Settings {
    static let levels: [(name: String, value: Logger.Level)] = [
        ("debug", .debug), ("info", .info), ("warning", .warning), ("error", .error),
    ]

    mutating func readPublic(_ reader: inout SettingsReader, template text: String?) {
        if let url = reader.text("PUBLIC_URL") {
            publicURL = url
            let keepsPath = reader.flag("PUBLIC_URL_KEEP_PATH") ?? false
            do throws(PublicOrigin.Failure) {
                publicOrigin = try PublicOrigin(parsing: url.trimmed, keepsPath: keepsPath)
            } catch {
                reader.problems.append("PUBLIC_URL: \"\(url)\" \(error)")
            }
        }
        texts = compat.texts
        if let before = reader.text("SAY_BEFORE") { texts.before = before.split(separator: "|").map(\.trimmed) }
        if let after = reader.text("SAY_AFTER") { texts.after = after }
        if let refusal = reader.text("SAY_REFUSAL") { texts.refusal = refusal }
        texts.speech = TwiML.Speech(voice: reader.text("SAY_VOICE"), language: reader.text("SAY_LANGUAGE"))
        guard let text else { return }
        do throws(TwiMLTemplate.Problem) {
            template = try TwiMLTemplate(parsing: text)
        } catch {
            reader.problems.append("TWIML_FILE: \"\(reader.text("TWIML_FILE") ?? "")\" \(error.rawValue)")
        }
    }

    mutating func readOperation(_ reader: inout SettingsReader) {
        logging.format =
            reader.choice("LOG_FORMAT", LogSettings.Format.allCases.map { ($0.rawValue, $0) }) ?? logging.format
        logging.level = reader.choice("LOG_LEVEL", Self.levels) ?? logging.level
        for entry in reader.list("LOG_LEVELS") ?? [] {
            let label = entry.prefix { $0 != "=" }
            let name = entry.dropFirst(label.count + 1).trimmed.lowercased()
            if !label.isEmpty, let level = Self.levels.first(where: { $0.name == name }) {
                logging.levels[label.trimmed] = level.value
                let first = String(label.trimmed.prefix { $0 != "." })
                if !LogSettings.subsystems.contains(first) {
                    let names = LogSettings.subsystems.joined(separator: ", ")
                    reader.notes.append("LOG_LEVELS: \"\(first)\" is none of our subsystems: \(names)")
                }
            } else {
                let names = Self.levels.map(\.name).joined(separator: ", ")
                reader.problems.append("LOG_LEVELS: \"\(entry)\" is not subsystem=level, a level one of \(names)")
            }
        }
        environmentName = reader.text("ENVIRONMENT") ?? environmentName
        if environmentName.utf8.count > 64 {
            reader.problems.append("ENVIRONMENT: \"\(environmentName.prefix(16))...\" is longer than 64 bytes")
        }
        healthIntervalMilliseconds = reader.seconds("HEALTH_CHECK_INTERVAL", 1...3_600) ?? healthIntervalMilliseconds
        drainMilliseconds = reader.seconds("DRAIN_SECONDS", 0...86_400) ?? drainMilliseconds
        viewersMax = reader.number("LOG_VIEWERS_MAX", 0...10_000) ?? viewersMax
        web.connectionsMax = reader.number("HTTP_CONNECTIONS_MAX", 1...100_000) ?? web.connectionsMax
        toolsFile = reader.text("TOOLS_FILE")
    }
}
