import CallServer
import Testing
import WebServer

/// Calls by Twilio's REST API, against answers of its shape.
@Suite struct TwilioRESTTests {
    static let account = "AC" + String(repeating: "1", count: 32)
    static let call = "CA" + String(repeating: "2", count: 32)
    static let over = error(404, 20404)

    static func error(_ status: Int, _ code: Int) -> ScriptedFetcher.Answer {
        ScriptedFetcher.status(
            status,
            #"{"code":\#(code),"message":"no good","more_info":"https://www.twilio.com/docs/errors","status":\#(status)}"#
        )
    }

    private func rest(_ fetcher: ScriptedFetcher) -> TwilioREST {
        TwilioREST(account: Self.account, token: "canary", fetcher: fetcher)
    }

    private func form(_ request: OutboundRequest?) throws -> [FormFields.Field] {
        try FormFields(parsing: try #require(request).body).fields
    }

    @Test func hangsUp() async throws {
        let fetcher = ScriptedFetcher([ScriptedFetcher.status(200)])
        try await rest(fetcher).hangUp(call: Self.call)
        let request = try #require(fetcher.requests.first)
        #expect(request.method == "POST")
        #expect(request.server == OutboundServer(host: "api.twilio.com"))
        #expect(request.target == "/2010-04-01/Accounts/\(Self.account)/Calls/\(Self.call).json")
        let credentials = "Basic QUMxMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTpjYW5hcnk="
        #expect(request.headers.contains(.init("Authorization", credentials)))
        #expect(try form(request) == [.init("Status", "completed")])
    }

    @Test(
        arguments: [
            ([over], nil as String?, 1), ([ScriptedFetcher.status(404, "gone")], nil, 1),
            ([.failure(.timeout), ScriptedFetcher.status(200)], nil, 2),
            ([ScriptedFetcher.status(503), over], nil, 2), ([error(429, 20429), ScriptedFetcher.status(200)], nil, 2),
            ([error(429, 20429)], "Twilio was asked too often (20429)", 2),
            ([.failure(.unreachable)], "Twilio could not be asked: unreachable", 2),
            ([ScriptedFetcher.status(500, "<html>")], "Twilio answered with status 500", 2),
            ([error(401, 20003)], "Twilio does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (20003)", 1),
            ([error(400, 21218)], "Twilio refused (21218): no good", 1),
        ] as [([ScriptedFetcher.Answer], String?, Int)]
    )
    func hangingUpAgainIsSafe(answers: [ScriptedFetcher.Answer], problem: String?, requests: Int) async {
        let fetcher = ScriptedFetcher(answers)
        var found: String?
        do throws(TwilioRESTError) { try await rest(fetcher).hangUp(call: Self.call) } catch { found = "\(error)" }
        #expect(found == problem)
        #expect(fetcher.requests.count == requests)
    }

    @Test(arguments: [
        (ScriptedFetcher.Answer.failure(.timeout), 1), (ScriptedFetcher.status(500), 1), (error(400, 21220), 1),
        (error(404, 20404), 1), (error(429, 20429), 2),
    ])
    func whatCouldHappenTwiceIsSentOnce(answer: ScriptedFetcher.Answer, requests: Int) async {
        let redirecting = ScriptedFetcher([answer])
        await #expect(throws: TwilioRESTError.self) {
            try await rest(redirecting).redirect(call: Self.call, to: TwiML([.hangUp]))
        }
        #expect(redirecting.requests.count == requests)
        let creating = ScriptedFetcher([answer])
        await #expect(throws: TwilioRESTError.self) {
            try await rest(creating).create(OutgoingCall(to: "+1", from: "+2", url: "https://a.example/x"))
        }
        #expect(creating.requests.count == requests)
    }

    @Test func makesCalls() async throws {
        let fetcher = ScriptedFetcher([ScriptedFetcher.status(201, #"{"sid":"\#(Self.call)","status":"queued"}"#)])
        var call = OutgoingCall(to: "+15550100", from: "+15550199", url: "https://a.example/x")
        call.statusCallback = "https://h.example/status"
        call.machineDetection = .init(callback: "https://h.example/amd")
        call.longestSeconds = 600
        #expect(try await rest(fetcher).create(call) == Self.call)
        #expect(fetcher.requests.first?.target == "/2010-04-01/Accounts/\(Self.account)/Calls.json")
        #expect(
            try form(fetcher.requests.first) == [
                .init("To", "+15550100"), .init("From", "+15550199"), .init("Url", "https://a.example/x"),
                .init("Timeout", "60"), .init("TimeLimit", "600"), .init("StatusCallback", "https://h.example/status"),
                .init("StatusCallbackEvent", "initiated"), .init("StatusCallbackEvent", "ringing"),
                .init("StatusCallbackEvent", "answered"), .init("StatusCallbackEvent", "completed"),
                .init("MachineDetection", "Enable"), .init("AsyncAmd", "true"),
                .init("AsyncAmdStatusCallback", "https://h.example/amd"), .init("MachineDetectionTimeout", "30"),
            ]
        )
    }

    @Test func refusesWhatTwilioWould() async {
        let fetcher = ScriptedFetcher([ScriptedFetcher.status(200)])
        for id in ["", "CA1", "../Calls", Self.account] {
            await #expect(throws: TwilioRESTError.self) { try await rest(fetcher).hangUp(call: id) }
        }
        let long = TwiML([.say(String(repeating: "x", count: 4_000))])
        await #expect(throws: TwilioRESTError.self) { try await rest(fetcher).redirect(call: Self.call, to: long) }
        #expect(fetcher.requests.isEmpty)
        let nameless = OutgoingCall(to: "+1", from: "+2", url: "https://a.example/x")
        await #expect(throws: TwilioRESTError.self) { try await rest(fetcher).create(nameless) }
    }
}
