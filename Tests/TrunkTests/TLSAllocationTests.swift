import TestSupport
import Testing
import Trunk

/// TLS on an open leg allocates nothing, although its connections hold no record buffers between two records.
@Suite(.timeLimit(.minutes(1))) struct TLSAllocationTests {
    /// Sends each message back until there were enough, then closes.
    private final class PingPong: LegHandler {
        let log: Log
        let limit: Int
        var count = 0
        var before: UInt64 = 0

        init(_ log: Log, limit: Int) {
            self.log = log
            self.limit = limit
        }

        func opened(_ leg: LegID, on engine: isolated CallEngine) {
            if limit > 0 { try? engine.send(text: "frame", to: leg) }
        }

        func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
            count += 1
            if count == 200 { before = engine.stats.tlsAllocations }
            if count == limit {
                log.add("before \(before) after \(engine.stats.tlsAllocations)")
                engine.close(leg)
                return
            }
            try? engine.send(text: "frame", to: leg)
        }

        func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

        func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) { log.add("closed") }
    }

    @Test func aThousandRecordsBothWaysAllocateNothing() async throws {
        let folder = try TemporaryFolder()
        let certificate = try LoopbackCertificate(in: folder.path)
        let engine = try CallEngine.start()
        let log = Log()
        try await engine.perform { engine in
            let port = try engine.listen(
                ListenAddress(
                    host: "127.0.0.1",
                    port: 0,
                    paths: ["/"],
                    certificateFile: certificate.certificateFile,
                    keyFile: certificate.keyFile
                ),
                acceptor: AcceptAll { PingPong(log, limit: 0) }
            )
            _ = try engine.dial(
                DialTarget(
                    host: "localhost",
                    port: port,
                    isSecure: true,
                    target: "/",
                    authorityFile: certificate.certificateFile
                ),
                handler: PingPong(log, limit: 1_200)
            )
        }
        await log.wait(for: "before")
        let line = try #require(log.lines.first { $0.hasPrefix("before") })
        let numbers = line.split(separator: " ").compactMap { UInt64($0) }
        // Both legs are on this engine's thread: the counter saw the handshakes, and nothing since.
        #expect(numbers.first ?? 0 > 0)
        #expect(numbers.first == numbers.last)
        await engine.stop()
    }
}
