import CallServer
import OutboundHTTP
import Testing

/// Requests over real sockets to servers that answer oddly, endlessly or not at all.
@Suite struct OutboundHTTPTests {
    private func fetch(
        port: Int,
        host: String = "127.0.0.1",
        isSecure: Bool = false,
        mayBePrivate: Bool = true,
        timeoutMilliseconds: Int = 10_000
    ) async -> Result<OutboundAnswer, OutboundFailure> {
        let client = OutboundHTTPClient()
        let server = OutboundServer(isSecure: isSecure, host: host, port: port, mayBePrivate: mayBePrivate)
        var request = OutboundRequest(server: server, target: "/p?a=1")
        request.timeoutMilliseconds = timeoutMilliseconds
        let result: Result<OutboundAnswer, OutboundFailure>
        do throws(OutboundFailure) {
            result = .success(try await client.fetch(request))
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        return result
    }

    private static func whole(_ status: String, _ headers: String = "", body: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }

    @Test(arguments: [
        (whole("200 OK", body: "{}"), OutboundAnswer(status: 200, body: Array("{}".utf8))),
        (whole("404 Not Found"), OutboundAnswer(status: 404)),
        (whole("302 Found", "Location: http://127.0.0.1:1/\r\n"), OutboundAnswer(status: 302)),
        (whole("308 Permanent Redirect", "Location: /p\r\n"), OutboundAnswer(status: 308)),
        (
            whole("200 OK", "Content-Encoding: gzip\r\n", body: "packed"),
            OutboundAnswer(status: 200, encoding: "gzip", body: Array("packed".utf8))
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            OutboundAnswer(status: 200, body: Array("abc".utf8))
        ),
        (
            whole("200 OK", body: String(repeating: "x", count: 65_536)),
            OutboundAnswer(status: 200, body: Array(repeating: 0x78, count: 65_536))
        ),
    ])
    func takesAnswersAsTheyAre(said: String, answer: OutboundAnswer) async throws {
        let server = try ScriptedServer(said)
        defer { server.stop() }
        #expect(try await fetch(port: server.port).get() == answer)
        #expect(try await fetch(port: server.port, host: "localhost").get() == answer)
    }

    @Test func answersWithoutEndAreCutOff() async throws {
        let endless = try ScriptedServer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", thenEndlessly: true)
        let announced = try ScriptedServer("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nx", closes: false)
        defer {
            endless.stop()
            announced.stop()
        }
        #expect(await fetch(port: endless.port) == .failure(.tooLarge))
        #expect(await fetch(port: announced.port) == .failure(.tooLarge))
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
    func whatDoesNotComeInTimeIsGivenUp(said: String) async throws {
        let server = try ScriptedServer(said, closes: false)
        defer { server.stop() }
        #expect(await fetch(port: server.port, timeoutMilliseconds: 300) == .failure(.timeout))
    }

    @Test func serversThatAreNone() async throws {
        let nonsense = try ScriptedServer("hello there\r\n\r\n")
        let plain = try ScriptedServer("hello there\r\n\r\n")
        let gone = try ScriptedServer("")
        defer {
            nonsense.stop()
            plain.stop()
        }
        #expect(await fetch(port: nonsense.port) == .failure(.malformed))
        #expect(await fetch(port: plain.port, isSecure: true) == .failure(.tls))
        #expect(await fetch(port: gone.port) == .failure(.unreachable))
        gone.stop()
    }

    @Test(arguments: ["127.0.0.1", "localhost", "2130706433"])
    func thisMachineIsNotAskedUnlessAllowed(host: String) async throws {
        let server = try ScriptedServer(Self.whole("200 OK", body: "secret"))
        defer { server.stop() }
        #expect(await fetch(port: server.port, host: host, mayBePrivate: false) == .failure(.privateAddress))
    }
}
