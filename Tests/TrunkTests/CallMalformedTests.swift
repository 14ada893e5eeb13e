import Testing
import Trunk

/// Messages that break the dialect are dropped with a reason; the call goes on.
@Suite(.timeLimit(.minutes(1))) struct CallMalformedTests {
    static func media(_ body: String, sid: String = "MZ1") -> String {
        #"{"event":"media","streamSid":"\#(sid)","media":\#(body)}"#
    }

    static func payload(_ text: String) -> String { media(#"{"payload":"\#(text)"}"#) }

    static let carrier: [(text: String, reason: MalformedReason)] = [
        // Not JSON of the dialect.
        ("", .json), ("   ", .json), ("null", .json), ("1", .json), ("\"x\"", .json), ("[]", .json), ("{}", .json),
        (#"{"event":"media","#, .json), (#"{"event":"media",}"#, .json), (#"{'event':'media'}"#, .json),
        (#"{"event":"media"} x"#, .json), (#"{"event":"media"}{}"#, .json), ("\u{FEFF}{\"event\":\"stop\"}", .json),
        (#"{"event":"media"/**/}"#, .json), (#"{"event":NaN}"#, .json), (#"{"event":1}"#, .json),
        (#"{"event":"media","x":01}"#, .json), (#"{"event":"media","x":+1}"#, .json),
        (#"{"event":"media","x":.5}"#, .json), (#"{"event":"media","x":1.}"#, .json),
        (#"{"event":"media","x":"\ud800"}"#, .json), (#"{"event":"media","x":"\uZZZZ"}"#, .json),
        (#"{"event":"media","x":"\u12"}"#, .json), ("{\"event\":\"media\",\"x\":\"\u{1}\"}", .json),
        (#"{"event":"media","event":"stop","streamSid":"MZ1"}"#, .json),
        (media(#"{"payload":"AAAA","payload":"AAAA"}"#), .json), (media("{}"), .json), (media("null"), .json),
        (media(#"{"payload":null}"#), .json), (media(#"{"payload":7}"#), .json),
        (media(#"{"payload":["AAAA"]}"#), .json),
        (media(#"{"payload":"AAAA","timestamp":"x"}"#), .json),
        (media(#"{"payload":"AAAA","timestamp":"1e999999999"}"#), .json),
        (media(#"{"payload":"AAAA"}"#, sid: "MZ\\u00001"), .json),
        (String(repeating: "[", count: 5000), .json),
        // Not base64.
        (payload(#"AA\",\"type\":\"session.update\",\"x\":\""#), .base64), (payload(#"AA\u0022A"#), .base64),
        (payload(#"AA\u005cA"#), .base64), (payload(#"AA\nA"#), .base64), (payload("AA A"), .base64),
        (payload("AA-_"), .base64), (payload("AAA"), .base64), (payload("A=AA"), .base64), (payload("===="), .base64),
        (payload("AB=="), .base64), (payload("AAA=AAAA"), .base64), (payload("AAAé"), .base64),
        // In the wrong place.
        (Wire.start, .order), (Wire.start.replacing("MZ1", with: "MZ2"), .order),
        (media(#"{"payload":"AAAA"}"#, sid: "MZ2"), .order), (media(#"{"payload":"AAAA"}"#, sid: ""), .order),
        (#"{"event":"mark","streamSid":"MZ2","mark":{"name":"x"}}"#, .order),
        (#"{"event":"stop","streamSid":"MZ"}"#, .order),
        // Not known.
        (#"{"event":"dance","streamSid":"MZ1"}"#, .unknown), (#"{"event":""}"#, .unknown),
    ]

    @Test(arguments: 0..<4) func dropsWhatTheCarrierBreaks(part: Int) async throws {
        let fixture = try await CallFixture { $0.malformedMax = 1000 }
        let handler = fixture.handler
        for (index, test) in Self.carrier.enumerated() where index % 4 == part {
            let before = await fixture.server.stats.malformed[test.reason] ?? 0
            let lines = handler.log.lines.count
            try await fixture.say(test.text)
            // Audio behind it is carried on: when it is there, the message before it has been dealt with.
            let expected = Base64.encode([UInt8(index), 1, 2])
            try await fixture.say(Wire.media(expected))
            await fixture.model.heard.wait { $0.payloads.last == expected }
            #expect(await fixture.server.stats.malformed[test.reason] == before + 1, "\(test.text.prefix(80))")
            await handler.log.wait { $0.count > lines }
            #expect(
                Array(handler.log.lines.dropFirst(lines)) == ["malformed \(test.reason)"],
                "\(test.text.prefix(80))"
            )
        }
        let all = Self.carrier.indices.count { $0 % 4 == part }
        #expect(fixture.model.heard.value.payloads.count == all)
        await fixture.stop()
    }

    @Test func takesWhatIsOnlyUnusual() async throws {
        let fixture = try await CallFixture()
        let texts = [
            (#"{"\u0065vent":"me\u0064ia","streamSid":"MZ1","media":{"payload":"QUJD"}}"#, "QUJD"),
            (
                #"{"mark":{"event":"stop"},"event":"media","x":[{}],"media":{"payload":"QUJE"},"streamSid":"MZ1"}"#,
                "QUJE"
            ),
            (Self.payload(#"\u002b\/\u002fA"#), "+//A"),
            (Self.media(#"{"timestamp":20,"chunk":1,"payload":"QUJF","new":null}"#), "QUJF"),
            (
                "{" + String(repeating: " ", count: 10_240)
                    + #""event":"media","streamSid":"MZ1","media":{"payload":"QUJG"}}"#, "QUJG"
            ),
            (Self.media(#"{"payload":"QUI=","timestamp":"-5"}"#), "QUI="),
        ]
        for (text, payload) in texts {
            try await fixture.say(text)
            await fixture.model.heard.wait { $0.payloads.last == payload }
        }
        // Nothing in it, the other track, marks and digits of nobody: no fault, and nothing is sent.
        try await fixture.say([
            Self.payload(""), Self.media(#"{"track":"outbound","payload":"QUJD"}"#), Wire.mark("unknown"),
            Wire.digit("x"), Wire.digit(""), Wire.digit("12"), #"{"event":"connected"}"#,
        ])
        try await fixture.settlePhone("#")
        #expect(fixture.model.heard.value.payloads == texts.map(\.1))
        #expect(await fixture.stats().malformed == 0)
        #expect(await fixture.server.stats.marksStale == 1)
        #expect(fixture.handler.log.lines.filter { $0.hasPrefix("digit") } == ["digit #"])
        await fixture.stop()
    }

    @Test func dropsWhatTheModelBreaks() async throws {
        let fixture = try await CallFixture()
        try await fixture.answer([Wire.created("r"), Wire.delta("r", "i", [])])
        for (text, reason) in [
            ("", "json"), ("{}", "json"), (#"{"type":1}"#, "json"), (#"{"type":"error","type":"error"}"#, "json"),
            (#"{"type":"response.output_audio.delta","response_id":"r","item_id":"i"}"#, "json"),
            (#"{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"AA"}"#, "base64"),
        ] {
            try await fixture.answer([text])
            await fixture.handler.log.wait(for: "malformed \(reason)")
        }
        try await fixture.settleModel("end")
        #expect(fixture.handler.log.lines.count { $0.hasPrefix("malformed") } == 6)
        #expect(fixture.handler.log.lines.contains { $0.hasPrefix("model closed") } == false)
        await fixture.stop()
    }

    @Test func twentyMistakesAreForgivenAndNotOneMore() async throws {
        let fixture = try await CallFixture()
        try await fixture.say(Array(repeating: "{}", count: 20))
        try await fixture.settlePhone("1")
        // What is only unknown does not count.
        try await fixture.say(Array(repeating: #"{"event":"dance"}"#, count: 50))
        try await fixture.settlePhone("2")
        try await fixture.say(["[]", Wire.digit("3")])
        await fixture.handler.log.wait(for: "carrier closed 1008 limit")
        let heard = await fixture.phone.heard.wait { $0.ending != nil }
        #expect(heard.ending?.code == 1008)
        #expect(heard.ending?.cause == .peer)
        #expect(!fixture.handler.log.lines.contains("digit 3"))
        #expect(await fixture.server.stats.limitCloses == 1)
        await fixture.stop()
    }

    @Test func binaryIsNotSpokenHere() async throws {
        let fixture = try await CallFixture()
        let (phone, model) = (fixture.phone, fixture.model)
        try await fixture.world.perform { world in
            if let leg = model.leg { try world.send(binary: [1, 2, 3], to: leg) }
        }
        await fixture.handler.log.wait(for: "model closed 1003 protocolError")
        try await fixture.world.perform { world in
            if let leg = phone.leg { try world.send(binary: [1, 2, 3], to: leg) }
        }
        let heard = await phone.heard.wait { $0.ending != nil }
        #expect(heard.ending?.code == 1003)
        await fixture.handler.log.wait(for: "carrier closed 1003 protocolError")
        #expect(await fixture.server.stats.malformed[.binary] == 2)
        #expect(await fixture.server.stats.protocolErrors == 2)
        await fixture.stop()
    }

    @Test func mediaBeforeStart() async throws {
        let fixture = try await CallFixture()
        let second = FakePhone()
        let handler = fixture.handler
        let port = try await fixture.server.perform { server in
            try server.listen(
                ListenAddress(host: "127.0.0.1", port: 0, paths: ["/early"]),
                acceptor: CallOpener(modelPort: 1) { handler }
            )
        }
        try await fixture.world.perform { world in
            _ = try world.dial(
                DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/early"),
                handler: second
            )
        }
        await second.heard.wait { $0.isOpen }
        try await fixture.world.perform { world in
            guard let leg = second.leg else { return }
            for text in [Wire.media("AAAA"), Wire.digit("1"), #"{"event":"stop","streamSid":"MZ1"}"#, Wire.start] {
                try world.send(text: text, to: leg)
            }
            try world.send(text: Wire.digit("7"), to: leg)
        }
        await handler.log.wait(for: "digit 7")
        #expect(await fixture.server.stats.malformed[.order] == 3)
        // A start that does not say whose it is ends the stream.
        let third = FakePhone()
        try await fixture.world.perform { world in
            _ = try world.dial(
                DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/early"),
                handler: third
            )
        }
        await third.heard.wait { $0.isOpen }
        try await fixture.world.perform { world in
            guard let leg = third.leg else { return }
            try world.send(text: #"{"event":"start","start":{"streamSid":"MZ3"},"streamSid":"MZ3"}"#, to: leg)
        }
        #expect(await third.heard.wait { $0.ending != nil }.ending?.code == 1008)
        await fixture.stop()
    }
}
