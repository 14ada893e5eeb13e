import CallServer
import RealtimeProtocol
import TestSupport
import Testing

/// Logging in over HTTP, and what viewers and operators may do.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LoginTests {
    private static let settings = [
        "API_TOKEN": "operator-0123456789", "VIEWER_TOKEN": "viewer-0123456789ab",
        "USERS": "anna:operator:anna-0123456789abc,ben:viewer:ben-0123456789abcd",
    ]
    private static let outside = "X-Forwarded-For: 192.0.2.1"

    private static func cookie(_ server: ServerFixture, _ token: String) async throws -> String {
        let answer = try await server.ask(
            "POST",
            "/login",
            headers: [outside, "X-Forwarded-Proto: https", "Content-Type: application/json"],
            host: "a.example",
            body: #"{"token":"\#(token)"}"#
        )
        let header = try #require(answer.headers["set-cookie"])
        for part in ["HttpOnly", "SameSite=Strict", "Secure"] { #expect(header.contains(part)) }
        return "Cookie: " + header.prefix { $0 != ";" }
    }

    @Test func rolesHoldOverHTTP() async throws {
        let server = try await ServerFixture(Self.settings)
        let paths = ["/calls", "/calls/CA1/hangup"]
        for (token, statuses) in [
            ("operator-0123456789", [200, 404]), ("viewer-0123456789ab", [200, 403]),
            ("ben-0123456789abcd", [200, 403]),
            ("wrong", [401, 401]),
        ] {
            for (path, status) in zip(paths, statuses) {
                let method = path.hasSuffix("hangup") ? "POST" : "GET"
                let headers = [Self.outside, "Authorization: Bearer \(token)"]
                #expect(try await server.ask(method, path, headers: headers).status == status, "\(token) \(path)")
            }
        }
        await server.stop()
    }

    @Test func aSessionActsForItsOwnPageOnly() async throws {
        let server = try await ServerFixture(Self.settings)
        let cookie = try await Self.cookie(server, "anna-0123456789abc")
        let who = try await server.ask("GET", "/session", headers: [Self.outside, cookie], host: "a.example")
        #expect(who.text == #"{"user":"anna","role":"operator","can_log_in":true}"#)
        #expect(
            try await server.ask("GET", "/calls", headers: [Self.outside, cookie], host: "a.example").status == 200
        )
        for (origin, status) in [
            ("Origin: https://a.example", 404), ("Origin: https://evil.example", 403), ("Origin: null", 403),
            ("X-None: 1", 401),
        ] {
            let answer = try await server.ask(
                "POST",
                "/calls/CA1/hangup",
                headers: [Self.outside, cookie, origin],
                host: "a.example"
            )
            #expect(answer.status == status, "\(origin)")
            let viewer = try await server.viewer("/ws/logs", headers: "\(Self.outside)\r\n\(cookie)\r\n\(origin)\r\n")
            let opened = await viewer.read { $0.count > 12 }
            // The upgrade names another host, which is whose page must ask.
            #expect(String(decoding: opened, as: UTF8.self).hasPrefix("HTTP/1.1 101") == false)
        }
        _ = try await server.ask("POST", "/logout", headers: [Self.outside, cookie], host: "a.example")
        #expect(
            try await server.ask("GET", "/calls", headers: [Self.outside, cookie], host: "a.example").status == 401
        )
        await server.stop()
    }

    /// `/session` tells who asks: it must not be the place to guess tokens, and behind a proxy clients are told apart.
    @Test func wrongTokensMustWait() async throws {
        let server = try await ServerFixture(Self.settings)
        func ask(_ path: String, _ token: String, from address: String) async throws -> HTTPAnswer {
            let headers = ["X-Forwarded-For: \(address)", "Authorization: Bearer \(token)"]
            return try await server.ask("GET", path, headers: headers)
        }
        for number in 0..<5 { _ = try await ask("/session", "guess \(number)", from: "192.0.2.1") }
        #expect(try await ask("/session", "operator-0123456789", from: "192.0.2.1").text.contains(#""user":null"#))
        let waits = try await ask("/calls", "operator-0123456789", from: "192.0.2.1")
        #expect(waits.status == 429 && waits.headers["retry-after"] == "60")
        #expect(try await ask("/calls", "operator-0123456789", from: "192.0.2.2").status == 200)
        #expect(try await server.ask("GET", "/calls").status == 200, "this machine knows no token and needs none")
        await server.stop()
    }

    @Test func guessersMustWait() async throws {
        let server = try await ServerFixture(Self.settings)
        var statuses: [Int] = []
        for number in 0..<8 {
            let body = #"{"token":"guess \#(number)"}"#
            statuses.append(try await server.ask("POST", "/login", headers: [Self.outside], body: body).status)
        }
        #expect(statuses == [401, 401, 401, 401, 401, 429, 429, 429])
        let evil = ["Origin: https://evil.example"]
        #expect(try await server.ask("POST", "/login", headers: evil, body: #"{"token":"x"}"#).status == 403)
        #expect(try await server.ask("POST", "/login", body: "{}").status == 422)
        await server.stop()
    }
}
