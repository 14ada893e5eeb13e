import CallPolicy
import CallServer
import Foundation
import RealtimeProtocol
import Testing
import WebServer

/// Twilio's own Python SDK as a judge; `pip install twilio` brings it.
@Suite(.enabled(if: TwilioSDK.isThere, "needs Python with the package twilio"))
struct TwilioSDKTests {
    private static let names = ["CallSid", "From", "a", "B", "é", "e\u{301}", "\u{1F600}", "", "x y"]
    private static let hosts = ["h.example", "h.example:8443", "h.example:443"]

    private static func text(_ random: inout some RandomNumberGenerator) -> String {
        let letters = Array("aZ09 +&=%\u{E9}\u{1F600}\t\n\"'<>")
        return String((0..<Int.random(in: 0...12, using: &random)).map { _ in letters.randomElement(using: &random)! })
    }

    @Test func itsValidatorAgreesWithOurs() throws {
        var random = SplitMix64(seed: 7)
        let requests = (0..<300).map { _ -> (url: String, form: FormFields, algorithm: TwilioSignature.Algorithm) in
            let host = Self.hosts.randomElement(using: &random)!
            let fields = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                FormFields.Field(Self.names.randomElement(using: &random)!, Self.text(&random))
            }
            let url = "https://\(host)/p?q=\(Int.random(in: 0...9, using: &random))"
            return (url, FormFields(fields), TwilioSignature.Algorithm.allCases.randomElement(using: &random)!)
        }
        let judged = try TwilioSDK.run(
            Self.validation,
            .array(
                requests.map { request in
                    let fields = request.form.fields.map { JSONValue.array([.string($0.name), .string($0.value)]) }
                    return [.string(request.url), .array(fields), .string(request.algorithm.rawValue)]
                }
            )
        )
        let signatures = judged.arrayValue?.compactMap(\.stringValue) ?? []
        try #require(signatures.count == requests.count)
        for (request, signature) in zip(requests, signatures) {
            let ours = TwilioSignature.sign(
                url: request.url,
                fields: request.form,
                key: "secret",
                algorithm: request.algorithm
            )
            #expect(ours == signature, "\(request)")
        }
    }

    @Test func itWritesTheSameDocument() throws {
        let texts = ["Hi & <bye> \"you\"", "é \u{1F600}'"]
        let stream = TwiML.Stream(
            url: "wss://h.example/media-stream",
            parameters: [.init("token", "1.a"), .init("who", "A & \"B\" <C>'\n\t")],
            statusCallback: "https://h.example/s?a=1&b=2"
        )
        let document = TwiML([
            .say(texts[0], .init(voice: "Polly.Vicki", language: "de-DE")), .pause(seconds: 1), .connect(stream),
            .say(texts[1]), .dial(number: "+15550100", timeoutSeconds: 20, callerID: "+15550199"),
            .hangUp,
        ])
        let same = try TwilioSDK.run(
            Self.documents,
            [.string(document.text), .array(texts.map { .string($0) })]
        )
        #expect(same["ours"]?.stringValue == same["theirs"]?.stringValue)
        #expect(same["ours"]?.stringValue?.contains("<Stream") == true)
    }

    /// In: URL, fields, algorithm. Out: the SDK's signature, which its validator takes as well.
    private static let validation = """
        from twilio.request_validator import RequestValidator
        class Form(dict):
            def getall(self, name): return self[name]
        result = []
        for url, fields, algorithm in data:
            form = Form()
            for name, value in fields: form.setdefault(name, []).append(value)
            validator = RequestValidator('secret')
            signature = validator.compute_signature(url, form, algorithm)
            result.append(signature if validator.validate(url, form, signature, algorithm) else 'invalid')
        """

    /// In: our document and its texts. Out: it and the SDK's, both in canonical form.
    private static let documents = """
        from twilio.twiml.voice_response import VoiceResponse, Connect, Dial
        from xml.etree.ElementTree import canonicalize
        ours, texts = data
        document = VoiceResponse()
        document.say(texts[0], voice='Polly.Vicki', language='de-DE')
        document.pause(length=1)
        connect = Connect()
        stream = connect.stream(url='wss://h.example/media-stream', status_callback='https://h.example/s?a=1&b=2')
        stream.parameter(name='token', value='1.a')
        stream.parameter(name='who', value='A & "B" <C>\\'\\n\\t')
        document.append(connect)
        document.say(texts[1])
        dial = Dial(timeout=20, caller_id='+15550199')
        dial.number('+15550100')
        document.append(dial)
        document.hangup()
        result = {'ours': canonicalize(ours), 'theirs': canonicalize(str(document))}
        """
}

/// Runs Python with the SDK.
enum TwilioSDK {
    static let isThere = (try? run("import twilio; result = 1", nil)) == 1

    /// Runs a script that finds `data` and leaves `result`.
    static func run(_ script: String, _ data: JSONValue) throws -> JSONValue {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let frame = "import json, sys\ndata = json.load(sys.stdin)\n\(script)\njson.dump(result, sys.stdout)\n"
        process.arguments = ["python3", "-c", frame]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        input.fileHandleForWriting.write(Data(data.text.utf8))
        try input.fileHandleForWriting.close()
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONValue(parsing: Array(answer))
    }
}
