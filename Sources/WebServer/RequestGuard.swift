import Glibc
import HTTPTypes
import Trunk

/// Decides who may use what is not open to everybody.
public protocol RequestGuard: Sendable {
    /// Who asks; nil when that is not known.
    func visitor(of request: WebRequest) -> Visitor?
    /// The answer that turns a request away, or nil when it may pass.
    func refusal(of request: WebRequest, access: Route.Access) -> WebResponse?
}

/// Lets in who is on this machine, knows a token, or has logged in with one.
public final class AccessGuard: RequestGuard {
    /// The cookie of a login.
    public static let cookie = "trunkline_session"

    private let credentials: [Credential]
    private let origins: CORSPolicy
    private let limits: LoginLimits
    private let address: @Sendable (WebRequest) -> String
    private let sessions: Locked<LoginSessions>

    /// Makes a guard; without credentials only peers on this machine pass.
    ///
    /// - Parameters:
    ///   - credentials: Who is let in.
    ///   - origins: Other sites whose pages may ask.
    ///   - limits: Bounds.
    ///   - address: Where a request comes from; behind a proxy that is not the connection's peer.
    public init(
        _ credentials: [Credential] = [],
        origins: CORSPolicy = CORSPolicy(),
        limits: LoginLimits = LoginLimits(),
        address: @escaping @Sendable (WebRequest) -> String = { $0.peer }
    ) {
        self.credentials = credentials.filter { !$0.secret.isEmpty }
        self.origins = origins
        self.limits = limits
        self.address = address
        sessions = Locked(LoginSessions(limits: limits))
    }

    /// What was counted of logins.
    public var counters: LoginSessions.Counters { sessions.withLock { $0.counters } }

    /// Whether anybody can log in at all.
    public var hasCredentials: Bool { !credentials.isEmpty }

    /// By token, by session, by being here; in this order. A wrong token is an attempt like a wrong password, and while an
    /// address must wait none is looked at.
    public func visitor(of request: WebRequest) -> Visitor? {
        bearer(request).flatMap { visitor(bringing: $0, from: address(request)) } ?? session(request)
            ?? (isTrustedLocally(request) ? .local : nil)
    }

    private func visitor(bringing secret: String, from address: String) -> Visitor? {
        let now = MonotonicClock.milliseconds
        guard sessions.withLock({ $0.mayTry(from: address, now: now) }) else { return nil }
        let visitor = visitor(knowing: secret)
        if visitor == nil { sessions.withLock { $0.failed(from: address, now: now) } }
        return visitor
    }

    /// Pages of other sites are refused even with a token: it is the browser that sends it.
    public func refusal(of request: WebRequest, access: Route.Access) -> WebResponse? {
        if access == .open { return nil }
        if !isOwnPage(request) { return .problem(.forbidden, "pages of other sites may not ask for this") }
        guard let visitor = request.isIdentified ? request.visitor : visitor(of: request) else {
            let mustWait = sessions.withLock { $0.mustWait(address(request), now: MonotonicClock.milliseconds) }
            if mustWait, bearer(request) != nil { return Self.later }
            var response = WebResponse.problem(.unauthorized, "a bearer token is wanted, or a login")
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
        return visitor.may(access) ? nil : .problem(.forbidden, "\(visitor.name) may look, but not act")
    }

    /// The answer to who must wait.
    public static var later: WebResponse {
        var response = WebResponse.problem(.tooManyRequests, "too many wrong tokens: wait a minute")
        response.headers[.retryAfter] = "60"
        return response
    }

    // MARK: - Logging in

    /// What came of a login.
    public enum LoginOutcome: Sendable {
        /// Who it is, and the cookie's value.
        case welcome(Visitor, id: String)
        /// The password is none.
        case wrong
        /// Too many wrong ones: not looked at.
        case later
    }

    /// Checks a password.
    public func login(_ secret: String, from address: String) -> LoginOutcome {
        let now = MonotonicClock.milliseconds
        guard sessions.withLock({ $0.mayTry(from: address, now: now) }) else { return .later }
        guard let visitor = visitor(knowing: secret) else {
            sessions.withLock { $0.failed(from: address, now: now) }
            return .wrong
        }
        let id = Self.unguessable()
        sessions.withLock { $0.begin(visitor, id: id, now: now) }
        return .welcome(visitor, id: id)
    }

    /// Ends a login.
    public func logout(_ request: WebRequest) {
        guard let id = request.cookie(Self.cookie) else { return }
        sessions.withLock { $0.end(id) }
    }

    /// Whether a page of another site asks.
    public func isFromAnotherSite(_ request: WebRequest) -> Bool { !isOwnPage(request) }

    /// The header that sets the cookie; an empty id takes it away.
    public func setCookie(_ id: String, isSecure: Bool) -> String {
        let age = id.isEmpty ? 0 : limits.sessionMilliseconds / 1_000
        return "\(Self.cookie)=\(id); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(age)\(isSecure ? "; Secure" : "")"
    }

    // MARK: - Who it is

    /// Every secret is compared, whichever fits: the time tells nothing.
    private func visitor(knowing secret: String) -> Visitor? {
        var found: Visitor?
        for credential in credentials where ConstantTime.isEqual(credential.secret, secret) {
            found = found ?? credential.visitor
        }
        return found
    }

    private func bearer(_ request: WebRequest) -> String? {
        guard let given = request.headers[.authorization] else { return nil }
        let parts = given.split(separator: " ", maxSplits: 1)
        return parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : nil
    }

    /// A cookie comes along whoever made the browser ask. Where something is done, or a socket opened, the browser must
    /// name a page of ours.
    private func session(_ request: WebRequest) -> Visitor? {
        guard let id = request.cookie(Self.cookie) else { return nil }
        let changes = request.method != .get && request.method != .head
        if changes || request.headers[.upgrade] != nil, request.headers[.origin] == nil { return nil }
        return sessions.withLock { $0.visitor(id, now: MonotonicClock.milliseconds) }
    }

    /// A browser names the site whose page asks: another site's page must not use what its reader is trusted with.
    private func isOwnPage(_ request: WebRequest) -> Bool {
        guard let origin = request.headers[.origin] else { return true }
        if origins.allows(origin) { return true }
        guard let site = HostText.host(ofURL: origin) else { return false }
        return site == HostText.host(request.host)
    }

    /// Pages of other servers of this machine are strangers' pages, too: the port counts.
    private func isTrustedLocally(_ request: WebRequest) -> Bool {
        guard request.isAtThisMachine else { return false }
        guard let origin = request.headers[.origin] else { return true }
        return origins.allows(origin) || origin.lowercased().hasSuffix("://" + request.host.lowercased())
    }

    /// 256 random bits, as hexadecimal digits.
    private static func unguessable() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let text = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }
}

/// Hosts in headers and URLs.
public enum HostText {
    /// The host without its port, in lower case; an IPv6 address keeps its brackets.
    public static func host(_ text: some StringProtocol) -> String {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") { return text[...end].lowercased() }
        return text.split(separator: ":").first.map { $0.lowercased() } ?? ""
    }

    /// The network by which strangers are told apart: an IPv4 address, or the first 64 bits of an IPv6 one, of which
    /// everybody has as many as they like.
    public static func network(_ address: String) -> String {
        var bytes = in6_addr()
        guard address.contains(":"), inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
        let all = withUnsafeBytes(of: bytes) { Array($0) }
        // An IPv4 address in IPv6 clothes (RFC 4291, 2.5.5.2).
        if all.prefix(10).allSatisfy({ $0 == 0 }), all[10] == 0xFF, all[11] == 0xFF {
            return all[12...].map(String.init).joined(separator: ".")
        }
        let groups = stride(from: 0, to: 8, by: 2).map { String(Int(all[$0]) << 8 | Int(all[$0 + 1]), radix: 16) }
        return groups.joined(separator: ":") + "::/64"
    }

    /// The host of a URL with a scheme, without its port.
    static func host(ofURL url: String) -> String? {
        guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
        return host(url[start...].prefix { $0 != "/" })
    }
}
