import Foundation
import Glibc
import SelfTest
import TestSupport
import Testing

/// The example of a server of one's own, as a program.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ExampleTests {
    @Test func itsToolIsOfferedAndItEndsWhenAsked() async throws {
        let folder = try TemporaryFolder()
        let port = try RunningProgram.freePort()
        let output = folder.file("output")
        let program = try RunningProgram(
            "env",
            [
                "HOST=127.0.0.1", "PORT=\(port)", "OPENAI_API_KEY=", "DATABASE_PATH=none",
                RunningProgram.built("order-line"),
            ],
            output: output
        )
        try await Patience.wait {
            try #require(program.isRunning)
            return (try? String(contentsOfFile: output, encoding: .utf8))?.contains("listens on port") == true
        }
        let answer = try #require(try await RawClient.ask("GET", "/tools", port: port))
        #expect(answer.text.contains("\"look_up_order\""))
        program.signal(SIGTERM)
        await Patience.wait { !program.isRunning }
        #expect(!program.isRunning)
    }
}
