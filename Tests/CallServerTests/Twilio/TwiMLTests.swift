import CallServer
import Testing
import WebServer

/// Documents for the carrier.
@Suite struct TwiMLTests {
    static let stream = TwiML.Stream(
        url: "wss://bridge.example.com/media-stream",
        parameters: [.init("token", "1.a"), .init("name", "A & \"B\" <C>\n")]
    )
    static let parameters =
        #"<Parameter name="token" value="1.a"/>"#
        + #"<Parameter name="name" value="A &amp; &quot;B&quot; &lt;C&gt;&#10;"/>"#

    @Test(arguments: [
        (TwiML.Verb.say("Hi & <bye>"), "<Say>Hi &amp; &lt;bye&gt;</Say>"),
        (
            .say("Hallo", .init(voice: "Polly.Vicki", language: "de-DE")),
            #"<Say voice="Polly.Vicki" language="de-DE">Hallo</Say>"#
        ),
        (.say("a\u{0}\u{8}\u{FFFE}b\u{1F600}"), "<Say>a\u{FFFD}\u{FFFD}\u{FFFD}b\u{1F600}</Say>"),
        (.pause(seconds: 1), #"<Pause length="1"/>"#),
        (
            .connect(stream),
            #"<Connect><Stream url="wss://bridge.example.com/media-stream">\#(parameters)</Stream></Connect>"#
        ),
        (.hangUp, "<Hangup/>"),
        (
            .dial(number: "+15550100", timeoutSeconds: 20, callerID: "+15550199", action: "/done"),
            #"<Dial timeout="20" callerId="+15550199" action="/done"><Number>+15550100</Number></Dial>"#
        ),
    ])
    func writes(verb: TwiML.Verb, expected: String) {
        #expect(TwiML([verb]).text == #"<?xml version="1.0" encoding="UTF-8"?><Response>\#(expected)</Response>"#)
    }

    @Test func refusalsAreSpoken() {
        #expect(TwiML.refusal("Later, please.").verbs == [.say("Later, please."), .hangUp])
    }

    @Test func textsStandAroundTheStream() {
        let two = SpokenTexts(before: ["One.", "Two."]).document(Self.stream)
        #expect(two.verbs == [.say("One."), .pause(seconds: 1), .say("Two."), .connect(Self.stream)])
        let around = SpokenTexts(before: ["Connected"], after: "Disconnected").document(Self.stream)
        #expect(around.verbs == [.say("Connected"), .connect(Self.stream), .say("Disconnected")])
        #expect(SpokenTexts().document(Self.stream).verbs == [.connect(Self.stream)])
    }

    @Test(arguments: [
        (
            #"<Response><Connect><Stream url="{{WS_URL}}"/></Connect></Response>"#,
            #"<Response><Connect><Stream url="wss://bridge.example.com/media-stream">\#(parameters)</Stream></Connect></Response>"#
        ),
        (
            #"<Response><Stream url='{{WS_URL}}' name="a>b/" ><Parameter name="x" value="y"/></Stream></Response>"#,
            #"<Response><Stream url='wss://bridge.example.com/media-stream' name="a>b/" >\#(parameters)"#
                + #"<Parameter name="x" value="y"/></Stream></Response>"#
        ),
    ])
    func templatesGetAddressAndParameters(template: String, expected: String) throws {
        #expect(try TwiMLTemplate(parsing: template).text(Self.stream) == expected)
    }

    @Test func aTemplateWithoutParametersStaysAsItIs() throws {
        let text = "<Response>\n  <Connect><Stream url=\"{{WS_URL}}\" /></Connect>\n</Response>\n"
        let document = try TwiMLTemplate(parsing: text).text(.init(url: "wss://h/p"))
        #expect(document == "<Response>\n  <Connect><Stream url=\"wss://h/p\" /></Connect>\n</Response>\n")
    }

    @Test(arguments: [
        ("", TwiMLTemplate.Problem.noResponse), ("<Response/>", .noAddress),
        ("<Response><Say>{{WS_URL}}</Say></Response>", .noStream),
        ("<Response><Stream>{{WS_URL}}</Stream></Response>", .noStream),
        (#"<Response><Stream url="{{WS_URL}}"#, .noStream),
        ("<Response>" + String(repeating: " ", count: 64 * 1024), .tooLarge),
    ])
    func templatesThatCannotBeUsed(template: String, problem: TwiMLTemplate.Problem) {
        #expect(throws: problem) { try TwiMLTemplate(parsing: template) }
    }
}
