import CTrunk.Codecs
import Testing

@Suite("HTTP heads")
struct HTTPHeadTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let status: Int32
        var testDescription: String { name }

        init(_ name: String, _ status: Int32, _ bytes: [UInt8]) {
            self.name = name
            self.status = status
            self.bytes = bytes
        }
    }

    static let sizes: [Case] = [
        Case("a line of 8192 bytes", 101, TestHead.request(adding: ["X: " + String(repeating: "a", count: 8189)])),
        Case("a line of 8193 bytes", 431, TestHead.request(adding: ["X: " + String(repeating: "a", count: 8190)])),
        Case(
            "a request line of 8193 bytes",
            431,
            TestHead.request("GET /\(String(repeating: "a", count: 8179)) HTTP/1.1")
        ),
        Case("100 headers", 101, TestHead.request(adding: (0..<95).map { "X\($0): 1" })),
        Case("101 headers", 431, TestHead.request(adding: (0..<96).map { "X\($0): 1" })),
        Case(
            "Upgrade as the 101st",
            431,
            TestHead.request(without: "Upgrade", adding: (0..<96).map { "X\($0): 1" } + ["Upgrade: websocket"])
        ),
        Case(
            "a key of 64 KiB",
            431,
            TestHead.request(
                without: "Sec-WebSocket-Key",
                adding: ["Sec-WebSocket-Key: " + String(repeating: "A", count: 65536)]
            )
        ),
        Case(
            "10,000 subprotocols",
            431,
            TestHead.request(adding: ["Sec-WebSocket-Protocol: " + String(repeating: ", ", count: 10_000)])
        ),
        Case(
            "4,000 subprotocols",
            101,
            TestHead.request(adding: ["Sec-WebSocket-Protocol: " + String(repeating: ", ", count: 4_000)])
        ),
        Case(
            "odd extensions",
            101,
            TestHead.request(adding: [
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=0, , x;y=99"
            ])
        ),
    ]

    static let syntax: [Case] = [
        Case("a good one", 101, TestHead.request()),
        Case("no header name", 400, TestHead.request(adding: [": x"])),
        Case("no colon", 400, TestHead.request(adding: ["Nothing"])),
        Case("a space before the colon", 400, TestHead.request(adding: ["X : a"])),
        Case("a tab before the colon", 400, TestHead.request(adding: ["X\t: a"])),
        Case("folding by space", 400, TestHead.request(adding: ["X: a", " b"])),
        Case("folding by tab", 400, TestHead.request(adding: ["X: a", "\tb: c"])),
        Case("LF alone as line end", 400, TestHead.request(adding: ["X: a\nY: b"])),
        Case("LF alone throughout", 400, Array("GET /media HTTP/1.1\nHost: a\n\n".utf8)),
        Case("CR alone in a value", 400, TestHead.request(adding: ["X: a\rb"])),
        Case("NUL in a value", 400, TestHead.request(adding: ["X: a\u{0}b"])),
        Case("NUL in a name", 400, TestHead.request(adding: ["X\u{0}: b"])),
        Case("DEL in a value", 400, TestHead.request(adding: ["X: a\u{7F}"])),
        Case("a tab in a value", 101, TestHead.request(adding: ["X: a\tb"])),
        Case("bytes above 127 in a value", 101, TestHead.request(adding: ["X: é"])),
        Case("bytes above 127 in a name", 400, TestHead.request(adding: ["É: a"])),
        Case("an empty line first", 400, Array("\r\n".utf8) + TestHead.request()),
        Case("a header as the first line", 400, TestHead.response("Host: a", [])),
    ]

    static let lengths: [Case] =
        ["+5", "-1", "0x5", "5 5", "", "18446744073709551616", "5", "00", "0, 0"].map {
            Case("Content-Length \"\($0)\"", 400, TestHead.request(adding: ["Content-Length: \($0)"]))
        } + [
            Case("two lengths that differ", 400, TestHead.request(adding: ["Content-Length: 0", "Content-Length: 5"])),
            Case("the same length twice", 400, TestHead.request(adding: ["Content-Length: 0", "Content-Length: 0"])),
            Case(
                "length and chunks",
                400,
                TestHead.request(adding: ["Content-Length: 0", "Transfer-Encoding: chunked"])
            ),
            Case("chunks", 400, TestHead.request(adding: ["Transfer-Encoding: chunked"])),
            Case("a length of 0", 101, TestHead.request(adding: ["Content-Length: 0"])),
        ]

    static let requestLines: [Case] = [
        ("HTTP/0.9", 400, "GET /media"), ("HTTP/1.0", 505, "GET /media HTTP/1.0"),
        ("HTTP/1.2", 505, "GET /media HTTP/1.2"), ("HTTP/2 preface", 505, "PRI * HTTP/2.0"),
        ("HTTP/11.1", 400, "GET /media HTTP/11.1"), ("http/1.1", 400, "GET /media http/1.1"),
        ("two spaces", 400, "GET  /media HTTP/1.1"), ("a space behind", 400, "GET /media HTTP/1.1 "),
        ("a space before", 400, " GET /media HTTP/1.1"), ("no target", 400, "GET HTTP/1.1"),
        ("a tab", 400, "GET\t/media HTTP/1.1"), ("absolute form", 400, "GET http://a/media HTTP/1.1"),
        ("OPTIONS *", 400, "OPTIONS * HTTP/1.1"), ("CONNECT", 400, "CONNECT a:443 HTTP/1.1"),
        ("TRACE", 405, "TRACE /media HTTP/1.1"), ("POST", 405, "POST /media HTTP/1.1"),
        ("PUT", 405, "PUT /media HTTP/1.1"), ("get", 405, "get /media HTTP/1.1"),
        ("a backslash", 400, "GET /a\\b HTTP/1.1"), ("a fragment", 400, "GET /a#b HTTP/1.1"),
        ("a byte above 127", 400, "GET /é HTTP/1.1"), ("a method that is no token", 400, "G(T /media HTTP/1.1"),
    ].map { Case($0.0, $0.1, TestHead.request($0.2)) }

    static let hosts: [Case] =
        [
            Case("no Host", 400, TestHead.request(without: "Host")),
            Case("two Hosts", 400, TestHead.request(adding: ["Host: example.com"])),
        ]
        + ["a/b", "user@a", "a b", "", "a,b", "a\\b", "a?b", "a#b", "[::1", "[]", "a:b", "a:1:2", "\"a\""].map {
            Case("Host \"\($0)\"", 400, TestHead.request(without: "Host", adding: ["Host: \($0)"]))
        }
        + ["a", "a:80", "[::1]", "[::1]:8080", "127.0.0.1:1", "a_b.example", "A.example."].map {
            Case("Host \"\($0)\"", 101, TestHead.request(without: "Host", adding: ["Host: \($0)"]))
        }

    @Test("Sizes", arguments: sizes) func size(test: Case) { #expect(TestHead.status(test.bytes) == test.status) }
    @Test("Syntax", arguments: syntax) func form(test: Case) { #expect(TestHead.status(test.bytes) == test.status) }
    @Test("Lengths", arguments: lengths) func length(test: Case) { #expect(TestHead.status(test.bytes) == test.status) }
    @Test("Hosts", arguments: hosts) func host(test: Case) { #expect(TestHead.status(test.bytes) == test.status) }
    @Test("Request lines", arguments: requestLines)
    func requestLine(test: Case) { #expect(TestHead.status(test.bytes) == test.status) }

    @Test("Control characters in names and values", arguments: (UInt8(1)..<32).filter { $0 != 9 && $0 != 10 })
    func controlCharacters(byte: UInt8) {
        let character = String(UnicodeScalar(byte))
        #expect(TestHead.status(TestHead.request(adding: ["X: a\(character)b"])) == 400)
        #expect(TestHead.status(TestHead.request(adding: ["X\(character)Y: b"])) == 400)
        #expect(TestHead.status(TestHead.request("GET /a\(character)b HTTP/1.1")) == 400)
    }

    @Test("Odd paths are passed on as they stand", arguments: ["/..", "/%2e%2e/media", "/%00", "/%", "/%c0%af"])
    func paths(path: String) {
        let buffer = ExactBuffer(TestHead.request("GET \(path)?a=/b HTTP/1.1"))
        var head = trk_http_head()
        #expect(trk_http_parse_request(&head, buffer.start, buffer.count, TestHead.limits) == 0)
        #expect(head.path.string == path)
        #expect(head.target.string == path + "?a=/b")
    }
}
