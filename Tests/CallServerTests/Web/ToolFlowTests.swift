import CallPolicy
import CallServer
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing

/// Function calls of models through a whole server: tools of the server, of its file, and of people.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ToolFlowTests {
    private static let turn: [PhoneScript.Step] = [.speakPattern(milliseconds: 500), .pause(milliseconds: 60_000)]

    private static func answer(_ server: ServerFixture) async throws -> String {
        func output() -> String? {
            for case .toolAnswered(_, _, let output) in server.modelLog.entries { return output }
            return nil
        }
        await Patience.wait { output() != nil }
        return try #require(output())
    }

    @Test func theWeatherIsAskedFor() async throws {
        let fetcher = ScriptedFetcher([ScriptedFetcher.status(200, #"{"current":{"temperature_2m":21.5}}"#)])
        var parts = Server.Parts()
        parts.fetcher = fetcher
        let server = try await ServerFixture(
            ["WEATHER_URL": "http://127.0.0.1:9"],
            parts: parts,
            model: {
                $0.toolCalls = [
                    .init(turn: 1, name: "get_weather_from_coords", arguments: #"{"latitude":1,"longitude":2}"#)
                ]
            }
        )
        let outcome = try await server.call(1, Self.turn)
        #expect(try await Self.answer(server) == #"{"temp":21.5}"#)
        #expect(fetcher.requests.first?.server.origin == "http://127.0.0.1:9")
        let names = try JSONValue(parsing: try await server.ask("GET", "/tools").body)["tools"]?.arrayValue?
            .compactMap { $0["name"]?.stringValue }
        #expect(names == ["current_time", "get_weather_from_coords", "end_call"])
        let tried = try await server.ask("POST", "/tools/get_weather_from_coords/try", body: #"{"latitude":1}"#)
        #expect(tried.text == #"{"output":"{\"error\":\"Missing latitude or longitude\"}"}"#)
        #expect(try await server.ask("POST", "/tools/none/try", body: "{}").status == 404)
        _ = try await server.ask("POST", "/calls/\(PhoneScript.pattern(1, []).callID)/hangup")
        await outcome.ended()
        await server.stop()
    }

    /// As in OpenAI's demo: a page brings a function along that nothing here can run, and a person answers it.
    @Test func aPersonAnswers() async throws {
        let server = try await ServerFixture(model: {
            $0.toolCalls = [.init(turn: 1, name: "ask_boss", arguments: "{}")]
        })
        let viewer = try await server.viewer("/ws/logs?shape=ga")
        viewer.send(
            RawBytes.text(
                #"{"type":"session.update","session":{"tools":[{"type":"function","name":"ask_boss","parameters":"#
                    + #"{"type":"object","properties":{}}}]}}"#
            )
        )
        _ = await viewer.texts(until: "session saved")
        let outcome = try await server.call(1, Self.turn)
        let path = "/calls/\(PhoneScript.pattern(1, []).callID)"
        let asked = try await server.ask(path) { $0.text.contains(#""name":"ask_boss""#) }
        let run = try #require(try JSONValue(parsing: asked.body)["tools"]?.arrayValue?.first)
        #expect(run["outcome"] == .null)
        let id = try #require(run["call_id"]?.stringValue)
        viewer.send(RawBytes.text(#"{"type":"conversation.item.create","item":{"type":"message"}}"#))
        viewer.send(
            RawBytes.text(
                #"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"\#(id)","#
                    + #""output":"\"yes\""}}"#
            )
        )
        #expect(try await Self.answer(server) == "\"yes\"")
        let answered = try await server.ask(path) { $0.text.contains(#""outcome":"succeeded""#) }
        #expect(answered.text.contains(#""what":"answered a function call""#))
        _ = try await server.ask("POST", path + "/hangup")
        await outcome.ended()
        await server.stop()
    }

    @Test func aToolIsAnsweredOverHTTPWhileItRuns() async throws {
        var parts = Server.Parts()
        parts.tools.register(ToolDefinition(name: "slow", description: "Slow.")) { (_: JSONValue, _) in
            // Until the answer by hand cancels it.
            await Patience.wait { false }
            return "late"
        }
        let server = try await ServerFixture(parts: parts, model: { $0.toolCalls = [.init(turn: 1, name: "slow")] })
        let outcome = try await server.call(1, Self.turn)
        let path = "/calls/\(PhoneScript.pattern(1, []).callID)"
        let asked = try await server.ask(path) { $0.text.contains(#""name":"slow""#) }
        let id = try #require(try JSONValue(parsing: asked.body)["tools"]?.arrayValue?.first?["call_id"]?.stringValue)
        #expect(try await server.ask("POST", path + "/tool-output", body: #"{"output":"x"}"#).status == 422)
        let body = #"{"call_id":"\#(id)","output":{"done":true}}"#
        #expect(try await server.ask("POST", path + "/tool-output", body: body).status == 202)
        #expect(try await Self.answer(server) == #"{"done":true}"#)
        _ = try await server.ask("POST", path + "/hangup")
        await outcome.ended()
        await server.stop()
    }

    @Test func aReloadIsForNewCalls() async throws {
        let server = try await ServerFixture(["COMPAT": "bridge"])
        var settings = try Settings(
            environment: ["COMPAT": "bridge", "PORT": "7", "OPENAI_API_KEY": "k"],
            prompt: "New words."
        )
        settings.texts.before = ["New text"]
        settings.call.session.voice = "sage"
        let reload = server.server.reload(settings)
        #expect(reload.newCalls.contains("PROMPT_FILE") && reload.newCalls.contains("VOICE"))
        #expect(reload.needRestart.contains("PORT"))
        #expect(try await server.ask("GET", "/twiml").text.contains("<Say>New text</Say>"))
        let outcome = try await server.call()
        let path = "/calls/\(PhoneScript.pattern(1, []).callID)"
        _ = try await server.ask(path) { $0.text.contains(#""voice":"sage""#) }
        _ = try await server.ask("POST", path + "/hangup")
        await outcome.ended()
        await server.stop()
    }
}
