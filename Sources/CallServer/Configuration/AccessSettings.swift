import Trunk
public import WebServer

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
    /// What opens dashboard and API from elsewhere; without any they are this machine's.
    public var credentials: [Credential] = []
    /// Bounds of logins and of wrong tokens.
    public var logins = LoginLimits()
    /// Addresses and networks of proxies whose word for the client's address is taken, beside this machine's own.
    public var proxies: [AddressRange] = []
    /// Origins that web pages may call from.
    public var corsOrigins: [String] = []

    /// The token that API_TOKEN or VIEWER_TOKEN gave.
    func secret(of name: String) -> String { credentials.first { $0.visitor.name == name }?.secret ?? "" }

    /// Those that USERS gave.
    var users: [Credential] { credentials.filter { !["api", "viewer"].contains($0.visitor.name) } }

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
        readCredentials(&reader)
        for text in reader.list("TRUSTED_PROXIES") ?? [] {
            if let range = AddressRange(text) {
                proxies.append(range)
            } else {
                reader.problems.append("TRUSTED_PROXIES: \"\(text)\" is no address such as 10.0.0.1 or 10.0.0.0/8")
            }
        }
        corsOrigins = reader.list("CORS_ORIGINS") ?? []
        for origin in corsOrigins where origin != "*" && (try? PublicOrigin(parsing: origin)) == nil {
            reader.problems.append("CORS_ORIGINS: \"\(origin)\" is not * or an origin such as https://a.example")
        }
        allowsUnsigned = reader.flag("ALLOW_UNSIGNED") ?? false
        tell(&reader, isLocal: Self.isLoopback(host))
    }

    private static let tokenBytesMinimum = 16

    private mutating func readCredentials(_ reader: inout SettingsReader) {
        for (name, who) in [("API_TOKEN", Visitor("api", .operator)), ("VIEWER_TOKEN", Visitor("viewer", .viewer))] {
            guard let secret = reader.secret(name, bytesMinimum: Self.tokenBytesMinimum) else { continue }
            credentials.append(Credential(who, secret: secret))
        }
        for entry in reader.list("USERS") ?? [] {
            let parts = entry.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(\.trimmed)
            guard parts.count == 3, !parts[0].isEmpty, let role = Visitor.Role(rawValue: parts[1].lowercased()),
                parts[2].utf8.count >= Self.tokenBytesMinimum
            else {
                reader.problems.append(
                    "USERS: is no list of name:viewer:token or name:operator:token with tokens of at least "
                        + "\(Self.tokenBytesMinimum) characters (value not shown)"
                )
                continue
            }
            credentials.append(Credential(Visitor(parts[0], role), secret: parts[2]))
        }
    }

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
        if credentials.isEmpty, !isLocal {
            reader.notes.append("API_TOKEN is not set: only this machine may use dashboard, API, logs and metrics")
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
