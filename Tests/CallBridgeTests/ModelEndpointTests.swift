import CallBridge
import Testing

@Suite struct ModelEndpointTests {
    @Test(arguments: [
        "http://host/", "host", "wss://", "wss://user@host/", "wss://host:0/", "wss://host:99999/", "wss://ho st/",
        "wss://host/#x", "wss://[::1/", "ws://host:port/",
    ])
    func refuses(url: String) {
        let failure = #expect(throws: ModelEndpoint.Failure.self) {
            try ModelEndpoint(url: url, model: "m", key: "secret-key")
        }
        #expect(failure?.description.contains("expected ws://") == true)
        #expect(failure?.description.contains("secret-key") == false)
    }

    @Test(arguments: [
        ("wss://api.openai.com/v1/realtime", "api.openai.com:443/v1/realtime?model=gpt%2Fx"),
        ("ws://127.0.0.1:9", "127.0.0.1:9/?model=gpt%2Fx"),
        ("wss://[::1]:8443/a?b=c", "::1:8443/a?b=c&model=gpt%2Fx"),
        ("wss://x.openai.azure.com/openai/v1/realtime?model=d", "x.openai.azure.com:443/openai/v1/realtime?model=d"),
        ("wss://x/o?deployment=d", "x:443/o?deployment=d"),
    ])
    func dials(url: String, expected: String) throws {
        let endpoint = try ModelEndpoint(url: url, model: "gpt/x", key: "k")
        #expect(endpoint.address == expected)
    }
}
