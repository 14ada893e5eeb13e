import CallServer
import Foundation
import TestSupport
import Testing

/// One version, whoever tells it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct VersionTests {
    @Test func isTheSameEverywhere() async throws {
        let server = try await ServerFixture()
        let version = #""version":"\#(Server.version)""#
        #expect(try await server.ask("GET", "/openapi.json").text.contains(version))
        #expect(try await server.ask("GET", "/overview").text.contains(version))
        #expect(try await server.ask("GET", "/metrics").text.contains("version=\"\(Server.version)\"} 1"))
        if FileManager.default.isExecutableFile(atPath: RunningProgram.trunkline) {
            let ran = try await Program.run(RunningProgram.trunkline, ["--version"])
            #expect(ran.output == "\(Server.version)\n")
        }
        await server.stop()
    }
}
