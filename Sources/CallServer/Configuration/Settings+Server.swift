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

/// Who may do what.
public struct AccessSettings: Sendable, Hashable {
    /// Auth tokens of the Twilio account; two while one replaces the other.
    public var twilioTokens: [String] = []
    /// Secrets of Twilio's shared keys, by id.
    public var twilioSharedKeys: [String: String] = [:]
    /// The Twilio account; empty when it is not known.
    public var twilioAccount = ""
    /// Whether streams and webhooks without a signature are taken from anywhere.
    public var allowsUnsigned = false
    /// What opens dashboard and API from elsewhere; nil keeps them to this machine.
    public var apiToken: String?
    /// Origins that web pages may call from.
    public var corsOrigins: [String] = []

    /// The defaults.
    public init() {}

    init(_ reader: inout SettingsReader, host: String) {
        for name in ["TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_SECONDARY"] {
            if let token = reader.secret(name) { twilioTokens.append(token) }
        }
        for pair in reader.list("TWILIO_SHARED_KEYS") ?? [] {
            let id = pair.prefix { $0 != "=" }
            let secret = pair.dropFirst(id.count + 1)
            if id.isEmpty || secret.isEmpty {
                reader.problems.append("TWILIO_SHARED_KEYS: is no list of id=secret (value not shown)")
            } else {
                twilioSharedKeys[String(id)] = String(secret)
            }
        }
        twilioAccount = reader.text("TWILIO_ACCOUNT_SID") ?? ""
        if !twilioAccount.isEmpty, !TwilioID.isAccount(twilioAccount) {
            reader.problems.append("TWILIO_ACCOUNT_SID: \"\(twilioAccount)\" is not AC and 32 hexadecimal digits")
        }
        apiToken = reader.secret("API_TOKEN", bytesMinimum: Self.apiTokenBytesMinimum)
        corsOrigins = reader.list("CORS_ORIGINS") ?? []
        for origin in corsOrigins where origin != "*" && (try? PublicOrigin(parsing: origin)) == nil {
            reader.problems.append("CORS_ORIGINS: \"\(origin)\" is not * or an origin such as https://a.example")
        }
        allowsUnsigned = reader.flag("ALLOW_UNSIGNED") ?? false
        tell(&reader, isLocal: Self.isLoopback(host))
    }

    private static let apiTokenBytesMinimum = 16

    /// What stands open, and what is closed that somebody may wonder about.
    private func tell(_ reader: inout SettingsReader, isLocal: Bool) {
        let checks = !twilioTokens.isEmpty || !twilioSharedKeys.isEmpty
        if allowsUnsigned, checks {
            reader.problems.append("ALLOW_UNSIGNED: \"yes\" contradicts TWILIO_AUTH_TOKEN, which asks for signatures")
        } else if allowsUnsigned {
            reader.notes.append("ALLOW_UNSIGNED=yes: whoever reaches the port can open calls that you pay for")
        } else if !checks, !isLocal {
            reader.notes.append(
                "TWILIO_AUTH_TOKEN is not set: only this machine may open calls; ALLOW_UNSIGNED=yes lets everybody"
            )
        }
        if apiToken == nil, !isLocal {
            reader.notes.append("API_TOKEN is not set: only this machine may use the API and see logs and metrics")
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

extension Settings {
    /// The least level of log lines.
    public var logLevel: Logger.Level { logging.level }

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
