import CallPolicy
import CallServer
import Logging
import Testing
import Trunk

@Suite struct SettingsTests {
    @Test func hasTheDefaultsOfTheHelpText() throws {
        let settings = try Settings(environment: [:], prompt: nil)
        #expect(settings.host == "0.0.0.0")
        #expect(settings.port == 5050)
        #expect(settings.call.session.model == "gpt-realtime-2.1")
        #expect(settings.engine.leadMilliseconds == 300)
        #expect(settings.call.reconnect.maximumAttempts == 10)
        #expect(settings.call.reconnect.initialDelayMilliseconds == 2_000)
        #expect(settings.call.reconnect.maximumDelayMilliseconds == 60_000)
        #expect(settings.connectsPerSecond == 200)
        #expect(settings.call.tools.parallelLimit == 4)
        #expect(settings.call.tools.callsMaximum == 20)
        #expect(settings.usesParrot)
    }

    @Test func takesWhatItIsGiven() throws {
        let settings = try Settings(
            environment: [
                "PORT": "8081", "VOICE": "Ash", "OPENAI_API_KEY": "sk-x", "RECONNECT_INITIAL_DELAY": "0.5",
                "OPENAI_REALTIME_URL": "ws://127.0.0.1:9/v1/realtime", "GREETING": "Greet the caller.",
            ],
            prompt: "Be brief."
        )
        #expect(settings.port == 8081)
        #expect(settings.call.session.voice == "ash")
        #expect(settings.call.session.instructions == "Be brief.")
        #expect(settings.call.reconnect.initialDelayMilliseconds == 500)
        #expect(settings.call.greeting == .agentFirst(.instructions("Greet the caller.")))
        #expect(!settings.usesParrot)
    }

    @Test func authoritiesThatCannotBeReadAreNamedAtTheStart() async throws {
        let settings = try Settings(
            environment: ["PORT": "0", "OPENAI_API_KEY": "sk-x", "OPENAI_CA_FILE": "/nowhere.pem"],
            prompt: nil
        )
        let failure = await #expect(throws: Settings.Failure.self) {
            _ = try await Server.start(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        #expect(failure?.problems == ["OPENAI_CA_FILE: \"/nowhere.pem\" holds no certificate that can be read"])
    }

    @Test func namesEveryWrongValueAndShowsNoSecret() throws {
        let failure = #expect(throws: Settings.Failure.self) {
            try Settings(
                environment: [
                    "PORT": "70000", "VOICE": "nova", "LOG_LEVEL": "loud", "OPENAI_API_KEY": "sk-se cret",
                    "OPENAI_REALTIME_URL": "http://host/",
                ],
                prompt: nil
            )
        }
        let problems = try #require(failure?.problems)
        #expect(problems.count == 5)
        #expect(problems.contains("PORT: \"70000\" is not a whole number from 0 to 65535"))
        #expect(problems.contains { $0.hasPrefix("VOICE: \"nova\" is not one of alloy, ash") })
        #expect(problems.contains { $0.hasPrefix("OPENAI_REALTIME_URL: ") && $0.contains("is not ws or wss") })
        #expect(!problems.contains { $0.contains("se cret") })
    }
}
