import CallServer
import Foundation
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
                return OutboundAnswer(status: 200, body: Array(#"{"publicUrl":"\(publicURL)"}"#.utf8))
            case "/status":
                let isSigned = request.headers.contains { $0.name == "X-Twilio-Signature" }
                return OutboundAnswer(status: isSigned ? 204 : 403)
            default: return OutboundAnswer(status: 404)
            }
        }
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
