import CallPolicy
import CallServer
import RealtimeProtocol
import Testing

/// The sample tool, with the answers that clients know.
@Suite struct WeatherToolTests {
    private func run(_ arguments: JSONValue, _ answer: ScriptedFetcher.Answer) async -> (JSONValue, [OutboundRequest]) {
        let fetcher = ScriptedFetcher([answer])
        let runner = HTTPToolRunner(fetcher) { 0 }
        let result = await WeatherTool.run(arguments, runner: runner, server: WeatherTool.server)
        return (result, fetcher.requests)
    }

    @Test func tellsTheTemperature() async throws {
        let body = #"{"current":{"time":"x","temperature_2m":-3.5,"wind_speed_10m":1}}"#
        let (result, requests) = await run(["latitude": 52.5, "longitude": 13], ScriptedFetcher.status(200, body))
        #expect(result == ["temp": -3.5])
        #expect(requests.first?.server == OutboundServer(host: "api.open-meteo.com"))
        #expect(
            requests.first?.target
                == "/v1/forecast?latitude=52.5&longitude=13.0&current=temperature_2m,wind_speed_10m"
                + "&hourly=temperature_2m,relative_humidity_2m,wind_speed_10m"
        )
    }

    @Test(
        arguments: [
            (ScriptedFetcher.status(429), "Weather API returned status 429"),
            (ScriptedFetcher.status(500), "Weather API returned status 500"),
            (.failure(.timeout), "Failed to fetch weather data: timeout"),
            (ScriptedFetcher.status(200, "<html>"), "Failed to fetch weather data: no temperature in the answer"),
            (
                ScriptedFetcher.status(200, #"{"current":{}}"#),
                "Failed to fetch weather data: no temperature in the answer"
            ),
        ] as [(ScriptedFetcher.Answer, String)]
    )
    func tellsWhatWentWrong(answer: ScriptedFetcher.Answer, error: String) async {
        let (result, _) = await run(["latitude": 1, "longitude": 2], answer)
        #expect(result == ["error": .string(error)])
    }

    @Test func needsBothCoordinates() async {
        for arguments in [["latitude": 1], ["latitude": "1", "longitude": 2], [:]] as [JSONValue] {
            let (result, requests) = await run(arguments, ScriptedFetcher.status(200))
            #expect(result == ["error": "Missing latitude or longitude"])
            #expect(requests.isEmpty)
        }
    }

    @Test func isOfferedByItsName() async throws {
        var registry = ToolRegistry(withBuiltIns: false)
        let body = #"{"current":{"temperature_2m":20}}"#
        let runner = HTTPToolRunner(ScriptedFetcher([ScriptedFetcher.status(200, body)])) { 0 }
        WeatherTool.register(in: &registry, runner: runner)
        #expect(registry.definitions.map(\.name) == ["get_weather_from_coords"])
        #expect(registry.definitions.first?.parameters["required"] == ["latitude", "longitude"])
        let context = ToolContext(callID: "c", carrier: nil, wallClock: WallClock(secondsSince1970: 0))
        let arguments: JSONValue = ["latitude": 1, "longitude": 2]
        let invocation = ToolInvocation(
            callID: "c",
            name: "get_weather_from_coords",
            arguments: arguments,
            timeoutMilliseconds: 1_000
        )
        #expect(await registry.run(invocation, context: context) == .output(#"{"temp":20}"#))
    }
}
