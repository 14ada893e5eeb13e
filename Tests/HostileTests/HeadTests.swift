import TestSupport
import Testing

/// Heads that are not what they should be.
@Suite(.timeLimit(.minutes(3))) struct HeadTests {
    static let path = "/media-stream"
    static let upgrade = RawBytes.upgrade(to: path)

    /// The upgrade with a change.
    private static func head(_ old: String, _ new: String) -> [UInt8] {
        precondition(upgrade.contains(old))
        return Array(upgrade.replacing(old, with: new).utf8)
    }

    /// The upgrade with further lines.
    private static func head(adding lines: String...) -> [UInt8] {
        head("Host: localhost\r\n", "Host: localhost\r\n" + lines.map { $0 + "\r\n" }.joined())
    }

    private static func refused(_ id: String, _ what: String, _ bytes: [UInt8], _ status: Int) -> HostileCase {
        HostileCase(id, what, bytes, .http(status), [.upgradesRefused: 1]) { answer in
            answer.head.contains("\r\nConnection: close\r\n")
                && answer.head.contains("\r\nSec-WebSocket-Version: 13\r\n") == (status == 426)
                && answer.head.contains("\r\nUpgrade: websocket\r\n") == (status == 426)
                && answer.head.contains("\r\nAllow: GET\r\n") == (status == 405)
        }
    }

    /// An upgrade that must work; the call is closed by us.
    private static func fine(_ id: String, _ what: String, _ bytes: [UInt8]) -> HostileCase {
        HostileCase(id, what, bytes + RawBytes.close(1000), .close(1000)) { answer in
            answer.head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
                && !answer.head.contains("Extensions") && !answer.head.contains("Sec-WebSocket-Protocol")
        }
    }

    private static let sizes: [HostileCase] = [
        refused("A6", "a header of 8,193 bytes", head(adding: "X: " + String(repeating: "a", count: 8_190)), 431),
        fine("A6", "a header of 8,192 bytes", head(adding: "X: " + String(repeating: "a", count: 8_189))),
        refused(
            "A7",
            "Upgrade is header 101",
            head("Upgrade: websocket\r\n", (0..<96).map { "X\($0): a\r\n" }.joined() + "Upgrade: websocket\r\n")
                .dropLast(2) + Array("Y: a\r\n\r\n".utf8),
            431
        ),
        fine("A7", "100 headers", head(adding: (0..<95).map { "X\($0): a" }.joined(separator: "\r\n"))),
        refused(
            "A8",
            "a head of 16 KiB",
            head(adding: (0..<4).map { "X\($0): " + pad(5_000) }.joined(separator: "\r\n")),
            431
        ),
        refused("A8", "a request line of 1 MiB", Array("GET /\(pad(1 << 20))".utf8), 431),
    ]

    private static func pad(_ count: Int) -> String { String(repeating: "a", count: count) }

    private static let lines: [HostileCase] =
        [
            refused("A9", "an empty name", head(adding: ": x"), 400),
            refused("A10", "a space before the colon", head("Host: localhost", "Host : localhost"), 400),
            refused("A11", "a folded line", head(adding: "X: a", " b"), 400),
            refused("A11", "a folded first line", head("Host:", " Host:"), 400),
            refused("A12", "LF alone", head("localhost\r\n", "localhost\n"), 400),
            refused("A12", "CR inside a value", head(adding: "X: a\rb"), 400),
            refused("A12", "LF LF at the end", Array("GET \(path) HTTP/1.1\nHost: a\n\n".utf8), 400),
            refused("A13", "a control character in a name", head(adding: "X\u{01}: a"), 400),
            refused("A13", "DEL in a value", head(adding: "X: a\u{7F}"), 400),
        ]
        + (0..<0x20).filter { ![9, 10, 13].contains($0) }.map { code in
            refused("A13", "\(code) in a value", head(adding: "X: a\(Character(UnicodeScalar(UInt8(code))))"), 400)
        }

    private static let lengths: [HostileCase] =
        [
            ("A14", ["5", "6"]), ("A14", ["5", "5"]), ("A14", ["0", "0"]), ("A14", ["5, 5"]), ("A15", ["+5"]),
            ("A15", ["-5"]), ("A15", ["0x5"]), ("A15", ["5 5"]), ("A15", [""]), ("A15", ["18446744073709551616"]),
            ("A15", ["5;"]), ("A33", ["5"]),
        ].flatMap { id, values -> [HostileCase] in
            let lines = values.map { "Content-Length: \($0)\r\n" }.joined()
            let plain = "POST /webhook HTTP/1.1\r\nHost: a\r\n\(lines)\r\n"
            let upgrade = refused(
                id,
                "upgrade, length \(values)",
                head("Host: localhost\r\n", "Host: localhost\r\n\(lines)"),
                400
            )
            return id == "A33" ? [upgrade] : [upgrade, refused(id, "plain, length \(values)", Array(plain.utf8), 400)]
        } + [
            fine("A33", "no body is no body", head(adding: "Content-Length: 0")),
            refused("A33", "an upgrade with a chunked body", head(adding: "Transfer-Encoding: chunked"), 400),
        ]

    private static let codings: [HostileCase] =
        [
            ("A16", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
            ("A16", "Transfer-Encoding: chunked\r\nContent-Length: 5"), ("A18", "Transfer-Encoding: gzip, chunked"),
            ("A18", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), ("A18", "Transfer-Encoding: xchunked"),
            ("A18", "Transfer-Encoding:"), ("A18", "Transfer-Encoding: identity"),
        ].map { refused($0, $1, Array("POST /webhook HTTP/1.1\r\nHost: a\r\n\($1)\r\n\r\n".utf8), 400) } + [
            refused(
                "A18",
                "chunks in HTTP/1.0",
                Array("POST /webhook HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8),
                400
            )
        ]

    private static let targets: [HostileCase] =
        [
            refused("A19", "HTTP/0.9", Array("GET \(path)\r\n\r\n".utf8), 400),
            refused("A19", "an upgrade of HTTP/1.0", head("HTTP/1.1", "HTTP/1.0"), 505),
            refused("A19", "the preface of HTTP/2", Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), 505),
            refused("A19", "HTTP/1.2", head("HTTP/1.1", "HTTP/1.2"), 505),
            refused("A19", "http/1.1", head("HTTP/1.1", "http/1.1"), 400),
            refused("A21", "no Host", head("Host: localhost\r\n", ""), 400),
            refused("A21", "two Hosts", head(adding: "Host: localhost"), 400),
            refused("A21", "an empty Host", head("Host: localhost", "Host:"), 400),
            refused("A21", "a Host with a path", head("Host: localhost", "Host: localhost/a"), 400),
            refused("A21", "a Host with a user", head("Host: localhost", "Host: user@localhost"), 400),
            refused("A22", "an absolute target", head("GET ", "GET http://localhost"), 400),
            refused("A22", "OPTIONS *", Array("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".utf8), 400),
            refused("A22", "CONNECT", Array("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n".utf8), 400),
            refused("A22", "TRACE", Array("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), 405),
            refused("A22", "TRACE of the stream", head("GET", "TRACE"), 405),
            refused("A24", "POST to the stream", head("GET", "POST"), 405),
            refused("A24", "PUT to the stream", head("GET", "PUT"), 405),
            refused("A24", "PUT without an upgrade", Array("PUT \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8), 405),
            refused("A24", "GET without an upgrade", Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8), 426),
            refused(
                "A37",
                "requests behind the first",
                Array(String(repeating: "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", count: 1_000).utf8),
                404
            ),
        ]
        + [
            ("/media-stream/..", 404), ("/../media-stream", 404), ("/%2e%2e/media-stream", 404),
            ("/media-stream%00", 404), ("/media-stream%", 404), ("/%6dedia-stream", 404), ("//media-stream", 404),
            ("/media-stream/", 404), ("/media-stream\\", 400), ("/media-stream#a", 400), ("/media-stream\u{7F}", 400),
            ("/media-str\u{E9}am", 400),
        ].map { refused("A23", $0, head(path, $0), $1) } + [
            fine("A23", "a query is not the path", head(path, path + "?a=/../"))
        ]

    private static let upgrades: [HostileCase] =
        [
            refused("A25", "no version", head("Sec-WebSocket-Version: 13\r\n", ""), 426),
            refused("A25", "version 8", head("Version: 13", "Version: 8"), 426),
            refused("A25", "version 14", head("Version: 13", "Version: 14"), 426),
            refused("A25", "version 013", head("Version: 13", "Version: 013"), 426),
            refused("A25", "two versions on a line", head("Version: 13", "Version: 13, 13"), 400),
            refused("A25", "two versions", head(adding: "Sec-WebSocket-Version: 13"), 400),
            refused("A26", "no key", head("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400),
            refused("A26", "an empty key", head("dGhlIHNhbXBsZSBub25jZQ==", ""), 400),
            refused("A26", "15 bytes", head("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), 400),
            refused("A26", "17 bytes", head("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZWU="), 400),
            refused("A26", "bad base64", head("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ!=="), 400),
            refused("A26", "64 KiB", head("dGhlIHNhbXBsZSBub25jZQ==", pad(65_536)), 431),
            refused("A26", "two keys", head(adding: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
            fine("A27", "a list in any case", head("Connection: Upgrade", "connection: keep-alive, UPGRADE")),
            fine(
                "A27",
                "a list over two lines",
                head("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade")
            ),
            refused("A27", "no upgrade in the list", head("Connection: Upgrade", "Connection: keep-alive"), 400),
            fine("A28", "websocket before h2c", head("Upgrade: websocket", "Upgrade: websocket, h2c")),
            refused("A28", "h2c", head("Upgrade: websocket", "Upgrade: h2c"), 400),
            refused(
                "A29",
                "10,000 commas",
                head(adding: "Sec-WebSocket-Protocol: " + String(repeating: ",", count: 10_000)),
                431
            ),
            refused(
                "A29",
                "10,000 spaces",
                head(adding: "Sec-WebSocket-Protocol: a" + String(repeating: " ", count: 10_000) + "b"),
                431
            ),
            fine(
                "A29",
                "8,000 commas",
                head(adding: "Sec-WebSocket-Protocol: a" + String(repeating: ",", count: 8_000))
            ),
            refused(
                "A30",
                "10,000 offers",
                head(adding: "Sec-WebSocket-Extensions: " + String(repeating: "permessage-deflate,", count: 10_000)),
                431
            ),
        ]
        + ["0", "99", "", "\"\"", "8; client_max_window_bits=16"].map {
            fine(
                "A30",
                "window bits \($0)",
                head(adding: "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=\($0)")
            )
        } + [
            fine(
                "A30",
                "400 offers",
                head(adding: "Sec-WebSocket-Extensions: " + String(repeating: "permessage-deflate,", count: 400))
            ),
            HostileCase(
                "A31",
                "frames in the segment of the request",
                Array((upgrade).utf8) + RawBytes.frame(9, [7]) + RawBytes.close(1000),
                .close(1000)
            ) {
                $0.frames.map(\.payload) == [[7], [3, 232]]
            },
            HostileCase(
                "A32",
                "a request behind the upgrade",
                Array((upgrade + upgrade).utf8),
                .close(1002),
                [.protocolErrors: 1]
            ),
        ]

    @Test func areRefusedWithTheirStatus() async throws {
        var cases = Self.sizes + Self.lines + Self.lengths + Self.codings + Self.targets + Self.upgrades
        var halfClosed = Self.refused("A35", "half-closed behind a bad request", Self.head("GET", "PUT"), 405)
        halfClosed.finishes = true
        cases.append(halfClosed)
        try await HostileTable.run(cases, turns: 2)
    }

    @Test func areRefusedByteByByte() async throws {
        var cases = [
            Self.lines[0], Self.lengths[0], Self.targets[1], Self.upgrades[0], Self.upgrades[13], Self.upgrades[16],
        ]
        cases.append(Self.refused("A8", "1 MiB in pieces", Self.head(adding: "X: " + Self.pad(1 << 20)), 431))
        for index in cases.indices { cases[index].delivery = .byteByByte }
        try await HostileTable.run(cases)
    }
}
