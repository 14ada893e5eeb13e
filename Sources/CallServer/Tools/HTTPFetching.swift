/// A request to another server.
public struct OutboundRequest: Sendable, Hashable {
    /// A header.
    public struct Header: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// A header.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The method.
    public var method: String
    /// Whom to ask.
    public var server: OutboundServer
    /// Path and query, encoded.
    public var target: String
    /// Headers.
    public var headers: [Header] = []
    /// The body; empty for none.
    public var body: [UInt8] = []
    /// How long it may take in all, in milliseconds.
    public var timeoutMilliseconds = 10_000
    /// Bytes of an answer; a longer one is cut off and is an error.
    public var answerBytesMaximum = 64 * 1024

    /// A request.
    public init(method: String = "GET", server: OutboundServer, target: String) {
        self.method = method
        self.server = server
        self.target = target
    }
}

/// A server that may be asked; it comes from a configuration, never from a model.
public struct OutboundServer: Sendable, Hashable {
    /// Whether with TLS.
    public var isSecure: Bool
    /// The host; an IPv6 address without brackets.
    public var host: String
    /// The port.
    public var port: Int
    /// Whether it may have an address of a private network.
    public var mayBePrivate: Bool

    /// A server.
    public init(isSecure: Bool = true, host: String, port: Int? = nil, mayBePrivate: Bool = false) {
        self.isSecure = isSecure
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        self.mayBePrivate = mayBePrivate
    }

    /// Scheme, host and port as they stand in a URL.
    public var origin: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(host):\(port)"
    }
}

/// What a server answered.
public struct OutboundAnswer: Sendable, Hashable {
    /// The status.
    public var status: Int
    /// `Content-Encoding`; nil for none.
    public var encoding: String?
    /// The body.
    public var body: [UInt8]

    /// An answer.
    public init(status: Int, encoding: String? = nil, body: [UInt8] = []) {
        self.status = status
        self.encoding = encoding
        self.body = body
    }
}

/// Why there is no answer. The raw value is what a model and a metric are told.
public enum OutboundFailure: String, Error, Sendable, Hashable, CaseIterable {
    /// The name of the host is none, or unknown.
    case unresolved
    /// The host has an address of a private network, and must not.
    case privateAddress = "private_address"
    /// Nobody answered at the address, or the connection broke.
    case unreachable
    /// TLS was not settled.
    case tls
    /// It took too long.
    case timeout
    /// The answer is too long.
    case tooLarge = "too_large"
    /// What came is no HTTP.
    case malformed
}

/// Asks other servers. Redirects are not followed, and the address that was checked is the one that is connected to.
public protocol HTTPFetching: Sendable {
    /// Sends a request and gathers the answer.
    func fetch(_ request: OutboundRequest) async throws(OutboundFailure) -> OutboundAnswer
}
