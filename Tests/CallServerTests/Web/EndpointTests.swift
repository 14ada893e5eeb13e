import CallServer
import Foundation
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing

/// What the server answers to plain requests, as the reference bridges and the demo answer it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct EndpointTests {
    private static let fastapi =
        #"{"message":"Twilio OpenAI Realtime API Server","version":"1.0.0","status":"running"}"#

    @Test(arguments: [
        ("bridge", #"{"message":"Twilio Media Stream Server is running!"}"#, "/ws/call", true),
        ("fastapi", fastapi, "/ws/call", true), ("demo", fastapi, "/call", false),
    ])
    func compatibility(name: String, root: String, stream: String, toolsAreWrapped: Bool) async throws {
        let server = try await ServerFixture(["COMPAT": name, "PUBLIC_URL": "https://a.example:8443/prefix"])
        let answer = try await server.ask("GET", "/")
        #expect(answer.text == root && answer.headers["content-type"] == "application/json")
        #expect(try await server.ask("GET", "/public-url").text == #"{"publicUrl":"https://a.example:8443/prefix"}"#)
        let tools = try JSONValue(parsing: try await server.ask("GET", "/tools").body)
        let list = toolsAreWrapped ? tools["tools"]?.arrayValue : tools.arrayValue
        #expect(list?.first?["type"] == "function" && list?.first?["parameters"]?.objectValue != nil)
        for method in ["GET", "POST"] {
            let twiml = try await server.ask(method, "/twiml", body: method == "POST" ? "CallSid=CA1" : "")
            #expect(twiml.status == 200 && twiml.headers["content-type"] == "application/xml")
            #expect(twiml.text.contains(#"<Connect><Stream url="wss://a.example:8443\#(stream)"/></Connect>"#))
            let incoming = try await server.ask(method, "/incoming-call")
            #expect(incoming.text.contains(#"<Stream url="wss://a.example:8443/media-stream"/>"#))
        }
        await server.stop()
    }

    @Test(
        arguments: [
            ("a.example", [], "wss://a.example/media-stream"),
            ("a.example:5050", [], "wss://a.example:5050/media-stream"),
            ("[::1]:5050", [], "wss://[::1]:5050/media-stream"),
            ("inner:5050", ["X-Forwarded-Host: outer.example"], "wss://outer.example/media-stream"),
            ("inner", ["X-Forwarded-Host: outer.example:444, inner"], "wss://outer.example:444/media-stream"),
            ("inner", [#"X-Forwarded-Host: a"/><Hangup"#], "wss://inner/media-stream"),
            ("inner", ["X-Forwarded-Host: a/b"], "wss://inner/media-stream"),
        ] as [(String, [String], String)]
    )
    func streamHasTheNameOfTheRequest(host: String, headers: [String], url: String) async throws {
        let server = try await ServerFixture(["ALLOW_UNSIGNED": "yes"])
        let answer = try await server.ask("GET", "/incoming-call", headers: headers, host: host)
        #expect(answer.text.contains("<Stream url=\"\(url)\"/>"))
        await server.stop()
    }

    @Test func templateReplacesTheDocument() async throws {
        let text = #"<Response><Connect><Stream url="{{WS_URL}}"/></Connect></Response>"#
        let template = try TwiMLTemplate(parsing: text)
        let server = try await ServerFixture(
            ["PUBLIC_URL": "http://a.example"],
            settings: { $0.template = template }
        )
        let answer = try await server.ask("GET", "/twiml")
        #expect(answer.text == #"<Response><Connect><Stream url="wss://a.example/ws/call"/></Connect></Response>"#)
        await server.stop()
    }

    @Test func healthHasTheShapeThatMonitorsKnow() async throws {
        let server = try await ServerFixture()
        let answer = try await server.ask("GET", "/health")
        let json = try JSONValue(parsing: answer.body)
        let services = try #require(json["services"]?.arrayValue)
        #expect(services.map { $0["service"] } == ["system", "websocket", "openai"])
        #expect(
            services.first?["details"]?.objectValue?.keys
                == ["cpu_percent", "memory_percent", "disk_percent", "memory_available_gb"]
        )
        let statuses = (services + [json]).compactMap { $0["status"]?.stringValue }
        #expect(statuses.count == 4 && statuses.allSatisfy { ["healthy", "warning", "critical"].contains($0) })
        #expect(answer.status == (json["status"] == "critical" ? 503 : 200))
        #expect(json["errors"]?.objectValue?.keys == ["total_errors", "error_counts", "recent_errors"])
        #expect(json["timestamp"]?.stringValue?.hasSuffix("Z") == true)
        let stranger = try await server.ask("GET", "/health", headers: ["X-Forwarded-For: 192.0.2.1"])
        #expect(try JSONValue(parsing: stranger.body)["services"]?.arrayValue?.first?["details"] == [:])
        await server.stop()
    }

    @Test(arguments: ["/calls", "/calls/CA1", "/metrics"])
    func strangersNeedTheToken(path: String) async throws {
        let server = try await ServerFixture(["API_TOKEN": "a-token-of-24-characters"])
        let forwarded = "X-Forwarded-For: 192.0.2.1"
        #expect(try await server.ask("GET", path, headers: [forwarded]).status == 401)
        let allowed = try await server.ask(
            "GET",
            path,
            headers: [forwarded, "Authorization: Bearer a-token-of-24-characters"]
        )
        #expect(allowed.status == (path == "/calls/CA1" ? 404 : 200))
        await server.stop()
    }

    @Test func pageLoadsNothingFromElsewhere() async throws {
        let server = try await ServerFixture()
        for path in ["/docs", "/docs/page.js", "/docs/page.css"] {
            let answer = try await server.ask("GET", path)
            #expect(
                answer.status == 200
                    && answer.headers["content-security-policy"]?.hasPrefix("default-src 'self'") == true
            )
            #expect(!answer.text.contains("://") && !answer.text.contains("onclick") && !answer.text.contains("<style"))
            #expect(!answer.text.contains("<script>") && !answer.text.contains("innerHTML"))
            let tag = try #require(answer.headers["etag"])
            #expect(try await server.ask("GET", path, headers: ["If-None-Match: \(tag)"]).status == 304)
        }
        let moved = try await server.ask("GET", "/redoc")
        #expect(moved.status == 307 && moved.headers["location"] == "/docs")
        await server.stop()
    }

    /// Each path of the document is there, and each answer is one that the document tells.
    @Test func documentTellsTheTruth() async throws {
        let server = try await ServerFixture()
        let document = try JSONValue(parsing: try await server.ask("GET", "/openapi.json").body)
        let paths = try #require(document["paths"]?.objectValue)
        var asked = 0
        for path in paths.members {
            for operation in path.value.objectValue?.members ?? [] {
                let told = operation.value["responses"]?.objectValue?.keys ?? []
                let target = path.key.replacing("{id}", with: "CA0").replacing("{name}", with: "none")
                let answer = try await server.ask(operation.key.uppercased(), target)
                #expect(told.contains(String(answer.status)), "\(operation.key) \(path.key): \(answer.status)")
                asked += 1
            }
        }
        #expect(asked > 30)
        await server.stop()
    }

    /// Answers hold what the document's schemas say, and nothing that they do not name.
    @Test func answersHaveTheSchemasOfTheDocument() async throws {
        let folder = try TemporaryFolder()
        let server = try await ServerFixture(
            ["DATABASE_PATH": folder.path + "/calls.db"],
            model: { $0.toolCalls = [.init(turn: 1, name: "current_time")] }
        )
        let id = PhoneScript.pattern(1, []).callID
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 500), .pause(milliseconds: 60_000)])
        _ = try await server.ask("/calls/\(id)") { $0.text.contains(#""who":"agent""#) }
        #expect(try await server.ask("POST", "/calls/\(id)/hangup").status == 202)
        await outcome.ended()
        _ = try await server.ask("/history") { $0.text.contains("operator_hung_up") }
        let document = try JSONValue(parsing: try await server.ask("GET", "/openapi.json").body)
        func schema(_ path: String, _ method: String, _ status: String) throws -> JSONValue {
            let response = try #require(document["paths"]?[path]?[method]?["responses"]?[status])
            return try #require(response["content"]?["application/json"]?["schema"], "\(method) \(path)")
        }
        for path in ["/", "/public-url", "/tools", "/health", "/ready", "/calls", "/calls/{id}", "/history"] {
            let answer = try await server.ask("GET", path.replacing("{id}", with: id))
            let (json, schema) = (try JSONValue(parsing: answer.body), try schema(path, "get", "200"))
            #expect(SchemaValidation.problem(json, schema: Self.closed(schema)) == nil, "\(path): \(answer.text)")
        }
        #expect(try schema("/calls", "post", "201")["required"] == ["call_sid", "status"])
        let form = document["paths"]?["/status"]?["post"]?["requestBody"]?["content"]?.objectValue?.keys
        #expect(form == ["application/x-www-form-urlencoded"])
        await server.stop()
    }

    /// The schema with nothing allowed that it does not name.
    private static func closed(_ schema: JSONValue) -> JSONValue {
        if let all = schema.arrayValue { return .array(all.map(closed)) }
        guard let members = schema.objectValue?.members else { return schema }
        var object = JSONObject(members.map { .init(key: $0.key, value: closed($0.value)) })
        if schema["properties"]?.objectValue != nil { object["additionalProperties"] = false }
        return .object(object)
    }

    @Test func metricsAreInPrometheusText() async throws {
        let server = try await ServerFixture()
        let outcome = try await server.call()
        let text = try await server.ask("/metrics") { $0.text.contains("\ntrunkline_calls_active 1\n") }.text
        #expect(text.contains("\ntrunkline_loop_calls_open{loop=\"0\"} 1\n"))
        var typed: Set<Substring> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") { #expect(typed.insert(words[2]).inserted, "\(line)") }
            if line.hasPrefix("#") { continue }
            #expect(words.count == 2 && Double(words[1]) != nil, "\(line)")
            let name = words[0].prefix { $0 != "{" }
            // A histogram has three kinds of lines.
            let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map { name.dropLast($0.count) }
            if !typed.contains(name), !typed.contains(family ?? "") { Issue.record("\(line) has no type") }
        }
        #expect(typed.count > 70)
        if Program.isThere("promtool") {
            let judged = try await Program.run("promtool", ["check", "metrics"], input: text)
            #expect(judged.status == 0, "\(judged.output)")
        }
        _ = try await server.ask("POST", "/calls/\(PhoneScript.pattern(1, []).callID)/hangup")
        await outcome.ended()
        await server.stop()
    }

    @Test func statusCallbacksAreTaken() async throws {
        let server = try await ServerFixture()
        let form = ["Content-Type: application/x-www-form-urlencoded"]
        let answer = try await server.ask("POST", "/status", headers: form, body: "CallSid=CA1&CallStatus=completed")
        #expect(answer.status == 204 && answer.body.isEmpty)
        await server.stop()
    }

    @Test func drainRefusesCallsAndKeepsTheRest() async throws {
        let server = try await ServerFixture()
        let outcome = try await server.call()
        _ = try await server.ask("/calls") { $0.text.contains("in-progress") }
        #expect(try await server.ask("GET", "/ready").status == 200)
        server.server.drain()
        #expect(try await server.ask("GET", "/ready").status == 503)
        #expect(try await server.ask("GET", "/incoming-call").text.hasSuffix("</Say><Hangup/></Response>"))
        #expect(try await server.ask("GET", "/health").status == 200)
        let phone = try RawClient(port: server.port)
        phone.send(RawBytes.upgrade(to: "/media-stream"))
        #expect(await phone.answer().status == 503)
        #expect(await server.server.openCalls() == 1)
        let callID = PhoneScript.pattern(1, []).callID
        #expect(try await server.ask("POST", "/calls/\(callID)/hangup").status == 202)
        await outcome.ended()
        await server.stop()
    }
}
