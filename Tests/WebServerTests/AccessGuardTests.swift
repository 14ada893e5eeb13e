import HTTPTypes
import Testing
import WebServer

/// Who gets in: tokens, logins, this machine, and what pages of other sites may not do.
@Suite struct AccessGuardTests {
    private static let secrets = (operator: "operator-0123456789", viewer: "viewer-0123456789ab")

    private static func guardian(_ limits: LoginLimits = LoginLimits()) -> AccessGuard {
        AccessGuard(
            [
                Credential(Visitor("anna", .operator), secret: secrets.operator),
                Credential(Visitor("ben", .viewer), secret: secrets.viewer),
                Credential(Visitor("nobody", .operator), secret: ""),
            ],
            origins: CORSPolicy(["https://friend.example"]),
            limits: limits
        )
    }

    private static func request(
        _ method: HTTPRequest.Method = .get,
        peer: String = "192.0.2.7",
        host: String = "a.example",
        headers: HTTPFields = HTTPFields()
    ) -> WebRequest {
        WebRequest(method: method, target: "/calls", host: host, headers: headers, peer: peer)
    }

    @Test(
        arguments: [
            (secrets.operator, Route.Access.viewer, nil), (secrets.operator, .operate, nil),
            (secrets.viewer, .viewer, nil),
            (secrets.viewer, .operate, 403), ("", .viewer, 401), ("wrong", .viewer, 401),
            (String(repeating: "x", count: 10_000), .viewer, 401),
        ] as [(String, Route.Access, Int?)]
    )
    func tokensHaveRoles(token: String, access: Route.Access, status: Int?) {
        let request = Self.request(.post, headers: [.authorization: "Bearer \(token)"])
        #expect(Self.guardian().refusal(of: request, access: access)?.status.code == status)
    }

    private static func cookie(_ guardian: AccessGuard, _ secret: String) throws -> String {
        guard case .welcome(_, let id) = guardian.login(secret, from: "192.0.2.7") else { throw Wrong() }
        return "\(AccessGuard.cookie)=\(id)"
    }

    private struct Wrong: Error {}

    @Test func aLoginHoldsUntilItsEnd() throws {
        let guardian = Self.guardian()
        let cookie = try Self.cookie(guardian, Self.secrets.viewer)
        let look = Self.request(headers: [.cookie: "a=b; \(cookie)"])
        #expect(guardian.visitor(of: look)?.name == "ben")
        #expect(guardian.refusal(of: look, access: .viewer) == nil)
        #expect(guardian.refusal(of: look, access: .operate)?.status == .forbidden)
        guardian.logout(look)
        #expect(guardian.refusal(of: look, access: .viewer)?.status == .unauthorized)
        let header = guardian.setCookie("id", isSecure: true)
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "; Secure"] { #expect(header.contains(part)) }
    }

    /// A cookie comes along whoever made the browser ask.
    @Test(
        arguments: [
            ("https://a.example", nil), ("https://a.example:8443", nil), ("https://friend.example", nil),
            ("https://evil.example", 403), ("null", 403), ("", 401),
        ] as [(String, Int?)]
    )
    func cookiesActForOwnPagesOnly(origin: String, status: Int?) throws {
        let guardian = Self.guardian()
        var headers: HTTPFields = [.cookie: try Self.cookie(guardian, Self.secrets.operator)]
        if !origin.isEmpty { headers[.origin] = origin }
        #expect(guardian.refusal(of: Self.request(.post, headers: headers), access: .operate)?.status.code == status)
        headers[.upgrade] = "websocket"
        #expect(guardian.refusal(of: Self.request(.get, headers: headers), access: .viewer)?.status.code == status)
    }

    @Test(
        arguments: [
            ("127.0.0.1", "localhost:5050", nil, nil), ("::1", "[::1]:5050", nil, nil),
            ("127.0.0.1", "evil.example", nil, 401),
            ("127.0.0.1", "localhost", "198.51.100.1", 401), ("192.0.2.7", "localhost", nil, 401),
        ] as [(String, String, String?, Int?)]
    )
    func thisMachineIsTrusted(peer: String, host: String, forwarded: String?, status: Int?) {
        var headers = HTTPFields()
        if let forwarded { headers[HTTPField.Name("X-Forwarded-For")!] = forwarded }
        let request = Self.request(.post, peer: peer, host: host, headers: headers)
        #expect(Self.guardian().refusal(of: request, access: .operate)?.status.code == status)
    }

    @Test func guessersMustWait() {
        let guardian = Self.guardian()
        var outcomes: [String] = []
        for number in 0..<1_000 {
            switch guardian.login("guess \(number)", from: "192.0.2.7") {
            case .welcome: outcomes.append("in")
            case .wrong: outcomes.append("wrong")
            case .later: outcomes.append("later")
            }
        }
        #expect(outcomes.prefix(5).allSatisfy { $0 == "wrong" } && outcomes.dropFirst(5).allSatisfy { $0 == "later" })
        // Even the right one is not looked at; from another address it is.
        guard case .later = guardian.login(Self.secrets.operator, from: "192.0.2.7") else {
            return #expect(Bool(false))
        }
        guard case .welcome = guardian.login(Self.secrets.operator, from: "192.0.2.8") else {
            return #expect(Bool(false))
        }
        #expect(guardian.counters.delayed == 996)
    }

    @Test func sessionsAreBoundedAndEnd() {
        var limits = LoginLimits()
        limits.sessions = 3
        limits.sessionMilliseconds = 1_000
        limits.addresses = 2
        var sessions = LoginSessions(limits: limits)
        for number in 0..<5 { sessions.begin(Visitor("v\(number)", .viewer), id: "\(number)", now: 0) }
        #expect(sessions.visitor("1", now: 0) == nil && sessions.visitor("4", now: 999)?.name == "v4")
        #expect(sessions.visitor("4", now: 1_000) == nil)
        #expect(sessions.counters.endedEarly == 2)
    }

    /// One who guesses keeps nobody else out, and a flood of addresses does not make room for more guesses of the last ones.
    @Test func guessersAreToldApart() {
        var limits = LoginLimits()
        limits.addresses = 2
        var sessions = LoginSessions(limits: limits)
        for number in 0..<1_000 { sessions.failed(from: "192.0.2.\(number % 200)", now: Int64(number)) }
        #expect(!sessions.mustWait("198.51.100.1", now: 1_000))
        for _ in 0..<5 { sessions.failed(from: "2001:db8:1:2::1", now: 2_000) }
        // A network of somebody's own counts as one.
        #expect(sessions.mustWait("2001:db8:1:2:ffff::9", now: 2_001))
        #expect(!sessions.mustWait("2001:db8:1:3::1", now: 2_001) && !sessions.mustWait("192.0.2.1", now: 2_001))
        #expect(!sessions.mustWait("2001:db8:1:2::1", now: 62_000))
    }

    /// Tokens are guessed as passwords are: each wrong one counts once, and then even the right one waits.
    @Test func wrongTokensMustWait() {
        let guardian = Self.guardian()
        let wrong = Self.request(headers: [.authorization: "Bearer wrong"])
        let right = Self.request(headers: [.authorization: "Bearer \(Self.secrets.operator)"])
        #expect(guardian.refusal(of: right, access: .viewer) == nil)
        let statuses = (0..<7).map { _ in guardian.refusal(of: wrong, access: .viewer)?.status.code }
        #expect(statuses == [401, 401, 401, 401, 429, 429, 429])
        #expect(guardian.refusal(of: right, access: .viewer)?.headers[.retryAfter] == "60")
        let elsewhere = Self.request(peer: "192.0.2.8", headers: right.headers)
        #expect(guardian.refusal(of: elsewhere, access: .viewer) == nil)
        #expect(guardian.counters.failures == 5)
    }
}
