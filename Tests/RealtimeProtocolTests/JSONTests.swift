import RealtimeProtocol
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "0.5", "1e+16", "\"\"",
        "[]", "{}", "[1,[2,[3]],{\"a\":[]}]", #"{"b":1,"a":2}"#, #""\"\\\n\r\t\b\f\u0001""#, #""µ-law ✓ 🎉""#,
    ])
    func whatIsWrittenCompactlyComesBackUnchanged(text: String) throws {
        #expect(try JSONValue(parsing: text).text == text)
    }

    @Test(arguments: [
        (#" [ 1 , { "a" : null } ] "#, #"[1,{"a":null}]"#), (#""\u0041\/\u00e9""#, #""A/é""#),
        (#""\ud83c\udf89""#, #""🎉""#), (#""\ud83c""#, "\"\u{FFFD}\""), (#""\udf89x""#, "\"\u{FFFD}x\""),
        (#""\ud83c\u0041""#, "\"\u{FFFD}A\""), ("1.0", "1.0"), ("1E2", "100.0"), ("-0", "0"),
        ("9223372036854775808", "9.223372036854776e+18"),
    ])
    func whatIsWrittenOtherwiseIsUnderstood(text: String, expected: String) throws {
        #expect(try JSONValue(parsing: text).text == expected)
    }

    @Test(arguments: [
        ("", JSONError.Kind.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("[1,]", .unexpectedByte, 3),
        ("[1 2]", .unexpectedByte, 3), ("{\"a\"}", .unexpectedByte, 4), ("{a:1}", .unexpectedByte, 1),
        ("{\"a\":1,}", .unexpectedByte, 7), ("tru", .unexpectedEnd, 3), ("trux", .unexpectedByte, 3),
        ("1 1", .trailingBytes, 2), ("01", .badNumber, 2), ("-", .unexpectedEnd, 1), ("-x", .badNumber, 1),
        ("1.", .unexpectedEnd, 2), ("1.x", .badNumber, 2), ("1e", .unexpectedEnd, 2), ("1e400", .numberOutOfRange, 0),
        ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0), ("NaN", .unexpectedByte, 0), ("\"a", .unexpectedEnd, 2),
        ("\"\\x\"", .badEscape, 2), ("\"\\u12g4\"", .badEscape, 5), ("\"\n\"", .controlCharacter, 1),
        ("'a'", .unexpectedByte, 0), ("[", .unexpectedEnd, 1), ("\u{FEFF}1", .unexpectedByte, 0),
    ])
    func whatIsWrongIsRefusedWithItsPlace(text: String, kind: JSONError.Kind, offset: Int) {
        #expect(throws: JSONError(kind: kind, offset: offset)) { try JSONValue(parsing: text) }
    }

    @Test(arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]])
    func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        #expect(throws: JSONError(kind: .badUTF8, offset: 1)) { try JSONValue(parsing: bytes) }
    }

    @Test func nestingIsLimited() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue(parsing: nested(JSONValue.depthLimit - 1))
        _ = try JSONValue(parsing: nested(JSONValue.depthLimit))
        #expect(throws: JSONError(kind: .tooDeep, offset: JSONValue.depthLimit)) {
            try JSONValue(parsing: nested(JSONValue.depthLimit + 1))
        }
    }

    @Test func theLastOfTwoEqualKeysCounts() throws {
        let value = try JSONValue(parsing: #"{"a":1,"a":2}"#)
        #expect(value["a"] == 2)
        #expect(value.text == #"{"a":1,"a":2}"#)
    }

    @Test func changingAnObjectKeepsTheOrder() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 3
        object["c"] = 4
        object["b"] = nil
        #expect(JSONValue.object(object).text == #"{"a":3,"c":4}"#)
    }

    @Test func numbersThatJSONCannotExpressBecomeNull() {
        #expect(JSONValue.array([.number(.infinity), .number(.nan)]).text == "[null,null]")
    }

    /// Whatever bytes come, parsing ends with a value or an error, and a value survives the round trip.
    @Test func brokenTextsNeverBreakTheParser() throws {
        let seed = #"{"type":"error","n":[-1.5e3,true,null],"s":"\u00e9\ud83c\udf89µ"}"#
        var state: UInt64 = 1
        for _ in 0..<20_000 {
            var bytes = Array(seed.utf8)
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
                if state & 0x7000 == 0 { bytes.removeLast() }
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            #expect(try JSONValue(parsing: value.encode()).encode() == value.encode())
        }
    }
}
