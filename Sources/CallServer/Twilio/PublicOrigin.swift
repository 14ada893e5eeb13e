import CallBridge

/// Where the outside world finds this server: scheme, host and port.
public struct PublicOrigin: Sendable, Hashable {
    /// Why a URL is none.
    public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is wrong and what is expected.
        public let description: String
    }

    /// Whether it is `https`.
    public var isSecure: Bool
    /// The host; an IPv6 address without brackets.
    public var host: String
    /// The port when it was given.
    public var port: Int?
    /// The path before our own paths, without a slash at the end; empty for none.
    public var prefix: String

    /// An origin.
    public init(isSecure: Bool = true, host: String, port: Int? = nil, prefix: String = "") {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.prefix = prefix
    }

    /// Reads a URL such as `https://bridge.example.com`.
    ///
    /// - Parameters:
    ///   - url: The URL; `wss` and `ws` count as `https` and `http`, a host without a scheme as `https`.
    ///   - keepsPath: Whether its path goes before our own paths; otherwise it is dropped.
    public init(parsing url: String, keepsPath: Bool = false) throws(Failure) {
        func failure(_ text: String) -> Failure { Failure(description: "\(text); expected https://host[:port]") }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw failure("has spaces or other characters") }
        var rest = url[...]
        var isSecure = true
        if let separator = url.firstRange(ofText: "://") {
            switch url[..<separator.lowerBound].lowercased() {
            case "https", "wss": isSecure = true
            case "http", "ws": isSecure = false
            default: throw failure("scheme is not https")
            }
            rest = url[separator.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else { throw failure("holds a user name") }
        guard let (host, port) = URLParts.split(authority: authority), Self.isHost(host) else {
            throw failure("has no valid host and port")
        }
        var path = rest.dropFirst(authority.count).prefix { $0 != "?" && $0 != "#" }
        while path.hasSuffix("/") { path = path.dropLast() }
        self.init(isSecure: isSecure, host: host, port: port, prefix: keepsPath ? String(path) : "")
    }

    /// Letters, digits, points, hyphens, underscores; colons for IPv6. What a header claims goes into a document.
    private static func isHost(_ host: String) -> Bool {
        host.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: ":"):
                true
            default: false
            }
        }
    }

    /// The host as it stands in a URL.
    var hostInURL: String { host.contains(":") ? "[\(host)]" : host }

    private var authority: String { hostInURL + (port.map { ":\($0)" } ?? "") }

    /// The address of a WebSocket of ours for a carrier: `wss`, whatever the scheme, since carriers refuse `ws`.
    public func streamURL(path: String) -> String { "wss://\(authority)\(prefix)\(path)" }

    /// The address of a page of ours.
    public func pageURL(path: String) -> String { "\(isSecure ? "https" : "http")://\(authority)\(prefix)\(path)" }
}

/// What a request says of the address it was sent to.
public struct RequestOrigin: Sendable, Hashable {
    /// `Host`.
    public var host: String?
    /// `X-Forwarded-Host`.
    public var forwardedHost: String?
    /// `X-Forwarded-Proto`.
    public var forwardedProtocol: String?
    /// Whether we ended its TLS ourselves.
    public var isSecure: Bool
    /// Whether it came from a proxy of ours.
    public var comesFromProxy: Bool

    /// What a request says.
    public init(
        host: String?,
        forwardedHost: String? = nil,
        forwardedProtocol: String? = nil,
        isSecure: Bool = false,
        comesFromProxy: Bool = false
    ) {
        self.host = host
        self.forwardedHost = forwardedHost
        self.forwardedProtocol = forwardedProtocol
        self.isSecure = isSecure
        self.comesFromProxy = comesFromProxy
    }
}

extension PublicOrigin {
    /// The origin to sign for and to name in documents: the configured one whatever a request says; without one what
    /// our own proxy says, and then `Host`, both with their port.
    public static func of(_ request: RequestOrigin, configured: PublicOrigin?) -> PublicOrigin? {
        if let configured { return configured }
        var isSecure = request.isSecure
        var host = request.host
        if request.comesFromProxy {
            // Of a list the first was added by the proxy nearest to the client.
            if let forwarded = request.forwardedHost?.split(separator: ",").first { host = forwarded.trimmed }
            if let scheme = request.forwardedProtocol?.split(separator: ",").first {
                isSecure = scheme.trimmed.lowercased() == "https" || scheme.trimmed.lowercased() == "wss"
            }
        }
        guard let host, !host.contains("/"),
            var origin = try? PublicOrigin(parsing: "https://\(host)")
        else { return nil }
        origin.isSecure = isSecure
        return origin
    }
}
