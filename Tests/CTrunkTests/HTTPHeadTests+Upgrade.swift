import CTrunk.Codecs
import Testing

@Suite("WebSocket upgrades")
struct HTTPUpgradeTests {
    @Test("The accept value of RFC 6455 section 1.3")
    func acceptKey() {
        let out = ExactBuffer(count: Int(TRK_HTTP_ACCEPT_COUNT))
        trk_http_accept(out.text, TestHead.key)
        #expect(out.bytes == Array(TestHead.accept.utf8))
    }

    @Test(
        "Versions",
        arguments: [(nil, 426), ("8", 426), ("14", 426), ("", 426), ("13, 13", 400), ("13", 101)] as [(String?, Int32)]
    )
    func versions(version: String?, status: Int32) {
        let lines = version.map { ["Sec-WebSocket-Version: \($0)"] } ?? []
        #expect(TestHead.status(TestHead.request(without: "Sec-WebSocket-Version", adding: lines)) == status)
        // Two lines are a contradiction whatever they say.
        if version == nil { return }
        #expect(TestHead.status(TestHead.request(adding: lines)) == 400)
    }

    @Test(
        "Keys",
        arguments: [
            ("", 400), ("dGhlIHNhbXBsZSBub25j", 400), ("dGhlIHNhbXBsZSBub25jZWU=", 400),
            ("dGhlIHNhbXBsZSBub25jZQ=!", 400), ("dGhlIHNhbXBsZSBub25jZR==", 400), ("====", 400),
            ("dGhlIHNhbXBsZSBub25jZ-==", 400), (TestHead.key, 101),
        ] as [(String, Int32)]
    )
    func keys(key: String, status: Int32) {
        let lines = ["Sec-WebSocket-Key: \(key)"]
        #expect(TestHead.status(TestHead.request(without: "Sec-WebSocket-Key", adding: lines)) == status)
        #expect(TestHead.status(TestHead.request(adding: lines)) == 400)
    }

    @Test("No key at all")
    func noKey() { #expect(TestHead.status(TestHead.request(without: "Sec-WebSocket-Key")) == 400) }

    @Test(
        "Upgrade and Connection as lists",
        arguments: [
            (["Upgrade: websocket", "Connection: keep-alive, Upgrade"], 101),
            (["UPGRADE: WebSocket", "CONNECTION: UPGRADE"], 101),
            (["Upgrade: websocket", "Connection: keep-alive", "Connection: upgrade"], 101),
            (["Upgrade: websocket, h2c", "Connection: Upgrade"], 101),
            (["Upgrade: h2c", "Connection: Upgrade"], 400),
            (["Upgrade: websockets", "Connection: Upgrade"], 400),
            (["Upgrade: websocket", "Connection: keep-alive"], 400),
            (["Upgrade: websocket"], 400), (["Upgrade: websocket", "Connection: ,,\t ,Upgrade ,"], 101),
        ] as [([String], Int32)]
    )
    func lists(lines: [String], status: Int32) {
        let rest = ["Host: a", "Sec-WebSocket-Key: \(TestHead.key)", "Sec-WebSocket-Version: 13"]
        #expect(TestHead.status(TestHead.response("GET /media HTTP/1.1", lines + rest)) == status)
    }

    @Test("A plain GET is asked to upgrade")
    func plainGet() {
        #expect(TestHead.status(TestHead.response("GET /media HTTP/1.1", ["Host: a"])) == 426)
        let buffer = ExactBuffer(TestHead.response("GET /media HTTP/1.1", ["Host: a"]))
        var head = trk_http_head()
        #expect(trk_http_parse_request(&head, buffer.start, buffer.count, TestHead.limits) == 0)
        #expect(!trk_http_wants_websocket(&head))
    }

    @Test("HTTP/1.0 may ask plain questions without a Host")
    func oldVersion() {
        let buffer = ExactBuffer(TestHead.response("GET /healthz HTTP/1.0", []))
        var head = trk_http_head()
        #expect(trk_http_parse_request(&head, buffer.start, buffer.count, TestHead.limits) == 0)
    }

    @Test("The end of a head costs linear time, byte by byte")
    func linearTime() {
        // `from` is where each look begins: the bytes looked at are counted by it.
        for (count, end) in [(1 << 20, -431), (16384, 16384), (16385, -431)] as [(Int, Int32)] {
            var bytes = [UInt8](repeating: 0x61, count: count)
            bytes.replaceSubrange((count - 4)..., with: Array("\r\n\r\n".utf8))
            let buffer = ExactBuffer(bytes)
            var from = 0
            var looked = 0
            var result: Int32 = 0
            for given in 1...count {
                looked += given - from
                result = trk_http_head_end(buffer.start, given, &from, TestHead.limits)
                if result != 0 { break }
            }
            #expect(result == end)
            #expect(looked <= 16385)
        }
    }

    @Test("Byte by byte and at random cuts a head ends where it ends as a whole")
    func twins() {
        var random = CodecRandom(seed: 3)
        for _ in 0..<200 {
            let alphabet = Array("\r\n\r\nab: ".utf8)
            let bytes = (0..<40).map { _ in alphabet.randomElement(using: &random) ?? 0 } + Array("\r\n\r\n".utf8)
            let buffer = ExactBuffer(bytes)
            var from = 0
            let whole = trk_http_head_end(buffer.start, buffer.count, &from, TestHead.limits)
            var result: Int32 = 0
            var given = 0
            from = 0
            while result == 0, given < bytes.count {
                given = min(bytes.count, given + Int.random(in: 1...5, using: &random))
                result = trk_http_head_end(buffer.start, given, &from, TestHead.limits)
            }
            #expect(result == whole)
        }
    }

    static let good = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: \(TestHead.accept)"]

    @Test("The answer to our own upgrade")
    func answers() {
        func accepts(_ lines: [String], first: String = "HTTP/1.1 101 Switching Protocols") -> Bool? {
            TestHead.accepts(TestHead.response(first, lines))
        }
        #expect(accepts(Self.good) == true)
        #expect(accepts(["UPGRADE: WebSocket", "connection: x, upgrade", Self.good[2]]) == true)
        #expect(accepts(Self.good, first: "HTTP/1.1 101") == true)
        // Accept: missing, doubled, wrong, cut, in another case.
        #expect(accepts(Array(Self.good.prefix(2))) == false)
        #expect(accepts(Self.good + [Self.good[2]]) == false)
        for wrong in ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "x", "", TestHead.key] {
            #expect(accepts(Self.good.prefix(2) + ["Sec-WebSocket-Accept: \(wrong)"]) == false)
        }
        // Upgrade or Connection missing; what we did not ask for; another status.
        #expect(accepts(Array(Self.good.dropFirst())) == false)
        #expect(accepts([Self.good[0], Self.good[2]]) == false)
        #expect(accepts(Self.good + ["Sec-WebSocket-Extensions: permessage-deflate"]) == false)
        #expect(accepts(Self.good + ["Sec-WebSocket-Protocol: realtime"]) == false)
        #expect(accepts(Self.good, first: "HTTP/1.1 200 OK") == false)
        // No response heads.
        for first in [
            "HTTP/1.0 101 x", "HTTP/1.1 99 x", "HTTP/1.1 1O1 x", "HTTP/1.1 1011", "HTTP/1.1", "ICY 200 OK", "",
        ] {
            #expect(accepts(Self.good, first: first) == nil)
        }
        #expect(accepts(Self.good + ["X : a"]) == nil)
        #expect(accepts(Self.good + (0..<100).map { "X\($0): a" }) == nil)
    }

    @Test("Statuses before the last", arguments: [100, 102, 103, 301, 401, 429, 503] as [Int32])
    func statuses(status: Int32) {
        let buffer = ExactBuffer(TestHead.response("HTTP/1.1 \(status) Some Words", []))
        var head = trk_http_head()
        #expect(trk_http_parse_response(&head, buffer.start, buffer.count, TestHead.limits) == 0)
        #expect(head.status == status)
        #expect(head.reason.string == "Some Words")
    }
}
