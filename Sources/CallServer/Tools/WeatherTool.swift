import CallBridge
public import CallPolicy
public import RealtimeProtocol

/// The sample tool: the temperature at a place, from open-meteo.
public enum WeatherTool {
    /// What the model is told.
    public static let definition = ToolDefinition(
        name: "get_weather_from_coords",
        description: "Get the current weather at a place, given by its coordinates.",
        parameters: [
            "type": "object",
            "properties": [
                "latitude": ["type": "number", "description": "Latitude in degrees"],
                "longitude": ["type": "number", "description": "Longitude in degrees"],
            ],
            "required": ["latitude", "longitude"],
        ],
        timeoutMilliseconds: 11_000
    )

    /// The server that knows.
    public static let server = OutboundServer(host: "api.open-meteo.com")

    /// Registers the tool.
    public static func register(
        in registry: inout ToolRegistry,
        runner: HTTPToolRunner,
        server: OutboundServer = server
    ) {
        registry.register(definition) { (arguments: JSONValue, _) in
            await run(arguments, runner: runner, server: server).text
        }
    }

    /// Asks, and answers with `temp` or `error`.
    public static func run(_ arguments: JSONValue, runner: HTTPToolRunner, server: OutboundServer) async -> JSONValue {
        guard let latitude = arguments["latitude"]?.doubleValue, let longitude = arguments["longitude"]?.doubleValue
        else { return ["error": "Missing latitude or longitude"] }
        let query = [
            "latitude=\(latitude)", "longitude=\(longitude)", "current=temperature_2m,wind_speed_10m",
            "hourly=temperature_2m,relative_humidity_2m,wind_speed_10m",
        ]
        var request = OutboundRequest(server: server, target: "/v1/forecast?" + query.joined(separator: "&"))
        request.headers = [.init("Accept-Encoding", "identity"), .init("User-Agent", "trunkline")]
        do throws(HTTPToolError) {
            let answer = try await runner.ask(request)
            guard answer.status == 200 else {
                return ["error": .string("Weather API returned status \(answer.status)")]
            }
            guard let temperature = (try? JSONValue(parsing: answer.body))?["current"]?["temperature_2m"],
                temperature.doubleValue != nil
            else { return ["error": "Failed to fetch weather data: no temperature in the answer"] }
            return ["temp": temperature]
        } catch {
            return ["error": .string("Failed to fetch weather data: \(error)")]
        }
    }
}
