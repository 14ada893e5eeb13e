public import HTTPTypes
public import RealtimeProtocol

/// A request with its whole body, as handlers see it.
public struct WebRequest: Sendable {
    /// Its method.
    public var method: HTTPRequest.Method
    /// Path and query, as they were sent.
    public let target: String
    /// The path, without the query.
    public var path: String
    /// The query's parameters, decoded; the first of each name.
    public var query: [String: String]
    /// Whether the query is text at all: UTF-8 without NUL once decoded.
    public let hasReadableQuery: Bool
    /// Its headers; the host stands in `host`.
    public var headers: HTTPFields
    /// The `Host` that the client named, with its port.
    public var host: String
    /// What stands in the route's braces.
    public var parameters: [String: String] = [:]
    /// The body.
    public var body: [UInt8] = []
    /// The address that the connection comes from, without a port.
    public var peer: String
    /// Whether the connection ends with our own TLS.
    public var isSecure = false
    /// Who asks; nil when that is not known.
    public var visitor: Visitor?
    /// Whether that was asked: a wrong token counts once for each request.
    var isIdentified = false

    /// Makes a request.
    ///
    /// - Parameters:
    ///   - method: Its method.
    ///   - target: Path and query, as sent.
    ///   - host: The host that the client named.
    ///   - headers: Its headers.
    ///   - peer: The address that it comes from.
    public init(
        method: HTTPRequest.Method,
        target: String,
        host: String,
        headers: HTTPFields = HTTPFields(),
        peer: String = ""
    ) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        self.target = target
        path = String(parts.first ?? "/")
        let fields = parts.count < 2 ? FormFields() : try? FormFields(parsing: parts[1].utf8)
        query = (fields ?? FormFields()).firstValues
        hasReadableQuery = fields != nil
        self.host = host
        self.headers = headers
        self.peer = peer
    }

    /// Whether the connection comes from this machine and nobody is known to have passed the request on.
    public var isLocal: Bool {
        guard peer.hasPrefix("127.") || peer == "::1" else { return false }
        return Self.forwarding.allSatisfy { !headers.contains($0) }
    }

    /// Whether this machine itself asks, and no page that a browser on it shows: those name their origin. A name that is
    /// not an address may have been pointed here by a stranger's page (DNS rebinding).
    public var isFromThisMachine: Bool { headers[.origin] == nil && isAtThisMachine }

    /// Whether the connection comes from this machine, to an address of its own.
    var isAtThisMachine: Bool {
        guard isLocal else { return false }
        let name = HostText.host(host)
        return name == "localhost" || name.hasPrefix("[") || name.allSatisfy { $0.isNumber || $0 == "." }
    }

    /// The body as a form (`application/x-www-form-urlencoded`); the first value of each name. Empty when it is none.
    public var form: [String: String] { ((try? FormFields(parsing: body)) ?? FormFields()).firstValues }

    /// The media type of the body, in lower case and without parameters; empty when it is not named.
    public var mediaType: String {
        let value = headers[.contentType] ?? ""
        return value.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    /// A cookie's value.
    public func cookie(_ name: String) -> String? {
        for line in headers[values: .cookie] {
            for pair in line.split(separator: ";") {
                let pair = pair.drop { $0 == " " || $0 == "\t" }
                if pair.hasPrefix("\(name)=") { return String(pair.dropFirst(name.utf8.count + 1)) }
            }
        }
        return nil
    }

    /// What proxies and tunnels add to the requests that they pass on.
    static let forwarding: [HTTPField.Name] = [
        "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
        "cf-connecting-ip", "true-client-ip",
    ].compactMap { HTTPField.Name($0) }
}

/// A body that is made while it is sent: piece by piece, each asked for when the one before was taken.
public struct BodyStream: Sendable {
    /// Its bytes in all, when that is known.
    public var length: Int?
    /// The next piece; nil at the end.
    public var next: @Sendable () async throws -> [UInt8]?

    /// A body.
    public init(length: Int? = nil, next: @escaping @Sendable () async throws -> [UInt8]?) {
        self.length = length
        self.next = next
    }
}

/// What a handler answers.
public struct WebResponse: Sendable {
    /// The status.
    public var status: HTTPResponse.Status
    /// Its headers, without those that follow from the body.
    public var headers: HTTPFields
    /// The body.
    public var body: [UInt8]
    /// The body, when it is made while it is sent; `body` is empty then.
    public var stream: BodyStream?

    /// Makes a response.
    public init(status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A text of some type.
    public static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> WebResponse {
        WebResponse(status: status, headers: [.contentType: type], body: Array(text.utf8))
    }

    /// A JSON document.
    public static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> WebResponse {
        WebResponse(status: status, headers: [.contentType: "application/json"], body: value.encode())
    }

    /// What went wrong, in the shape that clients of the reference bridges know.
    public static func problem(_ status: HTTPResponse.Status, _ detail: String) -> WebResponse {
        json(["detail": .string(detail)], status: status)
    }

    /// What is wrong with a body: in a line, and each thing by itself.
    public static func wrong(_ detail: String, _ problems: [String]) -> WebResponse {
        json(
            ["detail": .string(detail), "problems": .array(problems.map(JSONValue.string))],
            status: .unprocessableContent
        )
    }
}

/// Thrown by a handler: the answer is this status with these words.
public struct WebError: Error, Sendable {
    /// The status.
    public let status: HTTPResponse.Status
    /// What the client is told.
    public let detail: String

    /// Makes an error.
    public init(_ status: HTTPResponse.Status, _ detail: String) {
        self.status = status
        self.detail = detail
    }
}
