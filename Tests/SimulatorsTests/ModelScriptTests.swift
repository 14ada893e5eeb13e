import RealtimeProtocol
import Simulators
import Testing

@Suite struct ModelScriptTests {
    @Test func readsAScenario() throws {
        let script = try ModelScript(
            json: JSONValue(
                parsing: """
                    {"voice":"tone","answer_ms":2000,"delta_ms":[20,200],"speed":0,"items":2,
                     "stall":{"after_ms":500,"for_ms":2500},
                     "tools":[{"turn":1,"name":"current_time"}],
                     "faults":[{"after_ms":3000,"do":"drop","connection":1},
                               {"after_ms":10,"do":"close","code":1011,"reason":"bye"}],
                     "handshake":{"code":"invalid_api_key"},"expires_ms":5000}
                    """
            )
        )
        #expect(script.answerMilliseconds == 2_000)
        #expect(script.deltaMilliseconds == [20, 200])
        #expect(script.itemsPerResponse == 2)
        #expect(script.stall?.lasts == 2_500)
        #expect(script.toolCalls.first?.arguments == "{}")
        #expect(script.faults.count == 2)
        #expect(script.faults[0].connections == 1...1)
        #expect(script.expiresAfter == 5_000)
    }

    @Test(arguments: [
        ("[]", "a scenario is a JSON object"),
        (#"{"voise":"tone"}"#, "unknown key \"voise\""),
        (#"{"answer_ms":-1}"#, "answer_ms: a number from 0 to 86400000 is expected"),
        (#"{"faults":[{"after_ms":1,"do":"explode"}]}"#, "do: one of drop, close, error, freeze"),
        (#"{"delta_ms":[]}"#, "delta_ms: a list of positive numbers"),
    ])
    func tellsWhatIsWrong(text: String, problem: String) throws {
        let json = try JSONValue(parsing: text)
        let failure = #expect(throws: ModelScript.Failure.self) { try ModelScript(json: json) }
        #expect(failure?.description == problem)
    }

    @Test func theShippedSpeechIsThere() throws {
        let speech = try ShippedSpeech.utterances()
        #expect(speech.first.count > 5 * 8_000)
        #expect(speech.second.count > 2 * 8_000)
    }
}
