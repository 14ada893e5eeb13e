import CallServer
import Testing

/// Addresses that we give away: the configured one wins over whatever a request says.
@Suite struct PublicOriginTests {
    @Test(arguments: [
        ("https://abc.ngrok.app", "wss://abc.ngrok.app/ws/call"),
        ("https://abc.ngrok.app/", "wss://abc.ngrok.app/ws/call"),
        ("http://abc.example:8081", "wss://abc.example:8081/ws/call"),
        ("https://abc.example/some/path?x=1", "wss://abc.example/ws/call"),
        ("wss://abc.example", "wss://abc.example/ws/call"),
        ("abc.example:99", "wss://abc.example:99/ws/call"),
        ("https://[2001:db8::1]:8443", "wss://[2001:db8::1]:8443/ws/call"),
    ])
    func readsURLs(url: String, stream: String) throws {
        #expect(try PublicOrigin(parsing: url).streamURL(path: "/ws/call") == stream)
    }

    @Test func keepsThePathWhenAsked() throws {
        let origin = try PublicOrigin(parsing: "https://abc.example/voice/?x=1", keepsPath: true)
        #expect(origin.streamURL(path: "/ws/call") == "wss://abc.example/voice/ws/call")
        #expect(origin.pageURL(path: "/after") == "https://abc.example/voice/after")
    }

    @Test(arguments: [
        ("", "has no valid host and port"), ("https://", "has no valid host and port"),
        ("https://host:0", "has no valid host and port"), ("https://host:65536", "has no valid host and port"),
        ("https://ho\"st", "has no valid host and port"), ("https://a b", "has spaces or other characters"),
        ("ftp://host", "scheme is not https"), ("https://user@host", "holds a user name"),
        ("https://" + String(repeating: "h", count: 256), "has no valid host and port"),
    ])
    func refuses(url: String, problem: String) {
        let failure = #expect(throws: PublicOrigin.Failure.self) { try PublicOrigin(parsing: url) }
        #expect(failure?.description == "\(problem); expected https://host[:port]")
    }

    @Test(arguments: [
        (RequestOrigin(host: "a.example:8443"), nil as String?, "http://a.example:8443/"),
        (RequestOrigin(host: "a.example", isSecure: true), nil, "https://a.example/"),
        (
            RequestOrigin(
                host: "in",
                forwardedHost: "a.example:444, b",
                forwardedProtocol: "https",
                comesFromProxy: true
            ),
            nil, "https://a.example:444/"
        ),
        (RequestOrigin(host: "a", forwardedHost: "evil", forwardedProtocol: "https"), nil, "http://a/"),
        (
            RequestOrigin(host: "evil", forwardedHost: "evil", comesFromProxy: true), "https://b.example",
            "https://b.example/"
        ),
        (RequestOrigin(host: nil), nil, nil),
        (RequestOrigin(host: "a/b"), nil, nil),
        (RequestOrigin(host: "a\"b"), nil, nil),
        (RequestOrigin(host: nil), "https://b.example", "https://b.example/"),
    ])
    func ofARequest(request: RequestOrigin, configured: String?, expected: String?) throws {
        let configured = try configured.map { try PublicOrigin(parsing: $0) }
        #expect(PublicOrigin.of(request, configured: configured)?.pageURL(path: "/") == expected)
    }
}
