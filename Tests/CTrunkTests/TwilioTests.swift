import CTrunk.Codecs
import Foundation
import Testing

@Suite("Twilio messages")
struct TwilioTests {
    private func expect(_ text: String, _ expected: ParsedTwilio, _ location: SourceLocation = #_sourceLocation) {
        let result = ParsedTwilio.parse(text)
        #expect(result.status == .TRK_OK, sourceLocation: location)
        #expect(result.message == expected, sourceLocation: location)
    }

    @Test("The messages as Twilio sends them")
    func wire() {
        expect(
            #"{"event":"connected","protocol":"Call","version":"1.0.0"}"#,
            ParsedTwilio(kind: .TRK_TWILIO_CONNECTED)
        )
        expect(
            """
            {"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ2","callSid":"CA3",\
            "tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},\
            "customParameters":{"tenant":"acme","token":"t1","callSid":"no"}},"streamSid":"MZ2"}
            """,
            ParsedTwilio(
                kind: .TRK_TWILIO_START,
                sequence: 1,
                sampleRate: 8000,
                channels: 1,
                streamSid: "MZ2",
                callSid: "CA3",
                accountSid: "AC1",
                encoding: "audio/x-mulaw"
            )
        )
        expect(
            """
            {"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"155",\
            "payload":"//////////8="},"streamSid":"MZ2"}
            """,
            ParsedTwilio(
                kind: .TRK_TWILIO_MEDIA,
                inbound: true,
                sequence: 2,
                chunk: 1,
                timestamp: 155,
                streamSid: "MZ2",
                payload: "//////////8="
            )
        )
        expect(
            #"{"event":"dtmf","streamSid":"MZ2","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_DTMF, inbound: true, sequence: 5, streamSid: "MZ2", digit: "1")
        )
        expect(
            #"{"event":"mark","sequenceNumber":"81","streamSid":"MZ2","mark":{"name":"item_a1:1200"}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_MARK, sequence: 81, streamSid: "MZ2", mark: "item_a1:1200")
        )
        expect(
            #"{"event":"stop","sequenceNumber":"378","streamSid":"MZ2","stop":{"accountSid":"AC1","callSid":"CA3"}}"#,
            ParsedTwilio(
                kind: .TRK_TWILIO_STOP,
                sequence: 378,
                streamSid: "MZ2",
                callSid: "CA3",
                accountSid: "AC1"
            )
        )
    }

    @Test(
        "Malformed messages are refused and leave nothing behind",
        arguments: [
            // Not JSON, or not an object.
            "", "  ", "null", "1", "\"x\"", "[]", "{}", #"{"event":"media""#, #"{"event":"stop",}"#,
            "\u{FEFF}{\"event\":\"stop\"}",
            #"{'event':'stop'}"#, #"{"event":NaN}"#, #"{"event":"stop"}{"event":"stop"}"#, #"["event","stop"]"#,
            // Doubled keys, also behind escapes.
            #"{"event":"media","event":"stop"}"#, #"{"event":"stop","\u0065vent":"stop"}"#,
            #"{"event":"media","media":{"payload":"","payload":"AAAA"}}"#,
            #"{"event":"media","media":{"payload":""},"media":{}}"#,
            #"{"event":"start","start":{"callSid":"a","callSid":"b"}}"#,
            #"{"event":"stop","start":{"callSid":1,"callSid":2}}"#,
            // Wrong types, and what is not a numeral.
            #"{"event":5}"#, #"{"event":null}"#, #"{"event":["stop"]}"#, #"{"Event":"stop"}"#,
            #"{"event":"media","media":{"payload":"","timestamp":"x"}}"#,
            #"{"event":"media","media":{"payload":"","chunk":1.5}}"#,
            #"{"event":"media","media":{"payload":"","chunk":true}}"#,
            #"{"event":"media","sequenceNumber":"","media":{"payload":""}}"#,
            #"{"event":"start","start":{"mediaFormat":{"sampleRate":"8k"}}}"#,
            #"{"event":"start","start":{"mediaFormat":{"encoding":1}}}"#,
            #"{"event":"stop","streamSid":5}"#, #"{"event":"stop","stop":{"callSid":["x"]}}"#,
            #"{"event":"mark","mark":{"name":7}}"#,
            #"{"event":"media","media":{"payload":"","track":1}}"#,
            #"{"event":"stop","sequenceNumber":99999999999999999999}"#,
            // Lone surrogates, NULs and control characters.
            #"{"event":"stop","x":"\ud800"}"#, #"{"event":"mark","mark":{"name":"\udc00\ud800"}}"#,
            #"{"event":"stop","x":"\uZZZZ"}"#,
            #"{"event":"stop","streamSid":"MZ\u0000"}"#, #"{"event":"mark","mark":{"name":"a\u0000b"}}"#,
            "{\"event\":\"st\u{1}op\"}",
            #"{"event":"start","start":{"callSid":"CA\n"}}"#, #"{"event":"stop","streamSid":"é"}"#,
            // No payload.
            #"{"event":"media"}"#, #"{"event":"media","media":{}}"#, #"{"event":"media","media":{"payload":null}}"#,
            #"{"event":"media","media":{"payload":5}}"#, #"{"event":"media","media":["payload"]}"#,
            #"{"event":"media","media":"x"}"#,
        ]
    )
    func malformed(text: String) {
        let result = ParsedTwilio.parse(text)
        #expect(result.status == .TRK_EINVALID)
        #expect(result.message == ParsedTwilio())
    }

    @Test("Odd but valid messages")
    func odd() {
        // Escaped keys, spaces, other orders, the same keys deeper down.
        expect(
            #"{"\u0065vent":"me\u0064ia","m\u0065dia":{"p\u0061yload":"AA==","chunk":"\u0032"}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_MEDIA, inbound: true, chunk: 2, payload: "AA==")
        )
        let spaces = String(repeating: " \r\n\t", count: 2560)
        expect(
            "{\(spaces)\"zzz\":[1,{}],\(spaces)\"event\"\(spaces):\"stop\"}\(spaces)",
            ParsedTwilio(kind: .TRK_TWILIO_STOP)
        )
        expect(
            #"{"mark":{"event":"stop","media":{"payload":"x"}},"event":"media","media":{"payload":"AAAA"}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_MEDIA, inbound: true, payload: "AAAA")
        )
        // Numbers, signs and sizes.
        expect(
            #"{"event":"media","sequenceNumber":7,"media":{"chunk":1,"timestamp":9007199254740993,"payload":""}}"#,
            ParsedTwilio(
                kind: .TRK_TWILIO_MEDIA,
                inbound: true,
                sequence: 7,
                chunk: 1,
                timestamp: 9_007_199_254_740_993
            )
        )
        expect(#"{"event":"stop","sequenceNumber":"-5"}"#, ParsedTwilio(kind: .TRK_TWILIO_STOP))
        expect(#"{"event":"stop","sequenceNumber":null,"streamSid":null}"#, ParsedTwilio(kind: .TRK_TWILIO_STOP))
        expect(
            #"{"event":"start","start":{"mediaFormat":{"sampleRate":"8000","channels":"1"}}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_START, sampleRate: 8000, channels: 1)
        )
        // The outer stream sid wins; the inner one serves when there is none.
        expect(
            #"{"event":"start","start":{"streamSid":"MZ1"},"streamSid":"MZ2"}"#,
            ParsedTwilio(kind: .TRK_TWILIO_START, streamSid: "MZ2")
        )
        expect(
            #"{"event":"start","start":{"streamSid":"M\u005a1","callSid":"\u0043A","accountSid":"A\u0043"}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_START, streamSid: "MZ1", callSid: "CA", accountSid: "AC")
        )
        // Unknown events; fields of other events do not matter.
        expect(#"{"event":""}"#, ParsedTwilio())
        expect(#"{"event":"stop\u0000"}"#, ParsedTwilio())
        expect("{\"event\":\"\(String(repeating: "x", count: 1 << 20))\"}", ParsedTwilio())
        expect(#"{"event":"stop","media":{"chunk":"x","payload":5},"start":7}"#, ParsedTwilio(kind: .TRK_TWILIO_STOP))
        expect(#"{"event":"mark"}"#, ParsedTwilio(kind: .TRK_TWILIO_MARK))
    }

    @Test("Tracks and digits")
    func tracksAndDigits() {
        for (track, inbound) in [
            (#""inbound""#, true), (#""inbound_track""#, true), (#""outbound""#, false), (#""outbound_track""#, false),
            (#""""#, false), ("null", true), (#""in\u0062ound""#, true),
        ] {
            for text in [
                "{\"event\":\"media\",\"media\":{\"track\":\(track),\"payload\":\"\"}}",
                "{\"event\":\"dtmf\",\"dtmf\":{\"track\":\(track),\"digit\":\"1\"}}",
            ] {
                let result = ParsedTwilio.parse(text)
                #expect(result.status == .TRK_OK && result.message.inbound == inbound, "\(text)")
            }
        }
        for digit in "0123456789*#ABCD" {
            expect(
                "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"\(digit)\"}}",
                ParsedTwilio(kind: .TRK_TWILIO_DTMF, inbound: true, digit: String(digit))
            )
        }
        expect(
            #"{"event":"dtmf","dtmf":{"digit":"\u0035"}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_DTMF, inbound: true, digit: "5")
        )
        expect(
            #"{"event":"dtmf","dtmf":{"digit":5}}"#,
            ParsedTwilio(kind: .TRK_TWILIO_DTMF, inbound: true, digit: "5")
        )
        for digit in [#""""#, #""E""#, #""a""#, #""12""#, #""\u0000""#, #""é""#, "12", "-1", "null", "true", "[]"] {
            expect(
                "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\(digit)}}",
                ParsedTwilio(kind: .TRK_TWILIO_DTMF, inbound: true)
            )
        }
    }

    @Test(
        "A payload comes unescaped, and is the reader's to check",
        arguments: [
            // Legal escapes, attempts to break out, and what base64 refuses.
            (#"\/\/8="#, "//8=", true), (#"AA\u002f\u002b"#, "AA/+", true), ("", "", true), ("AAAA", "AAAA", true),
            (#"AA\",\"type\":\"session.update\",\"x\":\""#, #"AA","type":"session.update","x":""#, false),
            (#"AA\u0022,"#, #"AA","#, false), (#"AAA\u005c"#, #"AAA\"#, false), (#"AAA\n"#, "AAA\n", false),
            ("AA A", "AA A", false), ("AA-_", "AA-_", false), ("AAA", "AAA", false), ("A=AA", "A=AA", false),
            ("====", "====", false),
            ("AB==", "AB==", false), ("QUE=QkI=", "QUE=QkI=", false), (#"AAA\u00e9"#, "AAAé", false),
            (#"AAA\u0000"#, "AAA\u{0}", false),
        ]
    )
    func payloads(text: String, plain: String, isBase64: Bool) {
        let result = ParsedTwilio.parse("{\"event\":\"media\",\"media\":{\"payload\":\"\(text)\"}}")
        #expect(result.status == .TRK_OK)
        #expect(result.message.payload == plain)
        let payload = ExactBuffer(Array(result.message.payload.utf8))
        #expect((trk_base64_check(payload.text, payload.count) >= 0) == isBase64)
    }

    @Test("Many escaped fields share the scratch without touching each other")
    func scratch() {
        expect(
            #"{"event":"start","streamSid":"\u0041\u0042","start":{"streamSid":"\u0043","accountSid":"\u0044\u0045","#
                + #""callSid":"\u0046","mediaFormat":{"encoding":"audio\/x-mulaw"}}}"#,
            ParsedTwilio(
                kind: .TRK_TWILIO_START,
                streamSid: "AB",
                callSid: "F",
                accountSid: "DE",
                encoding: "audio/x-mulaw"
            )
        )
    }

    @Test("Ids below, at and above their limits")
    func limits() {
        for (template, max) in [
            ("{\"event\":\"stop\",\"streamSid\":\"%\"}", TRK_TWILIO_SID_MAX),
            ("{\"event\":\"stop\",\"stop\":{\"accountSid\":\"%\"}}", TRK_TWILIO_SID_MAX),
            ("{\"event\":\"start\",\"start\":{\"callSid\":\"%\"}}", TRK_TWILIO_SID_MAX),
            ("{\"event\":\"mark\",\"mark\":{\"name\":\"%\"}}", TRK_TWILIO_MARK_MAX),
        ] {
            for (extra, status): (Int, trk_status) in [(-1, .TRK_OK), (0, .TRK_OK), (1, .TRK_EINVALID)] {
                let id = String(repeating: "x", count: Int(max) + extra)
                #expect(ParsedTwilio.parse(template.replacing("%", with: id)).status == status)
                // The limit holds for what the text means, not for how it is written.
                let escaped = String(repeating: "\\u0078", count: Int(max) + extra)
                #expect(ParsedTwilio.parse(template.replacing("%", with: escaped)).status == status)
            }
        }
        let deep = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
        #expect(ParsedTwilio.parse("{\"event\":\"stop\",\"x\":\(deep)}").status == .TRK_EFULL)
    }
}
