import CallPolicy
import CallServer
import RealtimeProtocol
import Testing

/// Which calls are led otherwise, and what a reload changes.
@Suite struct RoutingTests {
    private func table() throws -> RoutingTable {
        var sources = SettingsSources(layers: [])
        sources.routing = [
            ["name": "vip", "caller": "+15550100", "voice": "cedar"],
            ["called": ["+49*", "+43*"], "instructions": "Sprich Deutsch.", "tools": ["look_up"]],
            [
                "name": "acme", "parameters": ["tenant": "acme*", "tier": 1], "say_first": "Acme, hello.",
                "model": "gpt-realtime-2",
            ],
            ["name": "rest", "greeting": "Greet."],
        ]
        return try Settings(sources).routing
    }

    @Test(arguments: [
        (CallFacts(called: "+4912", caller: "+15550100"), "vip"),
        (CallFacts(called: "+4912", caller: "+155501001"), "rule 2"),
        (CallFacts(called: "+43"), "rule 2"),
        (CallFacts(called: "+1", parameters: ["tenant": "acme-2", "tier": "1"]), "acme"),
        (CallFacts(called: "+1", parameters: ["tenant": "acme"]), "rest"), (CallFacts(), "rest"),
    ])
    func theFirstRuleThatFitsIsTaken(facts: CallFacts, name: String) throws {
        #expect(try table().rule(for: facts)?.name == name)
        #expect(RoutingTable().rule(for: facts) == nil)
    }

    @Test func rulesChangeWhatTheyName() throws {
        let rules = try table().rules
        var configuration = CallConfiguration()
        configuration.session.instructions = "Be brief."
        let vip = rules[0].changes.applied(to: configuration)
        #expect(vip.session.voice == "cedar")
        #expect(vip.session.instructions == "Be brief.")
        #expect(vip.greeting == .callerFirst)
        #expect(rules[1].changes.applied(to: configuration).session.instructions == "Sprich Deutsch.")
        #expect(rules[1].changes.tools == ["look_up"])
        let acme = rules[2].changes.applied(to: configuration)
        #expect(acme.greeting == .agentFirst(.exactly("Acme, hello.")))
        #expect(acme.session.model == "gpt-realtime-2")
        #expect(rules[3].changes.applied(to: configuration).greeting == .agentFirst(.instructions("Greet.")))
        #expect(CallChanges().applied(to: configuration) == configuration)
    }

    @Test(arguments: [
        (#"{"voice":"nova"}"#, "voice \"nova\" is not one of alloy"),
        (#"{"caller":true}"#, "caller is no text or list"),
        (#"{"parameters":1}"#, "parameters is no object"),
        (#"{"instructions":""}"#, "instructions is no text"),
        (#""x""#, "is no object of names and values"),
        (#"{"voices":"ash"}"#, "\"voices\" is no part of a rule"),
    ])
    func rulesThatAreWrong(rule: String, problem: String) throws {
        var sources = SettingsSources(layers: [])
        sources.routing = [["name": "good"], try JSONValue(parsing: rule)]
        let failure = #expect(throws: Settings.Failure.self) { try Settings(sources) }
        #expect(failure?.problems.count == 1)
        #expect(failure?.problems.first?.hasPrefix("routing rule 2: \(problem)") == true)
    }

    @Test func aReloadTakesOverWhatNewCallsMayHave() throws {
        let old = try Settings(environment: ["VOICE": "ash", "PORT": "1", "OPENAI_API_KEY": "sk-old"], prompt: "Old.")
        var sources = SettingsSources(
            layers: [SettingsLayer("environment", ["VOICE": "sage", "PORT": "2", "OPENAI_API_KEY": "sk-new"])],
            prompt: "New."
        )
        sources.routing = [["name": "all"]]
        let reload = SettingsReload.reload(old, try Settings(sources))
        #expect(Set(reload.newCalls) == ["VOICE", "SESSION", "PROMPT_FILE", "CONFIG_FILE"])
        #expect(reload.needRestart == ["PORT", "OPENAI_API_KEY"])
        #expect(reload.settings.call.session.voice == "sage")
        #expect(reload.settings.call.session.instructions == "New.")
        #expect(reload.settings.routing.rules.count == 1)
        #expect(reload.settings.port == 1)
        #expect(reload.settings.key == "sk-old")
        let same = SettingsReload.reload(old, old)
        #expect(same.newCalls.isEmpty)
        #expect(same.needRestart.isEmpty)
    }

    @Test func newPricesAreForNewCalls() throws {
        let old = try Settings(environment: [:], prompt: nil)
        var sources = SettingsSources(layers: [])
        let price: JSONValue = [
            "text_input": 1, "text_cached": 1, "text_output": 1, "audio_input": 10, "audio_cached": 1,
            "audio_output": 20,
        ]
        sources.prices = ["gpt-realtime-2.1": price]
        let reload = SettingsReload.reload(old, try Settings(sources))
        #expect(reload.newCalls == ["CONFIG_FILE"] && reload.needRestart == [])
        #expect(reload.settings.call.prices != old.call.prices)
    }

    @Test func textsHaveAVoiceAndALanguage() throws {
        let settings = try Settings(environment: ["SAY_VOICE": "Polly.Vicki", "SAY_LANGUAGE": "de-DE"], prompt: nil)
        #expect(settings.texts.refusing == .say(settings.texts.refusal, .init(voice: "Polly.Vicki", language: "de-DE")))
        let plain = try Settings(environment: [:], prompt: nil)
        #expect(plain.texts.refusing == .say(plain.texts.refusal))
    }
}
