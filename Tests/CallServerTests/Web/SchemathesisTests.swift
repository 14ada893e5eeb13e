import CallServer
import TestSupport
import Testing
import WebServer

/// The API document held against the server by a program that makes requests of it.
@Suite(.timeLimit(.minutes(3)), .enabled(if: Program.isThere("schemathesis"), "needs Python's schemathesis"))
struct SchemathesisTests {
    @Test func theServerDoesWhatTheDocumentSays() async throws {
        // It tries wrong tokens beside right ones, from one address: who must wait would see nothing of the rest.
        let server = try await ServerFixture(
            ["API_TOKEN": "a-token-of-24-characters", "HTTP_CONNECTIONS_MAX": "64"],
            settings: { $0.access.logins.failuresPerAddress = .max }
        )
        let folder = try TemporaryFolder()
        let judged = try await Program.run(
            "env",
            [
                "-C", folder.path, "schemathesis", "run", "http://127.0.0.1:\(server.port)/openapi.json", "--checks",
                "all",
                // A server that drains is not ready, which would be no fault of what is asked then.
                "--exclude-path", "/drain", "--max-examples", "10", "--phases", "examples,coverage,fuzzing", "--seed",
                "1", "--no-color",
                "-H", "X-Forwarded-For: 192.0.2.1", "-H", "Authorization: Bearer a-token-of-24-characters",
            ]
        )
        #expect(judged.status == 0, "\(judged.output.suffix(6_000))")
        #expect(judged.output.contains("Tested:"))
        await server.stop()
    }
}
