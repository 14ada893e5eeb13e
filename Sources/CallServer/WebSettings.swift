import HTTPTypes
public import WebServer

/// Which bridge's answers the server gives, where they differ.
public enum Compatibility: String, Sendable, CaseIterable {
    /// Twilio's speech assistant, as most bridges were written after it.
    case bridge
    /// The FastAPI bridge.
    case fastapi
    /// OpenAI's demo.
    case demo
}

/// What the HTTP side of a server is told.
public struct WebSettings: Sendable {
    /// Whose answers are given.
    public var compatibility = Compatibility.bridge
    /// The address under which Twilio reaches us; nil takes it from each request.
    public var publicURL: String?
    /// Opens what is not for everybody; nil: only peers on this machine see it.
    public var token: String?
    /// Other sites whose pages may use the server.
    public var origins: [String] = []
    /// The TwiML document, with `{{WS_URL}}` for the stream's address; nil is the one of `compatibility`.
    public var twiml: String?
    /// Between two looks at the machine's health, seconds.
    public var healthSeconds = 30
    /// People who watch on `/ws/logs` at once.
    public var viewersMax = 64
    /// Limits of the HTTP server.
    public var service = WebService.Configuration()

    /// The defaults.
    public init() {}

    init(_ reader: inout SettingsReader) {
        compatibility =
            reader.choice("COMPAT", Compatibility.allCases.map { ($0.rawValue, $0) }) ?? compatibility
        publicURL = reader.text("PUBLIC_URL")
        if let url = publicURL, StreamURL(publicURL: url) == nil {
            reader.problems.append("PUBLIC_URL: \"\(url)\" is not the URL of a host, such as https://example.com")
        }
        token = reader.text("API_TOKEN")
        origins = (reader.text("CORS_ORIGINS") ?? "").split { $0 == "," || $0 == " " }.map(String.init)
        service.origins = CORSPolicy(origins)
        healthSeconds = reader.number("HEALTH_CHECK_INTERVAL", 1...3_600) ?? healthSeconds
        viewersMax = reader.number("LOG_VIEWERS_MAX", 0...10_000) ?? viewersMax
        service.connectionsMax = reader.number("HTTP_CONNECTIONS_MAX", 1...100_000) ?? service.connectionsMax
    }
}

/// The address of a media stream, made of what is known of our own name.
struct StreamURL {
    /// The host, with its port when there is one.
    let host: String

    /// Of the public URL; its path is not part of it.
    init?(publicURL: String) {
        guard let start = publicURL.firstRange(of: "://")?.upperBound else { return nil }
        let host = publicURL[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard ["http", "https", "ws", "wss"].contains(publicURL[..<start].dropLast(3).lowercased()) else { return nil }
        self.init(host: String(host))
    }

    /// Of a request: what a proxy was asked for, else what we were.
    init?(_ request: WebRequest) {
        let forwarded = request.headers[.forwardedHost].flatMap { $0.split(separator: ",").first }
        if let forwarded, let url = StreamURL(host: forwarded.filter { $0 != " " }) {
            self = url
        } else {
            self.init(host: request.host)
        }
    }

    private init?(host: String) {
        let isHost = host.utf8.allSatisfy {
            ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || ($0 >= 0x30 && $0 <= 0x3A) || ".-_[]".utf8.contains($0)
        }
        guard isHost, !host.isEmpty, host.utf8.count <= 255 else { return nil }
        self.host = host
    }

    /// The address of a stream's path.
    func stream(_ path: String) -> String { "wss://\(host)\(path)" }
}
