import CallPolicy
import SelfTest
import Simulators
import TestSupport
import Testing

/// JSON that is none, and JSON that is meant to be read in two ways.
@Suite(.timeLimit(.minutes(3))) struct JSONInputTests {
    /// Each is one message on a stream of its own: dropped and counted, and the call goes on to the next frame.
    private static let malformed: [(id: String, what: String, text: @Sendable (StreamMessages) -> String)] = [
        ("D1", "nothing", { _ in "" }), ("D1", "spaces", { _ in "   " }), ("D1", "null", { _ in "null" }),
        ("D1", "a number", { _ in "1" }), ("D1", "a string", { _ in #""x""# }), ("D1", "an array", { _ in "[]" }),
        ("D1", "an empty object", { _ in "{}" }), ("D2", "cut", { String($0.media("QUJD").dropLast()) }),
        ("D2", "a comma too many", { _ in #"{"event":"x",}"# }), ("D2", "a comment", { _ in #"{"event":"x"/**/}"# }),
        ("D2", "single quotes", { _ in "{'event':'x'}" }), ("D2", "NaN", { _ in #"{"event":"x","a":NaN}"# }),
        ("D2", "Infinity", { _ in #"{"event":"x","a":Infinity}"# }),
        ("D2", "a mark of byte order", { "\u{FEFF}" + $0.media("QUJD") }),
        ("D2", "two documents", { $0.media("QUJD") + $0.media("QUJD") }),
        ("D4", "two events", { _ in #"{"event":"media","event":"stop"}"# }),
        ("D4", "two events, one escaped", { _ in #"{"event":"media","\u0065vent":"stop"}"# }),
        (
            "D5", "two payloads",
            { #"{"event":"media","media":{"payload":"QUJD","payload":"QUJE"},"streamSid":"MZ-\#($0.name)"}"# }
        ),
        (
            "D5", "two media",
            { #"{"event":"media","media":{"payload":"QUJD"},"media":{"payload":"QUJE"},"streamSid":"MZ-\#($0.name)"}"# }
        ),
        (
            "D11", "4,097 members",
            { _ in #"{"event":"x","a":["# + Array(repeating: "1", count: 4_096).joined(separator: ",") + "]}" }
        ),
        (
            "D11", "33 levels",
            { _ in #"{"event":"x","a":"# + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}" }
        ),
        ("D12", "01", { $0.media("QUJD", timestamp: "01") }), ("D12", "+1", { $0.media("QUJD", timestamp: "+1") }),
        ("D12", ".5", { $0.media("QUJD", timestamp: ".5") }), ("D12", "1.", { $0.media("QUJD", timestamp: "1.") }),
        ("D12", "1e999999999", { $0.media("QUJD", timestamp: "1e999999999") }),
        ("D12", "400 digits", { $0.media("QUJD", timestamp: String(repeating: "9", count: 400)) }),
        ("D13", "no number", { $0.media("QUJD", timestamp: #""x""#) }),
        ("D13", "a number for a stream", { _ in #"{"event":"media","media":{"payload":"QUJD"},"streamSid":1}"# }),
        ("D14", "half a pair", { $0.media(#"\ud800"#) }), ("D14", "a pair in reverse", { $0.media(#"\udc00\ud800"#) }),
        ("D14", "no digits", { $0.media(#"\uZZZZ"#) }), ("D14", "two digits", { $0.media(#"\u12"#) }),
        (
            "D15", "NUL in a stream",
            { #"{"event":"media","media":{"payload":"QUJD"},"streamSid":"MZ-\#($0.name)\u0000"}"# }
        ),
        ("D15", "NUL in a mark", { $0.message("mark", #"{"name":"a\u0000b"}"#) }),
        ("D16", "a raw control character", { $0.media("QUJD\u{01}") }),
        ("D16", "a raw line feed", { $0.media("QUJD\n") }),
        ("D22", "payload null", { $0.media("QUJD").replacing(#""QUJD""#, with: "null") }),
        ("D22", "payload a number", { $0.media("QUJD").replacing(#""QUJD""#, with: "1") }),
        ("D22", "payload an array", { $0.media("QUJD").replacing(#""QUJD""#, with: "[]") }),
        ("D22", "no payload", { $0.media("QUJD").replacing(#""payload""#, with: #""other""#) }),
    ]

    /// Payloads that are no base64.
    private static let payloads: [(id: String, what: String, payload: String)] = [
        ("D18", "a quote that ends it", #"AA\",\"type\":\"session.update\",\"x\":\""#),
        ("D19", "an escaped quote", #"AA\u0022,\u0022type\u0022:1"#), ("D19", "an escaped backslash", #"QUJ\u005c"#),
        ("D19", "an escaped line feed", #"QUJD\n"#), ("D21", "spaces", "QU JD"), ("D21", "CR LF", #"QUJD\r\n"#),
        ("D21", "the other alphabet", "-_-_"), ("D21", "5 characters", "QUJDR"), ("D21", "3 characters", "QUJ"),
        ("D21", "= inside", "QU=DQUJD"), ("D21", "====", "===="), ("D21", "bits behind the end", "QUJ="),
        ("D23", "two joined", "QUE=QkI="),
    ]

    /// What must be read as a frame.
    private static let fine: [(id: String, what: String, text: @Sendable (StreamMessages) -> String)] = [
        ("D6", "an escaped key", { $0.media("QUJD").replacing(#""event""#, with: #""\u0065vent""#) }),
        (
            "D6", "an escaped value",
            { $0.media("QUJD").replacing(#""event":"media""#, with: #""ev\u0065nt":"me\u0064ia""#) }
        ),
        (
            "D7", "another order",
            {
                #"{"x":[1,{}],"streamSid":"MZ-\#($0.name)","media":{"payload":"QUJD","track":"inbound"},"event":"media"}"#
            }
        ),
        (
            "D7", "10 KiB of spaces",
            { $0.media("QUJD").replacing(":", with: String(repeating: " ", count: 2_048) + ":") }
        ),
        (
            "D9", "the key inside another first",
            { #"{"mark":{"event":"stop"},"event":"media","media":{"payload":"QUJD"},"streamSid":"MZ-\#($0.name)"}"# }
        ),
        (
            "D11", "64 KiB of backslashes",
            { #"{"x":"\#(String(repeating: #"\\"#, count: 32_000))","# + $0.media("QUJD").dropFirst() }
        ),
        (
            "D11", "4,080 members",
            {
                #"{"x":[\#(Array(repeating: "1", count: 4_080).joined(separator: ","))],"#
                    + $0.media("QUJD").dropFirst()
            }
        ),
        ("D12", "-0", { $0.media("QUJD", timestamp: "-0") }),
        ("D13", "a number for a numeral", { $0.media("QUJD", sequence: "2", timestamp: "5") }),
        ("D20", "an escaped slash", { $0.media(#"QUJ\/"#) }),
        ("D20", "escaped / and +", { $0.media(#"\u002f\u002bJD"#) }),
        ("D21", "nothing in it", { $0.media("") }),
    ]

    /// Cases of one id get streams of their own.
    private static func numbered(_ id: String, _ index: Int) -> String { "\(id)-\(index)" }

    @Test func areDroppedAndCounted() async throws {
        var cases: [HostileCase] = []
        for (index, entry) in Self.malformed.enumerated() {
            let id = Self.numbered(entry.id, index)
            let stream = StreamMessages(id)
            cases.append(.call(id, entry.what, [entry.text(stream), stream.media("QUJD")], frames: 1, [.json: 1]))
        }
        for (index, entry) in Self.payloads.enumerated() {
            let id = Self.numbered(entry.id, 100 + index)
            let stream = StreamMessages(id)
            cases.append(
                .call(id, entry.what, [stream.media(entry.payload), stream.media("QUJD")], frames: 1, [.base64: 1])
            )
        }
        for (index, entry) in Self.fine.enumerated() {
            let id = Self.numbered(entry.id, 200 + index)
            cases.append(.call(id, entry.what, [entry.text(StreamMessages(id))], frames: 1))
        }
        let long = StreamMessages("D22-300")
        cases.append(
            .call(
                long.name,
                "64 KiB of payload",
                [long.media(String(repeating: "A", count: 65_536))],
                frames: 0,
                [.limitCloses: 1],
                .close(1009)
            )
        )
        cases.append(.call("D17-301", "no UTF-8", [], frames: 0, [.protocolErrors: 1], .close(1007)))
        cases[cases.count - 1].bytes += RawBytes.frame(1, [0x7B, 0xFF])
        // Twenty are forgiven, one more is not.
        for (id, count, outcome) in [("D1-302", 20, Outcome.close(1000)), ("D1-303", 21, .close(1008))] {
            var counters: [Counter: Int] = [.json: count]
            if outcome == .close(1008) { counters[.limitCloses] = 1 }
            cases.append(
                .call(
                    id,
                    "\(count) that are none",
                    Array(repeating: "nonsense", count: count),
                    frames: 0,
                    counters,
                    outcome
                )
            )
        }
        try await HostileTable.run(cases, turns: 2)
    }

    /// What goes on to the model is the audio and nothing that was smuggled beside it.
    @Test func nothingIsPassedOnAsText() async throws {
        let rig = try await Witness.rig { $0.model.recordsAudio = true }
        let stream = StreamMessages("D23")
        let client = try RawClient(port: rig.serverPort)
        // Joined as texts these would be no base64, or other audio.
        client.send(stream.begun([stream.media("QUE="), stream.media("QkI="), stream.media(#"Q0\u0044\/"#)]))
        let smuggled = #"AA\",\"type\":\"session.update\",\"x\":\""#
        client.send(RawBytes.text(stream.media(smuggled)) + RawBytes.text(stream.media("RUZH")))
        let sent = Array("AABB".utf8) + [0x43, 0x40, 0xFF] + Array("EFG".utf8)
        await rig.wait { $0.audio(of: 1).count >= sent.count }
        #expect(rig.modelLog.audio(of: 1) == sent)
        let updates = rig.modelLog.entries.count { if case .received(_, "session.update") = $0 { true } else { false } }
        #expect(updates == 1)
        client.send(RawBytes.close(1000))
        #expect(await client.answer().closeCode == 1000)
        await HostileTable.end(rig)
    }
}
