import Foundation
import RealtimeProtocol
import ServiceLifecycle
import TestSupport
import Testing
import Trunk
import WebServer

/// Methods, bodies, headers and access.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RequestTests {
    @Test(
        arguments: [
            ("GET", "/none", 404, nil), ("POST", "/hello", 405, "GET, HEAD, OPTIONS"),
            ("OPTIONS", "/hello", 204, "GET, HEAD, OPTIONS"),
            ("HEAD", "/hello", 200, nil), ("GET", "/refuses", 409, nil), ("GET", "/breaks", 500, nil),
            ("GET", "/hello/", 200, nil),
            ("PATCH", "/hello", 405, "GET, HEAD, OPTIONS"), ("GET", "//evil/hello", 404, nil),
        ] as [(String, String, Int, String?)]
    )
    func methodsAndPaths(method: String, target: String, status: Int, allow: String?) async throws {
        let web = try await WebFixture()
        let answer = try #require(try await RawClient.ask(method, target, port: web.port))
        #expect(answer.status == status)
        #expect(answer.headers["allow"] == allow)
        #expect(answer.headers["x-content-type-options"] == "nosniff")
        if status >= 400 { #expect(try JSONValue(parsing: answer.body)["detail"]?.stringValue != nil) }
        if method == "HEAD" { #expect(answer.headers["content-length"] == "6") }
        #expect(web.service.stats.responses == [status: 1])
        try await web.stop()
    }

    @Test func bodiesHaveALimit() async throws {
        let web = try await WebFixture { $0.bodyBytesMax = 1_000 }
        let whole = String(repeating: "a", count: 1_000)
        #expect(try await RawClient.ask("POST", "/length", port: web.port, body: whole)?.text == "1000")
        let told = try #require(try await RawClient.ask("POST", "/length", port: web.port, body: whole + "a"))
        #expect(told.status == 413 && told.headers["connection"] == "close")
        let chunked = try RawClient(port: web.port)
        chunked.send("POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<3 { chunked.send("190\r\n" + String(repeating: "b", count: 400) + "\r\n") }
        #expect(await chunked.answer().status == 413)
        #expect(web.service.stats.bodiesTooBig == 2)
        try await web.stop()
    }

    /// What the document says of a body holds before a handler sees it.
    @Test(arguments: [
        ("/order", #"{"size":9}"#, 200, "10"), ("/order", "", 422, "size is required"),
        ("/order", #"{"size":10}"#, 422, "size must be at most 9"), ("/order", "[]", 422, "the body is no JSON object"),
        ("/order", #"{"size":1,"colour":"red"}"#, 422, "colour is not a known argument"),
        ("/order", "size=9", 400, "the body is no JSON"), ("/ring", "", 200, "true"), ("/ring", "{}", 200, "true"),
        ("/ring", "{", 400, "the body is no JSON"), ("/ring", #"{"loud":1}"#, 422, "loud is not a known argument"),
    ])
    func bodiesAreHeldAgainstTheirSchemas(path: String, body: String, status: Int, words: String) async throws {
        let web = try await WebFixture()
        let answer = try #require(try await RawClient.ask("POST", path, port: web.port, body: body))
        #expect(answer.status == status && answer.text.contains(words), "\(answer.text)")
        if status == 422 { #expect(try JSONValue(parsing: answer.body)["problems"]?.arrayValue?.count == 1) }
        try await web.stop()
    }

    @Test func slowBodyGets408() async throws {
        let web = try await WebFixture { $0.bodyDeadlineMilliseconds = 100 }
        let client = try RawClient(port: web.port)
        client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
        let answer = await client.answer()
        #expect(answer.status == 408 && answer.head.lowercased().contains("connection: close"))
        #expect(web.service.stats.bodiesLate == 1)
        try await web.stop()
    }

    @Test func unreadBodyEndsTheConnection() async throws {
        let web = try await WebFixture()
        let answer = try await RawClient.ask("POST", "/none", port: web.port, body: "abc")
        #expect(answer?.status == 404 && answer?.headers["connection"] == "close")
        try await web.stop()
    }

    @Test(arguments: [
        ("gzip", true), ("deflate, gzip;q=0.5", true), ("GZIP", true), ("gzip;q=0", false), ("br", false), ("", false),
    ])
    func bigAnswersAreCompressedForWhoTakesIt(accepted: String, isCompressed: Bool) async throws {
        let web = try await WebFixture()
        let headers = ["Accept-Encoding: \(accepted)"]
        let answer = try #require(try await RawClient.ask("GET", "/big", port: web.port, headers: headers))
        #expect(answer.headers["content-encoding"] == (isCompressed ? "gzip" : nil))
        #expect(answer.headers["vary"] == "Accept-Encoding")
        let plain = Array(repeating: UInt8(65), count: 4_000_000)
        #expect(isCompressed ? try unpacked(answer.body) == plain : answer.body == plain)
        let small = try #require(try await RawClient.ask("GET", "/hello", port: web.port, headers: headers))
        #expect(small.headers["content-encoding"] == nil && small.headers["vary"] == nil)
        try await web.stop()
    }

    /// What gzip(1) makes of it.
    private func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("trunkline-\(UUID().uuidString).gz")
        defer { try? FileManager.default.removeItem(at: path) }
        try Data(bytes).write(to: path)
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", path.path]
        process.standardOutput = pipe
        try process.run()
        defer { process.waitUntilExit() }
        return Array(pipe.fileHandleForReading.readDataToEndOfFile())
    }

    @Test func knownContentIsNotSentAgain() async throws {
        let web = try await WebFixture()
        let answer = try await RawClient.ask("GET", "/tagged", port: web.port, headers: ["If-None-Match: \"1\""])
        #expect(answer?.status == 304 && answer?.headers["etag"] == "\"1\"")
        let fresh = try await RawClient.ask("GET", "/tagged", port: web.port, headers: ["If-None-Match: \"2\""])
        #expect(fresh?.status == 200 && fresh?.body == [1, 2, 3])
        try await web.stop()
    }

    @Test(
        arguments: [
            (["https://a.example"], "https://a.example", "https://a.example", "true"),
            (["https://a.example"], "https://b.example", nil, nil), (["*"], "https://b.example", "*", nil),
            ([], "https://a.example", nil, nil),
        ] as [([String], String, String?, String?)]
    )
    func otherSitesArelisted(list: [String], origin: String, allowed: String?, credentials: String?) async throws {
        let web = try await WebFixture { $0.origins = CORSPolicy(list) }
        let answer = try await RawClient.ask("GET", "/hello", port: web.port, headers: ["Origin: \(origin)"])
        #expect(answer?.headers["access-control-allow-origin"] == allowed)
        #expect(answer?.headers["access-control-allow-credentials"] == credentials)
        let asked = ["Origin: \(origin)", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: x-a"]
        let preflight = try await RawClient.ask("OPTIONS", "/hello", port: web.port, headers: asked)
        #expect(preflight?.status == 204)
        #expect(preflight?.headers["access-control-allow-headers"] == (allowed == nil ? nil : "x-a"))
        try await web.stop()
    }

    /// Who may see what is not open: by token, or from this machine without anything between.
    @Test(
        arguments: [
            ("no token, local", 1, "127.0.0.1", [], 200), ("local by name", 1, "localhost:5050", [], 200),
            ("local, rebound name", 1, "evil.example", [], 401),
            ("forwarded", 1, "127.0.0.1", ["X-Forwarded-For: 1.2.3.4"], 401),
            ("tunnelled", 1, "127.0.0.1", ["Via: 1.1 proxy"], 401),
            (
                "forwarded with token", 1, "a.example", ["X-Forwarded-For: 1.2.3.4", "Authorization: Bearer secret"],
                200
            ),
            ("wrong token", 1, "a.example", ["Authorization: Bearer secreu"], 401),
            ("longer token", 1, "a.example", ["Authorization: Bearer secrets"], 401),
            ("other scheme", 1, "a.example", ["Authorization: Basic secret"], 401),
            ("other site's page", 1, "127.0.0.1", ["Origin: https://evil.example"], 403),
            (
                "other site's page with token", 1, "127.0.0.1",
                ["Origin: https://evil.example", "Authorization: Bearer secret"], 403
            ),
            ("page of another port", 1, "localhost:8081", ["Origin: http://localhost:3000"], 401),
            ("page of its own", 1, "localhost:8081", ["Origin: http://localhost:8081"], 200),
            ("page of a listed site", 1, "localhost", ["Origin: https://ours.example"], 200),
        ] as [(String, UInt8, String, [String], Int)]
    )
    func guarded(name: String, from: UInt8, host: String, headers: [String], status: Int) async throws {
        let policy = CORSPolicy(["https://ours.example"])
        let web = try await WebFixture(
            guardian: AccessGuard([Credential(Visitor("api", .operator), secret: "secret")], origins: policy)
        )
        let answer = try await RawClient.ask("GET", "/secret", port: web.port, headers: headers, host: host, from: from)
        #expect(answer?.status == status, "\(name)")
        #expect(answer?.headers["www-authenticate"] == (status == 401 ? "Bearer" : nil))
        try await web.stop()
    }

    @Test func emptyTokenIsNoToken() async throws {
        let web = try await WebFixture(guardian: AccessGuard())
        let headers = ["Via: 1.1 a", "Authorization: Bearer "]
        #expect(try await RawClient.ask("GET", "/secret", port: web.port, headers: headers)?.status == 401)
        try await web.stop()
    }

    @Test func documentTellsEveryRoute() throws {
        let document = WebFixture.table.openAPI(title: "Test", version: "1.0.0")
        let paths = try #require(document["paths"]?.objectValue)
        #expect(paths.keys == WebFixture.table.routes.map(\.path))
        #expect(document["openapi"]?.stringValue == "3.1.0")
        let named = paths["/things/{id}"]?["get"]?["parameters"]?.arrayValue?.first
        #expect(named?["name"] == "id" && named?["in"] == "path" && named?["required"] == true)
        #expect(paths["/secret"]?["get"]?["security"] == [["token": []]])
        #expect(paths["/hello"]?["get"]?["security"] == nil)
    }

    /// A connection that comes while the service ends is nobody's, and takes no place.
    @Test func whoComesAfterTheEndTakesNoPlace() async throws {
        let web = try await WebFixture()
        await web.group.triggerGracefulShutdown()
        try await web.running.value
        for _ in 0..<3 {
            let late = try RawClient(port: web.port)
            late.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await late.read { _ in false }.isEmpty)
        }
        #expect(web.service.stats.connections == 3 && web.service.stats.connectionsOpen == 0)
        await web.engine.stop()
    }
}
