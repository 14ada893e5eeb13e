import CTrunk.Codecs
import Foundation
import Testing

@Suite("JSON text")
struct JSONTextTests {
    /// A string or number value over an exact-size copy of `text`; runs `body` while it lives.
    static func withValue<Result>(
        _ text: [UInt8],
        kind: trk_json_kind = .TRK_JSON_STRING,
        escaped: Bool = true,
        _ body: (inout trk_json_value) throws -> Result
    ) rethrows -> Result {
        let buffer = ExactBuffer(text)
        var value = trk_json_value(
            kind: kind,
            escaped: escaped,
            text: trk_bytes(data: UnsafePointer(buffer.start), count: buffer.count)
        )
        return try body(&value)
    }

    static func unescape(_ text: String) -> [UInt8]? {
        withValue(Array(text.utf8)) { value in
            let output = ExactBuffer(count: value.text.count)
            let count = trk_json_unescape(output.start, &value)
            return count < 0 ? nil : Array(output.bytes.prefix(count))
        }
    }

    static func integer(_ text: String, kind: trk_json_kind = .TRK_JSON_STRING) -> Int64? {
        withValue(Array(text.utf8), kind: kind, escaped: text.contains("\\")) { value in
            var number: Int64 = 4711
            let isInteger = trk_json_integer(&value, &number)
            #expect(isInteger || number == 4711, "untouched on failure")
            return isInteger ? number : nil
        }
    }

    @Test(
        "Unescape",
        arguments: [
            ("", ""), ("plain", "plain"), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#"\u0041\u00e9\u20AC"#, "Aé€"),
            (#"\ud83d\ude00"#, "😀"), (#"\uD800\uDC00\udbff\udfff"#, "\u{10000}\u{10FFFF}"), (#"a\u0000b"#, "a\u{0}b"),
            (#"\uffff\uFEFF"#, "\u{FFFF}\u{FEFF}"), ("é😀\\n", "é😀\n"),
            (#"\u007f\u0080\u07ff\u0800"#, "\u{7F}\u{80}\u{7FF}\u{800}"),
            (
                #"long enough for a whole block\u002fand for one behind it as well"#,
                "long enough for a whole block/and for one behind it as well"
            ),
        ]
    )
    func unescapes(text: String, plain: String) {
        #expect(Self.unescape(text) == Array(plain.utf8))
    }

    @Test(
        "Broken escapes are refused, not read beyond",
        arguments: [
            "\\", "\\u", "\\u1", "\\u123", "\\x", #"\ud800"#, #"\udfff"#, #"\ud800\u0041"#, #"\ud800\"#, #"\ud800\u"#,
            #"\ud800\udc0"#, #"\ud800\ud800\udc00"#, #"\u00g0"#, #"\u+123"#,
        ]
    )
    func broken(text: String) {
        #expect(Self.unescape(text) == nil)
        Self.withValue(Array(text.utf8)) { value in #expect(!trk_json_equals(&value, text)) }
        #expect(Self.integer(text) == nil)
    }

    @Test("Only strings have a text")
    func otherKinds() {
        for kind: trk_json_kind in [.TRK_JSON_ABSENT, .TRK_JSON_NULL, .TRK_JSON_NUMBER, .TRK_JSON_OBJECT] {
            Self.withValue(Array("12".utf8), kind: kind) { value in
                var output: [UInt8] = [0, 0]
                #expect(trk_json_unescape(&output, &value) == -1)
                #expect(!trk_json_equals(&value, "12"))
            }
        }
        var empty = trk_json_value(kind: .TRK_JSON_STRING, escaped: false, text: trk_bytes(data: nil, count: 0))
        var output: UInt8 = 7
        #expect(trk_json_unescape(&output, &empty) == 0)
        #expect(trk_json_equals(&empty, ""))
        #expect(!trk_json_equals(&empty, "a"))
    }

    @Test(
        "Equals compares unescaped and to the end",
        arguments: [
            ("media", "media", true), (#"me\u0064ia"#, "media", true), ("medi", "media", false),
            ("mediaa", "media", false),
            ("Media", "media", false), ("", "", true), ("a", "", false), (#"\/"#, "/", true),
            (#"media\u0000"#, "media", false),
            (#"\u0000"#, "", false), (#"m\u0465dia"#, "media", false), (#"\u006"#, "l", false),
        ]
    )
    func equals(text: String, literal: String, isEqual: Bool) {
        Self.withValue(Array(text.utf8), escaped: text.contains("\\")) { value in
            #expect(trk_json_equals(&value, literal) == isEqual)
        }
    }

    @Test("Integers")
    func integers() {
        let valid: [(String, Int64)] = [
            ("0", 0), ("-0", 0), ("1", 1), ("-1", -1), ("155", 155), ("007", 7), ("9223372036854775807", .max),
            ("-9223372036854775808", .min), ("9007199254740993", 9_007_199_254_740_993), (#"1\u00325"#, 125),
            (String(repeating: "0", count: 400) + "5", 5),
        ]
        for (text, number) in valid { #expect(Self.integer(text) == number, "\(text)") }
        let invalid = [
            "", "-", "+1", "--1", "1-", "x", "1x", " 1", "1 ", "1.0", "1e3", "0x10", "9223372036854775808",
            "-9223372036854775809", "18446744073709551617", String(repeating: "9", count: 400), "１", #"1\n"#, "1\u{0}",
        ]
        for text in invalid { #expect(Self.integer(text) == nil, "\(text)") }
        #expect(Self.integer("8000", kind: .TRK_JSON_NUMBER) == 8000)
        #expect(Self.integer("1e3", kind: .TRK_JSON_NUMBER) == nil)
        #expect(Self.integer("8000.0", kind: .TRK_JSON_NUMBER) == nil)
        for kind: trk_json_kind in [.TRK_JSON_ABSENT, .TRK_JSON_NULL, .TRK_JSON_TRUE, .TRK_JSON_ARRAY] {
            #expect(Self.integer("1", kind: kind) == nil)
        }
    }

    @Test("Escape writes what every reader reads back, and fits exactly")
    func escapes() throws {
        var random = CodecRandom(seed: 31)
        for count in 0...200 {
            let scalars = (0..<count).map { _ in
                Unicode.Scalar(UInt32(random.next() % [0x20, 0x80, 0x80, 0x3000][Int(random.next() % 4)])) ?? "\""
            }
            let plain = Array(String(String.UnicodeScalarView(scalars)).utf8)
            let input = ExactBuffer(plain)
            let roomy = ExactBuffer(count: plain.count * 6)
            let length = trk_json_escape(roomy.start, roomy.count, input.start, input.count)
            let text = Array(roomy.bytes.prefix(length))
            let quoted = Data(Array("\"".utf8) + text + Array("\"".utf8))
            let foundation = try JSONSerialization.jsonObject(with: quoted, options: .fragmentsAllowed) as? String
            try #require(foundation.map { Array($0.utf8) } == plain)
            try #require(Self.unescape(String(decoding: text, as: UTF8.self)) == plain)
            // At the limit, and one below it.
            let exact = ExactBuffer(count: length)
            try #require(trk_json_escape(exact.start, length, input.start, input.count) == length)
            if length > 0 {
                let short = ExactBuffer(count: length - 1)
                try #require(trk_json_escape(short.start, length - 1, input.start, input.count) == 0)
            }
        }
    }

    @Test("The escapes that are written")
    func escapeForms() {
        let plain = Array("\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é".utf8)
        var output = [UInt8](repeating: 0, count: 100)
        let count = trk_json_escape(&output, output.count, plain, plain.count)
        #expect(String(decoding: output.prefix(count), as: UTF8.self) == #"\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7F}é")
    }
}
