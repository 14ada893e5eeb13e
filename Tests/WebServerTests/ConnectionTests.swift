import ServiceLifecycle
import TestSupport
import Testing
import Trunk
import WebServer

/// What happens to connections that are given to the HTTP server.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ConnectionTests {
    @Test func connectionIsKeptAndRequestsArePipelined() async throws {
        let web = try await WebFixture()
        let client = try RawClient(port: web.port)
        client.send("GET /hello?name=a%20b HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await client.answers().map(\.text) == ["hello a b"])
        client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /things/7 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await client.answers(2).map(\.text) == ["done", "7"])
        #expect(web.service.stats.connections == 1)
        #expect(web.service.stats.responses == [200: 3])
        try await web.stop()
    }

    @Test func twoRequestsInTheFirstSegmentAreBothAnswered() async throws {
        let web = try await WebFixture()
        let client = try RawClient(port: web.port)
        client.send(
            "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345GET /things/8 HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        #expect(await client.answers(2).map(\.text) == ["5", "8"])
        try await web.stop()
    }

    @Test func requestMayComeByteByByteAndInChunks() async throws {
        let web = try await WebFixture()
        let client = try RawClient(port: web.port)
        let request =
            "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        await client.sendByteByByte(Array(request.utf8))
        #expect(await client.answers().map(\.text) == ["5"])
        try await web.stop()
    }

    @Test(arguments: ["GET /hello HTTP/1.0\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
    func lastRequestEndsTheConnection(request: String) async throws {
        let web = try await WebFixture()
        let client = try RawClient(port: web.port)
        client.send(request)
        let answer = await client.answer()
        #expect(answer.status == 200 && answer.head.lowercased().contains("\r\nconnection: close\r\n"))
        try await web.stop()
    }

    @Test func keptConnectionTurnsIntoAWebSocket() async throws {
        let web = try await WebFixture()
        let client = try RawClient(port: web.port)
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await client.answers().first?.status == 200)
        // The answer to a request in front of the upgrade is still written first.
        client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + RawBytes.upgrade(to: "/echo"))
        let bytes = await client.read { String(decoding: $0, as: UTF8.self).contains("101 Switching Protocols") }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK") && text.contains("done"))
        client.send(RawBytes.text("still here") + RawBytes.close(1000))
        #expect(String(decoding: await client.readToEnd(), as: UTF8.self).contains("still here"))
        #expect(web.service.stats.givenBack == 1)
        #expect(await web.engine.stats.adopted == 1)
        try await web.stop()
    }

    @Test func upgradeToAnotherPathIsNotFound() async throws {
        let web = try await WebFixture()
        let client = try RawClient(port: web.port)
        client.send(RawBytes.upgrade(to: "/nothing"))
        #expect(await client.answers().first?.status == 404)
        #expect(web.service.stats.givenBack == 0)
        try await web.stop()
    }

    @Test func connectionsBeyondTheLimitGet503() async throws {
        let web = try await WebFixture { $0.connectionsMax = 2 }
        let kept = try (0..<2).map { _ in try RawClient(port: web.port) }
        for client in kept {
            client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await client.answers().first?.status == 200)
        }
        #expect(try await RawClient.ask("GET", "/hello", port: web.port)?.status == 503)
        #expect(web.service.stats.connectionsRefused == 1)
        // One place is free again: the next gets it.
        kept[0].finish()
        _ = await kept[0].readToEnd()
        while web.service.stats.connectionsOpen == 2 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await RawClient.ask("GET", "/hello", port: web.port)?.status == 200)
        try await web.stop()
    }

    @Test func idleConnectionsAndSlowHeadsAreClosed() async throws {
        let web = try await WebFixture { $0.idleMilliseconds = 100 }
        let client = try RawClient(port: web.port)
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hel")
        let answers = await client.readToEnd()
        #expect(String(decoding: answers, as: UTF8.self).hasSuffix("hello "))
        try await web.stop()
    }

    @Test func clientThatDoesNotReadIsClosed() async throws {
        let web = try await WebFixture { $0.writeDeadlineMilliseconds = 200 }
        let client = try RawClient(port: web.port, receiveBytes: 4_096)
        let requests = String(repeating: "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", count: 20)
        client.send(requests)
        while web.service.stats.answersLate == 0 { try await Task.sleep(for: .milliseconds(10)) }
        while web.service.stats.connectionsOpen > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(web.service.stats.answersLate == 1)
        #expect(await client.readToEnd().count < 20 * 4_000_000)
        try await web.stop()
    }

    @Test func shutdownAnswersWhatIsInProgressAndClosesTheRest() async throws {
        let web = try await WebFixture()
        let idle = try RawClient(port: web.port)
        idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await idle.answers().count == 1)
        let busy = try RawClient(port: web.port)
        busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        while web.service.stats.connectionsOpen < 2 { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.sleep(for: .milliseconds(50))
        await web.group.triggerGracefulShutdown()
        #expect(await busy.answers().map(\.text) == ["done"])
        #expect(await idle.readToEnd().isEmpty)
        try await web.running.value
        #expect(web.service.stats.connectionsOpen == 0)
        await web.engine.stop()
    }

    @Test func brokenSecondRequestGets400() async throws {
        let web = try await WebFixture()
        let client = try RawClient(port: web.port)
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET \u{1} HTTP/1.1\r\n\r\n")
        let text = String(decoding: await client.readToEnd(), as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("HTTP/1.1 400 "))
        try await web.stop()
    }

    @Test func peerIsTheClientsAddress() async throws {
        let web = try await WebFixture()
        #expect(try await RawClient.ask("GET", "/peer", port: web.port, from: 42)?.text == "127.0.0.42")
        try await web.stop()
    }
}
