import HTTPTypes

/// Decides who may use what is not open to everybody.
public protocol RequestGuard: Sendable {
    /// The answer that turns a request away, or nil when it may pass.
    func refusal(of request: WebRequest, access: Route.Access) -> WebResponse?
}

/// Lets in who is on this machine, or knows a token.
public struct TokenGuard: RequestGuard {
    private let token: [UInt8]
    private let origins: CORSPolicy

    /// Makes a guard; without a token only peers on this machine pass.
    public init(token: String?, origins: CORSPolicy = CORSPolicy()) {
        self.token = Array((token ?? "").utf8)
        self.origins = origins
    }

    /// Pages of other sites are refused even with a token: it is the browser that sends it.
    public func refusal(of request: WebRequest, access: Route.Access) -> WebResponse? {
        if access == .open { return nil }
        if !isOwnPage(request) { return .problem(.forbidden, "pages of other sites may not ask for this") }
        if hasToken(request) || isTrustedLocally(request) { return nil }
        var response = WebResponse.problem(.unauthorized, "a bearer token is wanted")
        response.headers[.wwwAuthenticate] = "Bearer"
        return response
    }

    /// A browser names the site whose page asks: another site's page must not use what its reader is trusted with.
    private func isOwnPage(_ request: WebRequest) -> Bool {
        guard let origin = request.headers[.origin] else { return true }
        if origins.allows(origin) { return true }
        guard let site = HostText.host(ofURL: origin) else { return false }
        return site == HostText.host(request.host)
    }

    /// A name that is not an address may have been pointed here by a stranger's page (DNS rebinding).
    private func isTrustedLocally(_ request: WebRequest) -> Bool {
        guard request.isLocal else { return false }
        let host = HostText.host(request.host)
        return host == "localhost" || host.hasPrefix("[") || host.allSatisfy { $0.isNumber || $0 == "." }
    }

    private func hasToken(_ request: WebRequest) -> Bool {
        guard !token.isEmpty, let given = request.headers[.authorization] else { return false }
        let parts = given.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return Self.isEqual(Array(parts[1].utf8), token)
    }

    /// Takes the same time wherever the two differ; their lengths are no secret.
    static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Hosts in headers and URLs.
public enum HostText {
    /// The host without its port, in lower case; an IPv6 address keeps its brackets.
    public static func host(_ text: some StringProtocol) -> String {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") { return text[...end].lowercased() }
        return text.split(separator: ":").first.map { $0.lowercased() } ?? ""
    }

    /// The host of a URL with a scheme, without its port.
    static func host(ofURL url: String) -> String? {
        guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
        return host(url[start...].prefix { $0 != "/" })
    }
}

/// Which other sites' pages may use the server (CORS, as in the Fetch standard).
public struct CORSPolicy: Sendable {
    /// Origins as browsers write them, such as `https://example.com`; `*` is all.
    public var origins: [String]

    /// Makes a policy; none is the default.
    public init(_ origins: [String] = []) { self.origins = origins }

    /// Whether a page of this origin is one of them. A list of all trusts none of them with what is not open.
    func allows(_ origin: String) -> Bool { origins.contains(origin) }

    /// Lets the browser hand the answer to the page.
    func mark(_ response: inout WebResponse, for request: WebRequest) {
        if origins.isEmpty { return }
        guard let origin = request.headers[.origin] else { return vary(&response) }
        if allows(origin) {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.accessControlAllowCredentials] = "true"
        } else if origins.contains("*") {
            response.headers[.accessControlAllowOrigin] = "*"
        }
        vary(&response)
    }

    private func vary(_ response: inout WebResponse) {
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
    }

    /// The answer to OPTIONS: what may be asked for.
    func preflight(_ request: WebRequest, _ methods: [HTTPRequest.Method]) -> WebResponse {
        let names = methods.map(\.rawValue).joined(separator: ", ")
        var response = WebResponse(status: .noContent, headers: [.allow: names])
        guard let origin = request.headers[.origin], allows(origin) || origins.contains("*") else { return response }
        response.headers[.accessControlAllowMethods] = names
        response.headers[.accessControlAllowHeaders] =
            request.headers[.accessControlRequestHeaders] ?? "Authorization, Content-Type"
        response.headers[.accessControlMaxAge] = "600"
        return response
    }
}
