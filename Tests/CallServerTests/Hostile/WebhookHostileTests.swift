import CallServer
import Simulators
import TestSupport
import Testing
import WebServer

/// Webhooks of strangers and of a carrier gone mad: group H of the hostile inputs, on a running server beside a witness.
@Suite(.serialized, .timeLimit(.minutes(1))) struct WebhookHostileTests {
    /// One request, and what it gets.
    struct Case: Sendable, CustomTestStringConvertible {
        var id: String
        var words: String
        var method = "POST"
        var path = "/incoming-call"
        var headers: [String] = []
        var body = ""
        var status: Int
        /// The reason that counts it; nil when nothing does.
        var counted: String?

        var testDescription: String { "\(id) \(words)" }
    }

    private static let call = "CA00000000000000000000000000000007"
    private static let fields = [("AccountSid", FakeTwilio.account), ("CallSid", call), ("From", "+15550100")]
    private static let form = "Content-Type: application/x-www-form-urlencoded"
    private static let url = "https://a.example/incoming-call"

    private static func encoded(_ fields: [(String, String)]) -> String {
        FormFields(fields.map { FormFields.Field($0.0, $0.1) }).encoded
    }

    private static func signed(_ id: String, _ words: String, _ fields: [(String, String)], _ status: Int) -> Case {
        Case(
            id: id,
            words: words,
            headers: [form, FakeTwilio.signature(url, fields)],
            body: encoded(fields),
            status: status
        )
    }

    private static let good = FakeTwilio.signature(url, fields)

    static let cases: [Case] = [
        signed("H1", "what the carrier sends", fields, 200),
        Case(
            id: "H2",
            words: "a parameter changed",
            headers: [form, good],
            body: encoded(fields).replacing("0100", with: "0101"),
            status: 403,
            counted: "signature"
        ),
        Case(
            id: "H2",
            words: "a parameter added",
            headers: [form, good],
            body: encoded(fields + [("a", "b")]),
            status: 403,
            counted: "signature"
        ),
        Case(
            id: "H2",
            words: "a parameter removed",
            headers: [form, good],
            body: encoded(Array(fields.dropLast())),
            status: 403,
            counted: "signature"
        ),
        signed("H3", "a parameter repeated with the same value", fields + [("From", "+15550100")], 200),
        signed("H3", "a parameter repeated with another value", fields + [("From", "+15550101")], 200),
        Case(
            id: "H4",
            words: "forged forwarding headers",
            headers: [form, good, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"],
            body: encoded(fields),
            status: 200
        ),
        Case(
            id: "H7",
            words: "JSON",
            headers: ["Content-Type: application/json", good],
            body: #"{"CallSid":"CA1"}"#,
            status: 415
        ),
        Case(
            id: "H7",
            words: "multipart",
            headers: ["Content-Type: multipart/form-data; boundary=x", good],
            body: "--x--",
            status: 415
        ),
        Case(
            id: "H7",
            words: "plain text",
            headers: ["Content-Type: text/plain", good],
            body: encoded(fields),
            status: 415
        ),
        Case(
            id: "H7",
            words: "a form in utf-7",
            headers: ["Content-Type: application/x-www-form-urlencoded; charset=utf-7", good],
            body: encoded(fields),
            status: 415
        ),
        Case(
            id: "H7",
            words: "a form in UTF-8",
            headers: ["Content-Type: Application/X-WWW-Form-URLencoded; Charset=\"UTF-8\"", good],
            body: encoded(fields),
            status: 200
        ),
        Case(id: "H7", words: "a form that does not say so", headers: [good], body: encoded(fields), status: 200),
        Case(id: "H8", words: "a NUL", headers: [form, good], body: encoded(fields) + "&a=%00", status: 400),
        Case(
            id: "H8",
            words: "over-long UTF-8",
            headers: [form, good],
            body: encoded(fields) + "&a=%C0%AF",
            status: 400
        ),
        Case(
            id: "H8",
            words: "percent signs without digits",
            headers: [form, good],
            body: encoded(fields) + "&a=%&b=%G1&c=%u0041&&&d&=",
            status: 403,
            counted: "signature"
        ),
        Case(
            id: "H9",
            words: "ten thousand parameters",
            headers: [form, good],
            body: (0..<10_000).map { "a\($0)=" }.joined(separator: "&"),
            status: 413
        ),
        Case(
            id: "H9",
            words: "a name of 8 KiB",
            headers: [form, good],
            body: String(repeating: "a", count: 8_192) + "=1",
            status: 400
        ),
        Case(
            id: "H10",
            words: "a body beyond the limit",
            headers: [form, good],
            body: String(repeating: "a", count: 65_537),
            status: 413
        ),
        signed("H11", "no CallSid", [("AccountSid", FakeTwilio.account)], 400),
        signed("H11", "an empty CallSid", [("AccountSid", FakeTwilio.account), ("CallSid", "")], 400),
        signed("H11", "a blank CallSid", [("AccountSid", FakeTwilio.account), ("CallSid", "  ")], 400),
        signed(
            "H11",
            "a CallSid of 1 KiB",
            [("AccountSid", FakeTwilio.account), ("CallSid", String(repeating: "CA", count: 512))],
            400
        ),
        signed(
            "H11",
            "a CallSid of another kind",
            [("AccountSid", FakeTwilio.account), ("CallSid", "MZ00000000000000000000000000000007")],
            400
        ),
        Case(
            id: "H11",
            words: "another account",
            headers: [form, FakeTwilio.signature(url, [("AccountSid", "AC99"), ("CallSid", call)])],
            body: encoded([("AccountSid", "AC99"), ("CallSid", call)]),
            status: 403,
            counted: "account"
        ),
        Case(id: "H15", words: "the fallback, from anybody", path: "/fallback", status: 200),
        Case(id: "H18", words: "PUT", method: "PUT", status: 405),
        Case(id: "H18", words: "DELETE of the status callback", method: "DELETE", path: "/status", status: 405),
        Case(id: "H18", words: "GET of the status callback", method: "GET", path: "/status", status: 405),
    ]

    @Test func theyGetWhatTheyShould() async throws {
        var parts = Server.Parts()
        parts.fetcher = FakeTwilio()
        let server = try await ServerFixture(
            [
                "TWILIO_AUTH_TOKEN": FakeTwilio.token, "TWILIO_ACCOUNT_SID": FakeTwilio.account,
                "PUBLIC_URL": "https://a.example",
            ],
            parts: parts
        )
        for hostile in Self.cases {
            let before = try await server.metrics()
            let answer = try await server.ask(
                hostile.method,
                hostile.path,
                headers: hostile.headers,
                host: hostile.id == "H4" ? "evil.example" : "127.0.0.1",
                body: hostile.body
            )
            #expect(answer.status == hostile.status, "\(hostile.testDescription): \(answer.text.prefix(200))")
            #expect(!answer.text.contains("evil.example") && !answer.text.contains(FakeTwilio.token))
            if hostile.status == 405 { #expect(answer.headers["allow"] != nil) }
            if hostile.status >= 400 { #expect(!answer.text.contains("trunkline_token")) }
            let after = try await server.metrics()
            for reason in ["signature", "account", "token", "not_local"] {
                let name = "trunkline_admission_rejected_total{reason=\"\(reason)\"}"
                let moved = (after[name] ?? 0) - (before[name] ?? 0)
                #expect(
                    moved == (hostile.counted == reason ? 1 : 0),
                    "\(hostile.testDescription): \(reason) moved by \(moved)"
                )
            }
        }
        #expect(server.modelLog.connections == 0)
        await server.stop()
    }

    /// H5, H6: a signed request that is sent again gets the same document, however often.
    @Test func replaysGetTheSameAnswer() async throws {
        let server = try await ServerFixture(
            [
                "TWILIO_AUTH_TOKEN": FakeTwilio.token, "TWILIO_ACCOUNT_SID": FakeTwilio.account,
                "PUBLIC_URL": "https://a.example",
            ]
        )
        var answers: Set<String> = []
        for _ in 0..<100 {
            let answer = try await server.ask(
                "POST",
                "/incoming-call",
                headers: [Self.form, Self.good],
                body: Self.encoded(Self.fields)
            )
            #expect(answer.status == 200)
            answers.insert(answer.text)
        }
        #expect(answers.count == 1 && server.modelLog.connections == 0)
        await server.stop()
    }

    /// H16, H17: what cannot be taken is told in the carrier's own language, and a storm of webhooks harms no call.
    @Test func aStormHarmsNoCall() async throws {
        let server = try await ServerFixture(["MAX_CONNECTIONS": "1", "SAY_REFUSAL": "We are full."])
        let witness = try await ServerWitness(server)
        _ = try await server.ask("/calls") { $0.text.contains("in-progress") }
        var refused = 0
        for _ in 0..<200 {
            let answer = try await server.ask(
                "POST",
                "/incoming-call",
                headers: [Self.form],
                body: Self.encoded(Self.fields)
            )
            #expect(answer.status == 200)
            refused += answer.text.contains("We are full.") ? 1 : 0
        }
        #expect(refused > 0)
        await witness.isUnharmed()
        await server.stop()
    }
}
