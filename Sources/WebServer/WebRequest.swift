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
        query = parts.count < 2 ? [:] : FormText.parse(parts[1])
        self.host = host
        self.headers = headers
        self.peer = peer
    }

    /// Whether the connection comes from this machine and nobody is known to have passed the request on.
    public var isLocal: Bool {
        guard peer.hasPrefix("127.") || peer == "::1" else { return false }
        return Self.forwarding.allSatisfy { !headers.contains($0) }
    }

    /// The body as a form (`application/x-www-form-urlencoded`); the first value of each name.
    public var form: [String: String] { FormText.parse(String(decoding: body, as: UTF8.self)) }

    /// What proxies and tunnels add to the requests that they pass on.
    static let forwarding: [HTTPField.Name] = [
        "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
        "cf-connecting-ip", "true-client-ip",
    ].compactMap { HTTPField.Name($0) }
}

/// What a handler answers.
public struct WebResponse: Sendable {
    /// The status.
    public var status: HTTPResponse.Status
    /// Its headers, without those that follow from the body.
    public var headers: HTTPFields
    /// The body.
    public var body: [UInt8]

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

/// `application/x-www-form-urlencoded`, as in queries.
enum FormText {
    /// Names and values; the first of each name counts.
    static func parse(_ text: some StringProtocol) -> [String: String] {
        var values: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = decode(parts[0])
            if values[name] == nil { values[name] = parts.count < 2 ? "" : decode(parts[1]) }
        }
        return values
    }

    private static func decode(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var index = 0
        while index < source.count {
            let byte = source[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 2 <= source.count,
                let value = UInt8(String(decoding: source[index..<index + 2], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                index += 2
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
