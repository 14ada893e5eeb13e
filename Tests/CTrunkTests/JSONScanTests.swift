import CTrunk.Codecs
import Foundation
import Testing

@Suite("JSON scan")
struct JSONScanTests {
    static let validTexts = [
        "null", "true", "false", "0", "-0", "1", "10", "-1.5", "1e5", "1E+5", "1e-999", "1e999999999", "0.0e0", "\"\"",
        " \t\r\n[ ] ", "{}", "[[],{}]", "{\"a\":{\"b\":[1,2,{\"c\":null}]}}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
        "\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\"", "\"\u{7F}é😀\"", "{\"a\":1,\"a\":2}", "{\"\":0}",
        String(repeating: "9", count: 400), "[1,2,3]", "{\"a\" : 1 , \"b\" : 2}",
    ]

    static let invalidTexts = [
        "", " ", "\u{FEFF}{}", "nul", "nulll", "True", "tru", "NaN", "Infinity", "-Infinity", "-", "+1", "01", "-01",
        ".5",
        "1.", "1.e1", "1e", "1e+", "0x10", "1_000", "--1", "1 2", "{} {}", "[]]", "{}x", "[", "]", "{", "}", "[1,]",
        "[,1]",
        "[1 2]", "[1:2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\" 1}", "{a:1}", "{1:1}", "{'a':1}", "[}",
        "{]",
        "{\"a\":1]", "[1}", "\"", "\"a", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\uZZZZ\"",
        "\"\\U0041\"",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\\ud800\"",
        "\"\\udc00\\udc00\"", "\"\\ud800x\"",
        "\"\\ud800\\n\"", "\"\\ud83d\\\"", "\"\\ud83d\\ude0\"", "\"\u{0}\"", "\"\u{1F}\"", "\"a\nb\"", "\"a\tb\"",
        "{\"\\ud800\":1}", "[1]//", "/**/1", "{}\u{0}", "\u{0}", "[1,\u{0}]", "\u{A0}1", "\u{B}1", "\u{C}1", "'a'",
    ]

    @Test("Valid documents", arguments: validTexts)
    func valid(text: String) {
        #expect(scanJSON(text).status == .TRK_OK)
    }

    @Test("Invalid documents", arguments: invalidTexts)
    func invalid(text: String) {
        let result = scanJSON(text, ["a", "b"])
        #expect(result.status == .TRK_EINVALID)
        #expect(result.values == [.absent, .absent])
    }

    @Test("JSONTestSuite: all of y_ accepted, all of n_ refused")
    func testSuite() throws {
        guard let folder = SharedFiles.folder("json-suite/test_parsing") else { return }
        var counts: [Character: Int] = [:]
        for name in try SharedFiles.names(in: folder) {
            let status = scanJSON(try SharedFiles.bytes(name, in: folder)).status
            counts[name.first!, default: 0] += 1
            switch name.first! {
            case "y": #expect(status == .TRK_OK, "\(name)")
            case "n": #expect(status != .TRK_OK, "\(name)")
            default: break
            }
        }
        #expect(counts["y"] == 95)
        #expect(counts["n"] == 188)
    }

    @Test("Each cut of a document is refused")
    func cuts() {
        let text = Array(#" {"a":{"b":["x\u00e9",1.5e-3,true,null]},"c":"\ud83d\ude00"}"#.utf8)
        #expect(scanJSON(text).status == .TRK_OK)
        for count in 0..<text.count {
            #expect(scanJSON(Array(text.prefix(count))).status == .TRK_EINVALID, "\(count) bytes")
        }
    }

    // MARK: Watched fields

    @Test("Values are found at their paths, whatever else stands around")
    func paths() {
        let text = """
            {"x":{"event":"no"},"list":[{"event":"no"}],"event":"media","n":-1.5e3,"t":true,"f":false,"z":null,
             "media":{"deep":{"payload":"no"},"payload":"AA\\/=","extra":[1,{"payload":2}]},"o":{"a":[1]},"l":[ 1, [2] ]}
            """
        let result = scanJSON(
            text,
            ["event", "n", "t", "f", "z", "media.payload", "o", "l", "o.a", "none", "media.none"]
        )
        #expect(result.status == .TRK_OK)
        #expect(
            result.values == [
                .string("media"), .number("-1.5e3"), FoundValue(kind: .TRK_JSON_TRUE, escaped: false, text: "true"),
                FoundValue(kind: .TRK_JSON_FALSE, escaped: false, text: "false"),
                FoundValue(kind: .TRK_JSON_NULL, escaped: false, text: "null"), .string("AA\\/=", escaped: true),
                FoundValue(kind: .TRK_JSON_OBJECT, escaped: false, text: "{\"a\":[1]}"),
                FoundValue(kind: .TRK_JSON_ARRAY, escaped: false, text: "[ 1, [2] ]"),
                FoundValue(kind: .TRK_JSON_ARRAY, escaped: false, text: "[1]"), .absent, .absent,
            ]
        )
    }

    @Test("Four keys lead to a value, and a prefix of a watched key is another key")
    func deepPaths() {
        let result = scanJSON(
            #"{"a":{"b":{"c":{"d":1,"dd":2,"":3}},"bb":4},"ab":5}"#,
            ["a.b.c.d", "ab", "a.b.c", "a.bbb"]
        )
        #expect(result.values[0] == .number("1"))
        #expect(result.values[1] == .number("5"))
        #expect(result.values[2].text == #"{"d":1,"dd":2,"":3}"#)
        #expect(result.values[3] == .absent)
        #expect(scanJSON(#"[{"a":1}]"#, ["a"]).values == [.absent])
        #expect(scanJSON(#""a""#, ["a"]).values == [.absent])
    }

    @Test(
        "A value of another type at a container's path has no children",
        arguments: [
            "\"payload\"", "[{\"payload\":1}]", "12", "null", "true", "{}", "[]",
        ]
    )
    func otherTypes(value: String) {
        let result = scanJSON("{\"media\":\(value),\"payload\":1}", ["media.payload", "media"])
        #expect(result.status == .TRK_OK)
        #expect(result.values[0] == .absent)
        #expect(result.values[1].kind != .TRK_JSON_ABSENT)
    }

    @Test(
        "Keys are compared unescaped",
        arguments: [
            (#"{"\u0065vent":"x"}"#, true), (#"{"ev\u0065nt":"x"}"#, true), (#"{"event\u0000":"x"}"#, false),
            (#"{"\u0000":"x"}"#, false), (#"{"Event":"x"}"#, false), (#"{"event ":"x"}"#, false),
            (#"{"even":"x"}"#, false),
            (#"{"\u0065\u0076\u0065\u006e\u0074":"x"}"#, true), (#"{"ev\u0065n":"x"}"#, false),
            (#"{"ev\u00e9nt":"x"}"#, false),
        ]
    )
    func escapedKeys(text: String, isFound: Bool) {
        #expect(scanJSON(text, ["event"]).values == [isFound ? .string("x") : .absent])
        #expect(scanJSON(text, ["event"]).status == .TRK_OK)
    }

    @Test(
        "A watched key, or one that leads to it, stands once",
        arguments: [
            #"{"event":"media","event":"stop"}"#, #"{"event":"media","event":"media"}"#, #"{"event":1,"\u0065vent":1}"#,
            #"{"media":{"payload":"","payload":""}}"#, #"{"media":{},"media":{"payload":""}}"#,
            #"{"media":1,"media":{}}"#,
            #"{"media":{"payload":""},"m\u0065dia":null}"#, #"{"media":{"payload":1,"x":{"payload":2},"payload":3}}"#,
        ]
    )
    func duplicates(text: String) {
        let result = scanJSON(text, ["event", "media.payload"])
        #expect(result.status == .TRK_EINVALID)
        #expect(result.values == [.absent, .absent])
        #expect(scanJSON(text).status == .TRK_OK, "unwatched duplicates are the reader's affair")
    }

    @Test(
        "Other duplicates, and the same key in other objects, are fine",
        arguments: [
            #"{"x":1,"x":2,"event":"a"}"#, #"{"x":{"event":1,"event":2},"event":"a"}"#,
            #"{"media":{"event":1,"event":2,"payload":""},"event":"a"}"#,
            #"{"l":[{"event":1},{"event":2}],"event":"a"}"#,
            #"{"media":{"x":{"payload":1,"payload":2}},"event":"a"}"#,
        ]
    )
    func otherDuplicates(text: String) {
        let result = scanJSON(text, ["event", "media.payload"])
        #expect(result.status == .TRK_OK)
        #expect(result.values[0] == .string("a"))
    }

    // MARK: Limits

    @Test("Depth below, at and above the limit")
    func depth() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        func objects(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        }
        for make in [nested, objects] {
            #expect(scanJSON(make(Int(TRK_JSON_DEPTH_MAX) - 1)).status == .TRK_OK)
            #expect(scanJSON(make(Int(TRK_JSON_DEPTH_MAX))).status == .TRK_OK)
            #expect(scanJSON(make(Int(TRK_JSON_DEPTH_MAX) + 1)).status == .TRK_EFULL)
        }
        let result = scanJSON("{\"a\":1,\"b\":\(nested(32))}", ["a"])
        #expect(result.status == .TRK_EFULL && result.values == [.absent])
    }

    @Test("Members below, at and above the limit")
    func members() {
        let max = Int(TRK_JSON_MEMBERS_MAX)
        func elements(_ count: Int) -> [UInt8] {
            Array(("[" + String(repeating: "0,", count: count - 1) + "0]").utf8)
        }
        #expect(scanJSON(elements(max - 1)).status == .TRK_OK)
        #expect(scanJSON(elements(max)).status == .TRK_OK)
        #expect(scanJSON(elements(max + 1)).status == .TRK_EFULL)
        // Members of all levels count together.
        let rows = "[" + String(repeating: "{\"a\":[0]},", count: max / 3) + "0"
        #expect(scanJSON(rows + "]").status == .TRK_OK)
        #expect(scanJSON(rows + ",0]").status == .TRK_EFULL)
    }

    @Test("Fields below, at and above the limit")
    func fields() {
        let max = Int(TRK_JSON_FIELDS_MAX)
        let text = "{" + (0...max).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
        for count in [0, 1, max - 1, max] {
            let result = scanJSON(text, (0..<count).map { "k\($0)" })
            #expect(result.status == .TRK_OK)
            #expect(result.values == (0..<count).map { .number("\($0)") })
        }
        #expect(scanJSON(text, (0...max).map { "k\($0)" }).status == .TRK_EINVALID)
    }

    @Test("Large inputs are read in linear time")
    func large() {
        let megabyte = 1 << 20
        let key = "{\"" + String(repeating: "k", count: megabyte) + "\":1,\"event\":\"media\"}"
        #expect(scanJSON(key, ["event"]).values == [.string("media")])
        let slashes = "{\"event\":\"" + String(repeating: "\\\\", count: 1 << 15) + "\"}"
        #expect(scanJSON(slashes, ["event"]).values[0].text.utf8.count == 1 << 16)
        let spaces = String(repeating: " \n\t\r", count: 2560)
        #expect(
            scanJSON("{\(spaces)\"event\"\(spaces):\(spaces)1\(spaces)}\(spaces)", ["event"]).values == [.number("1")]
        )
        #expect(scanJSON(String(repeating: "{\"a\":", count: 100_000)).status == .TRK_EFULL)
        #expect(scanJSON("1e" + String(repeating: "9", count: megabyte)).status == .TRK_OK)
        let many = "{" + String(repeating: "\"a\":1,", count: 1_000_000) + "\"a\":1}"
        #expect(scanJSON(many).status == .TRK_EFULL)
    }

    @Test("Strings of every length to 300: a stop byte is seen wherever it stands")
    func stringLengths() throws {
        for count in 0...300 {
            var text = Array("\"".utf8) + Array(repeating: UInt8(ascii: "A"), count: count) + Array("\"".utf8)
            try #require(scanJSON(text).status == .TRK_OK)
            for byte: UInt8 in [0x00, 0x1F, 0x22, 0x5C] where count > 0 {
                let position = 1 + (count * 7 + Int(byte)) % count
                text[position] = byte
                try #require(scanJSON(text).status == .TRK_EINVALID, "\(byte) at \(position) of \(count)")
                text[position] = UInt8(ascii: "A")
            }
            for byte: UInt8 in [0x20, 0x7F, 0x80, 0xFF, 0x5B, 0x5D, 0x21, 0x23] where count > 0 {
                text[1 + count / 2] = byte
                try #require(scanJSON(text).status == .TRK_OK)
            }
        }
    }
}
