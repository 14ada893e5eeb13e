import TestSupport
import Testing
import Trunk

/// Legs over real sockets: plain and TLS, both roles.
@Suite(.timeLimit(.minutes(1))) struct LegTests {
    /// An echo server on one engine and a client on another; returns the log after a whole conversation.
    func converse(secure: Bool, message: String = "hello") async throws -> [String] {
        let folder = try TemporaryFolder()
        let certificate = try LoopbackCertificate(in: folder.path)
        let server = try CallEngine.start()
        let client = try CallEngine.start()
        let log = Log()
        let port = try await server.perform { engine in
            let acceptor = AcceptAll {
                let recorder = Recorder("server", log)
                recorder.answer = { text, leg, engine in try? engine.send(text: text, to: leg) }
                return recorder
            }
            return try engine.listen(
                ListenAddress(
                    host: "127.0.0.1",
                    port: 0,
                    paths: ["/echo"],
                    certificateFile: secure ? certificate.certificateFile : nil,
                    keyFile: secure ? certificate.keyFile : nil
                ),
                acceptor: acceptor
            )
        }
        try await client.perform { engine in
            let recorder = Recorder("client", log)
            recorder.whenOpened = { leg, engine in try? engine.send(text: message, to: leg) }
            recorder.answer = { _, leg, engine in engine.close(leg, code: 1000, reason: "done") }
            _ = try engine.dial(
                DialTarget(
                    host: secure ? "localhost" : "127.0.0.1",
                    port: port,
                    isSecure: secure,
                    target: "/echo",
                    authorityFile: secure ? certificate.certificateFile : nil
                ),
                handler: recorder
            )
        }
        await log.wait(for: "client closed")
        await log.wait(for: "server closed")
        await client.stop()
        await server.stop()
        return log.lines
    }

    @Test func echoesOverPlainAndTLS() async throws {
        for secure in [false, true] {
            let lines = try await converse(secure: secure)
            #expect(lines.contains("server text hello"))
            #expect(lines.contains("client text hello"))
            #expect(lines.contains("client closed 1000 local done"))
            #expect(lines.contains("server closed 1000 peer done"))
        }
    }

    @Test func carriesMessagesLargerThanAnyBuffer() async throws {
        // The echo server takes 64 KiB; 60,000 bytes need many blocks, reads and TLS records.
        for secure in [false, true] {
            let lines = try await converse(secure: secure, message: String(repeating: "x", count: 60_000))
            #expect(lines.contains { $0.hasPrefix("client text xxx") })
        }
    }

    @Test func refusesACertificateItDoesNotKnow() async throws {
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
                acceptor: AcceptAll { Recorder("server", log) }
            )
            _ = try engine.dial(
                DialTarget(host: "localhost", port: port, isSecure: true, target: "/"),
                handler: Recorder("client", log)
            )
        }
        await log.wait(for: "client closed")
        #expect(log.lines.contains { $0.hasPrefix("client closed 1006 tls TLS: self-signed certificate") })
        #expect(!log.lines.contains { $0.hasPrefix("server opened") })
        await engine.stop()
    }

    @Test func tellsWhenNobodyAnswers() async throws {
        let engine = try CallEngine.start()
        let log = Log()
        try await engine.perform { engine in
            _ = try engine.dial(
                DialTarget(host: "127.0.0.1", port: 1, isSecure: false, target: "/"),
                handler: Recorder("a", log)
            )
            _ = try engine.dial(
                DialTarget(host: "no-such-host.invalid", port: 80, isSecure: false, target: "/"),
                handler: Recorder("b", log)
            )
        }
        await log.wait(for: "a closed")
        await log.wait(for: "b closed")
        #expect(log.lines.contains("a closed 1006 connect connection refused"))
        #expect(log.lines.contains { $0.hasPrefix("b closed 1006 resolve") })
        await engine.stop()
    }

    @Test func answersUnknownPathsOverHTTP() async throws {
        let engine = try CallEngine.start()
        let log = Log()
        try await engine.perform { engine in
            let port = try engine.listen(
                ListenAddress(host: "127.0.0.1", port: 0, paths: ["/known"]),
                acceptor: AcceptAll { Recorder("server", log) }
            )
            _ = try engine.dial(
                DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/other"),
                handler: Recorder("client", log)
            )
        }
        await log.wait(for: "client closed")
        #expect(log.lines == ["client closed 1006 refused Not Found"])
        await engine.stop()
    }
}
