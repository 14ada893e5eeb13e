import CallBridge
import CallPolicy
import Logging
import RealtimeProtocol
import Testing
import Trunk
import WebServer

@testable import CallServer

/// How calls are led: settings, routing, the question before a call, what came with a call of our own.
@Suite struct CallPlannerTests {
    private static func planner(
        _ environment: [String: String] = [:],
        routing: String? = nil,
        fetcher: ScriptedFetcher? = nil,
        tools given: ToolRegistry? = nil
    ) throws -> CallPlanner {
        var sources = SettingsSources(
            layers: [SettingsLayer("test", environment)],
            prompt: "You are {{agent}}. The caller is {{from}}, not {{unknown}}."
        )
        sources.routing = try routing.map { try JSONValue(parsing: $0) }
        let settings = try Settings(sources)
        var tools = ToolRegistry()
        tools.register(ToolDefinition(name: "a", description: "A.")) { (_: JSONValue, _) in "a" }
        let live = LiveSettings(settings, tools: given ?? tools)
        return CallPlanner(live, fetcher: fetcher, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            try ModelEndpoint(url: "ws://model.example/v1", model: $0, key: "")
        }
    }

    private static func offer(_ id: String = "CA1", _ parameters: [String: String] = [:]) -> StreamOffer {
        StreamOffer(start: CarrierStart(streamID: "MZ1", callID: id, parameters: parameters), address: "192.0.2.1")
    }

    private static func parameters(_ answer: CallPlanner.Answer) -> [FormFields.Field]? {
        if case .take(let parameters) = answer { parameters } else { nil }
    }

    @Test func theFirstRuleThatFitsIsTaken() throws {
        let planner = try Self.planner(
            routing: """
                [{"name":"german","called":["+49*"],"instructions":"Sprich Deutsch, {{from}}.","voice":"sage",
                  "model":"gpt-realtime-mini","tools":["a"],"say_first":"Guten Tag"},
                 {"name":"vip","parameters":{"tier":"gold"},"greeting":"Greet by name."}]
                """
        )
        let german = try #require(planner.plan(Self.offer("CA1", ["to": "+4930", "from": "+15550100"])))
        #expect(german.rule == "german" && german.call.session.voice == "sage")
        #expect(german.call.session.instructions == "Sprich Deutsch, +15550100.")
        #expect(german.model.address == "model.example:80/v1?model=gpt-realtime-mini")
        #expect(german.call.greeting == .agentFirst(.exactly("Guten Tag")))
        #expect(german.tools.definitions.map(\.name) == ["a"] && !german.call.tools.offersEndCall)
        let gold = try #require(planner.plan(Self.offer("CA2", ["to": "+1", "tier": "gold", "agent": "Ada"])))
        #expect(gold.rule == "vip" && gold.call.greeting == .agentFirst(.instructions("Greet by name.")))
        #expect(gold.call.session.instructions == "You are Ada. The caller is {{from}}, not {{unknown}}.")
        #expect(gold.call.tools.offersEndCall && gold.tools.definitions.count == 2)
        let plain = try #require(planner.plan(Self.offer("CA3")))
        #expect(plain.rule == "" && plain.call.greeting == .callerFirst)
        #expect(planner.counters.rules == ["german": 1, "vip": 1, "": 1])
    }

    /// A call that Twilio did not bring cannot be given away, so its model is not told that it can.
    @Test func onlyCallsOfTwilioMayBeTransferred() throws {
        var tools = ToolRegistry(withBuiltIns: false)
        for name in ["a", CallTransfer.toolName] {
            tools.register(ToolDefinition(name: name, description: "")) { (_: JSONValue, _) in "" }
        }
        let planner = try Self.planner(["TRANSFER_NUMBERS": "sales=+4930123"], tools: tools)
        var offer = Self.offer()
        #expect(planner.plan(offer)?.tools.definitions.map(\.name) == ["a", CallTransfer.toolName])
        offer.isTwilio = false
        #expect(planner.plan(offer)?.tools.definitions.map(\.name) == ["a"])
    }

    private static let asked = ["PRE_CALL_URL": "https://crm.example/calls", "PRE_CALL_SECRET": "secret"]

    @Test func theOperatorsServerIsAskedOnce() async throws {
        let answer = #"{"voice":"sage","variables":{"agent":"Ada"},"parameters":{"customer":"7","from":"forged"}}"#
        let fetcher = ScriptedFetcher([ScriptedFetcher.status(200, answer)])
        let planner = try Self.planner(Self.asked, fetcher: fetcher)
        let facts = CallFacts(called: "+15550199", caller: "+15550100")
        for _ in 0..<3 {
            let parameters = Self.parameters(await planner.prepare(facts, callSID: "CA1", direction: "inbound"))
            #expect(
                parameters == [
                    .init("from", "+15550100"), .init("to", "+15550199"), .init("direction", "inbound"),
                    .init("customer", "7"),
                ]
            )
        }
        #expect(fetcher.requests.count == 1)
        let request = try #require(fetcher.requests.first)
        let body =
            #"{"call_sid":"CA1","from":"+15550100","to":"+15550199","direction":"inbound"}"#
        #expect(request.method == "POST" && request.server.origin + request.target == "https://crm.example:443/calls")
        #expect(String(decoding: request.body, as: UTF8.self) == body && request.timeoutMilliseconds == 1_000)
        // openssl dgst -sha256 -hmac secret
        let signature = request.headers.first { $0.name == "X-Trunkline-Signature" }?.value
        #expect(signature == WebhookSignature.header(Array(body.utf8), key: "secret")?.value && signature?.count == 64)
        let plan = try #require(planner.plan(Self.offer("CA1", ["from": "+15550100"])))
        #expect(plan.call.session.voice == "sage")
        #expect(plan.call.session.instructions == "You are Ada. The caller is +15550100, not {{unknown}}.")
    }

    @Test(
        arguments: [
            .failure(.timeout), ScriptedFetcher.status(500), ScriptedFetcher.status(200, "no json"),
            ScriptedFetcher.status(200, #"{"voice":"nobody"}"#), ScriptedFetcher.status(200, #"{"called":["+1"]}"#),
            ScriptedFetcher.status(302, "{}"),
        ] as [ScriptedFetcher.Answer]
    )
    func withoutAnAnswerTheCallIsLedAsAllAre(answer: ScriptedFetcher.Answer) async throws {
        let fetcher = ScriptedFetcher([answer])
        let planner = try Self.planner(Self.asked, fetcher: fetcher)
        for _ in 0..<2 {
            let taken = Self.parameters(await planner.prepare(CallFacts(), callSID: "CA1", direction: ""))
            #expect(taken == [])
        }
        #expect(fetcher.requests.count == 1 && planner.counters.preCallFailed == 1)
        #expect(planner.plan(Self.offer())?.call.session.voice == "marin")
    }

    @Test func theOperatorsServerMayRefuse() async throws {
        let planner = try Self.planner(
            Self.asked,
            fetcher: ScriptedFetcher([ScriptedFetcher.status(200, #"{"refuse":"We are closed."}"#)])
        )
        guard case .refuse("We are closed.") = await planner.prepare(CallFacts(), callSID: "CA1", direction: "") else {
            Issue.record("the call was taken")
            return
        }
    }

    @Test func whatCameWithOurOwnCallIsFoundByItsName() async throws {
        let planner = try Self.planner()
        var call = PreparedCall()
        call.changes.voice = "sage"
        call.parameters = ["customer": "7"]
        planner.keep(call, for: "out-1")
        planner.move("out-1", to: "CA1")
        let parameters = Self.parameters(await planner.prepare(CallFacts(), callSID: "CA1", direction: "outbound-api"))
        #expect(parameters == [.init("direction", "outbound-api"), .init("customer", "7")])
        #expect(planner.plan(Self.offer())?.call.session.voice == "sage")
        #expect(planner.plan(Self.offer("CA2"))?.call.session.voice == "marin")
    }

    @Test func capsTurnStreamsAway() async throws {
        let planner = try Self.planner(["CALLS_PER_CALLER": "1", "SAY_REFUSAL": "No."])
        let caller = ["from": "+15550100"]
        #expect(planner.plan(Self.offer("CA1", caller)) != nil && planner.plan(Self.offer("CA2", caller)) == nil)
        let facts = CallFacts(caller: "+15550100")
        guard case .refuse("No.") = await planner.prepare(facts, callSID: "CA3", direction: "") else {
            Issue.record("the call was taken")
            return
        }
        planner.caps.withLock { $0.leave("CA1") }
        #expect(planner.plan(Self.offer("CA2", caller)) != nil)
    }

    @Test func preparedCallsAreForgotten() {
        var calls = PreparedCalls()
        for number in 0..<(PreparedCalls.maximum + 10) { calls.keep(PreparedCall(), for: "\(number)", now: 0) }
        #expect(calls["9"] == nil && calls["10"] != nil && calls.forgottenEarly == 10)
        calls.keep(PreparedCall(), for: "late", now: PreparedCalls.lifetimeMilliseconds + 1)
        #expect(calls["10"] == nil && calls["late"] != nil && calls.forgottenEarly == 10)
    }

    /// Calls that we make are counted by whom we call: our own number makes them all.
    @Test func callsThatWeMakeCountForTheCalled() throws {
        let planner = try Self.planner(["CALLS_PER_CALLER": "1"])
        func plan(_ id: String, _ from: String, _ to: String, _ direction: String) -> Bool {
            planner.plan(Self.offer(id, ["from": from, "to": to, "direction": direction])) != nil
        }
        #expect(plan("CA1", "+15550199", "+15550100", "outbound-api"))
        #expect(plan("CA2", "+15550199", "+15550101", "outbound-api"))
        #expect(!plan("CA3", "+15550199", "+15550100", "outbound-api"))
        // The same person, who calls us meanwhile; and our own number as a caller.
        #expect(!plan("CA4", "+15550100", "+15550199", "inbound"))
        #expect(plan("CA5", "+15550199", "+15550102", "inbound"))
    }

    /// After a transfer that nobody answered the call goes on as it was led: prompt, voice, parameters and direction.
    @Test func aCallThatComesBackKeepsItsPlan() throws {
        let planner = try Self.planner()
        var call = PreparedCall()
        call.changes.instructions = "You are {{agent}}, and collect {{debt}}."
        call.changes.voice = "sage"
        call.variables = ["debt": "7"]
        call.parameters = ["customer": "42", "agent": "Ada"]
        planner.keep(call, for: "CA1")
        let facts = CallFacts(called: "+15550100", caller: "+15550199")
        let parameters = planner.comeBack(facts, callSID: "CA1", direction: "outbound-api") { call in
            call.addendum = "Nobody answered."
            call.changes.greeting = .agentFirst(.instructions("Say so."))
        }
        let told = Dictionary(parameters.map { ($0.name, $0.value) }) { $1 }
        #expect(told["customer"] == "42" && told["direction"] == "outbound-api" && told["to"] == "+15550100")
        let plan = try #require(planner.plan(Self.offer("CA1", told)))
        #expect(plan.call.session.instructions == "You are Ada, and collect 7.\n\nNobody answered.")
        #expect(plan.call.session.voice == "sage" && plan.call.greeting == .agentFirst(.instructions("Say so.")))
    }
}
