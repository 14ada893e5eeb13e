import TestSupport
import Testing
import Trunk

/// Legs over TLS, beyond the echo.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    @Test func refusesAWrongName() async throws {
        let folder = try TemporaryFolder()
        let certificate = try LoopbackCertificate(in: folder.path)
        let pair = try await LegPair(tls: certificate)
        // The certificate names 127.0.0.1 and localhost, not the other addresses of this machine.
        try await pair.client.perform { [port = pair.port, log = pair.log] engine in
            let other = try engine.listen(
                ListenAddress(
                    host: "127.0.0.2",
                    port: 0,
                    paths: ["/"],
                    certificateFile: certificate.certificateFile,
                    keyFile: certificate.keyFile
                ),
                acceptor: AcceptAll { Recorder("other", log) }
            )
            for (host, port) in [("127.0.0.2", other), ("127.0.0.1", port)] {
                _ = try engine.dial(
                    DialTarget(
                        host: host,
                        port: port,
                        isSecure: true,
                        target: "/",
                        authorityFile: certificate.certificateFile
                    ),
                    handler: Recorder(host, log)
                )
            }
        }
        await pair.log.wait(for: "127.0.0.2 closed")
        await pair.log.wait(for: "127.0.0.1 opened")
        #expect(pair.log.lines.contains("127.0.0.2 closed 1006 tls TLS: IP address mismatch"))
        #expect(!pair.log.lines.contains { $0.hasPrefix("other opened") })
        await pair.stop()
    }

    @Test func resumesItsSessions() async throws {
        let folder = try TemporaryFolder()
        let certificate = try LoopbackCertificate(in: folder.path)
        let pair = try await LegPair(tls: certificate)
        #expect(await pair.client.stats.tlsHandshakes == 1)
        #expect(await pair.client.stats.tlsResumed == 0)
        try await pair.dial(tls: certificate)
        await pair.clientLegs.wait { $0.count == 2 }
        #expect(await pair.client.stats.tlsHandshakes == 2)
        #expect(await pair.client.stats.tlsResumed == 1)
        // The other name is another host: nothing is offered to it.
        try await pair.dial(tls: certificate, host: "127.0.0.1")
        await pair.clientLegs.wait { $0.count == 3 }
        #expect(await pair.client.stats.tlsResumed == 1)
        #expect(await pair.server.stats.tlsResumed == 1)
        await pair.stop()
    }

    @Test func bothSidesCloseInOrder() async throws {
        let folder = try TemporaryFolder()
        let certificate = try LoopbackCertificate(in: folder.path)
        let pair = try await LegPair(legs: 2, tls: certificate)
        let (clients, servers) = (pair.clientLegs.value, pair.serverLegs.value)
        await pair.client.perform { $0.close(clients[0], code: 4001, reason: "from the client") }
        await pair.log.wait(for: "server closed 4001 peer from the client")
        await pair.log.wait(for: "client closed 4001 local from the client")
        await pair.server.perform { server in
            for leg in servers { server.close(leg, code: 4002, reason: "from the server") }
        }
        await pair.log.wait(for: "client closed 4002 peer from the server")
        await pair.log.wait(for: "server closed 4002 local from the server")
        await pair.stop()
    }

    @Test func speaksTLSOnly() async throws {
        let folder = try TemporaryFolder()
        let certificate = try LoopbackCertificate(in: folder.path)
        let pair = try await LegPair(tls: certificate)
        let plain = try RawClient(port: pair.port)
        plain.send(RawBytes.upgrade())
        // An alert and the end; never an upgrade.
        #expect(await !String(decoding: plain.readToEnd(), as: UTF8.self).contains("HTTP"))
        #expect(pair.serverLegs.value.count == 1)
        await pair.stop()
    }
}
