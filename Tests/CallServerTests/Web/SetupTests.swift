import CallServer
import Foundation
import RealtimeProtocol
import Synchronization
import TestSupport
import Testing

/// The checks of a setup: each with what is wrong and what to do, and run once however many ask.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SetupTests {
    /// Answers as a server behind the public address would, slowly.
    private final class Outside: HTTPFetching {
        private let asked = Mutex<[String]>([])
        let publicURL: String

        init(_ publicURL: String) { self.publicURL = publicURL }

        var targets: [String] { asked.withLock { $0 } }

        func fetch(_ request: OutboundRequest) async throws(OutboundFailure) -> OutboundAnswer {
            asked.withLock { $0.append(request.target) }
            try? await Task.sleep(for: .milliseconds(200))
            switch request.target {
            case "/public-url":
                return OutboundAnswer(status: 200, body: Array(#"{"publicUrl":"\#(publicURL)"}"#.utf8))
            case "/status":
                let isSigned = request.headers.contains { $0.name == "X-Twilio-Signature" }
                return OutboundAnswer(status: isSigned ? 204 : 403)
            default: return OutboundAnswer(status: 404)
            }
        }
    }

    private static func checks(_ more: [String: String], _ fetcher: (any HTTPFetching)?) async throws -> [String:
        String]
    {
        var parts = Server.Parts()
        parts.fetcher = fetcher
        let server = try await ServerFixture(more, parts: parts)
        let json = try JSONValue(parsing: try await server.ask("GET", "/setup").body)
        await server.stop()
        var found: [String: String] = [:]
        for check in json["checks"]?.arrayValue ?? [] {
            found[check["name"]?.stringValue ?? ""] = check["status"]?.stringValue
        }
        return found
    }

    /// What is there passes, and what is not is skipped or told.
    @Test func checksTellWhatIsThere() async throws {
        let url = "http://127.0.0.1:9"
        let outside = Outside(url)
        let good = try await Self.checks(["PUBLIC_URL": url, "TWILIO_AUTH_TOKEN": "0123456789abcdef"], outside)
        #expect(good["key"] == "ok" && good["model"] == "ok" && good["signature"] == "ok", "\(good)")
        #expect(good["public_https"] == "warning", "Twilio wants https: \(good)")
        #expect(good["public_wss"] == "failed", "nobody listens there: \(good)")
        let none = try await Self.checks([:], nil)
        #expect(none["public_https"] == "skipped" && none["signature"] == "skipped", "\(none)")
        let unsigned = try await Self.checks(["PUBLIC_URL": url], nil)
        #expect(unsigned["signature"] == "failed", "\(unsigned)")
        let elsewhere = try await Self.checks(["PUBLIC_URL": "http://127.0.0.1:8"], outside)
        #expect(elsewhere["public_https"] == "failed", "\(elsewhere)")
    }

    @Test func manyPagesAskOnce() async throws {
        let outside = Outside("http://127.0.0.1:9")
        var parts = Server.Parts()
        parts.fetcher = outside
        let server = try await ServerFixture(["PUBLIC_URL": outside.publicURL], parts: parts)
        try await withThrowingTaskGroup(of: Int.self) { tasks in
            for _ in 0..<8 { tasks.addTask { try await server.ask("GET", "/setup").status } }
            for try await status in tasks { #expect(status == 200) }
        }
        _ = try await server.ask("GET", "/setup")
        #expect(outside.targets.filter { $0 == "/public-url" }.count == 1, "\(outside.targets)")
        await server.stop()
    }
}
