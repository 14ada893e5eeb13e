import CallServer
import Testing

/// Files of tools that are wrong, and addresses that must not be asked.
@Suite struct HTTPToolFileTests {
    private static func tool(_ more: String, url: String = "https://h.example/p") -> String {
        "- {name: t, description: d, url: \"\(url)\"\(more.isEmpty ? "" : ", ")\(more)}"
    }

    @Test(arguments: [
        ("a: 1", "is no list of at most 128 tools"),
        ("- x", "tool 1: is no object of names and values"),
        (
            "- {name: \"a b\", description: d, url: \"https://h/\"}",
            "tool a b: name is not 1 to 64 letters, digits, _ and -"
        ),
        ("- {name: t, url: \"https://h/\"}", "tool t: has no description: the model would not know when to use it"),
        ("- {name: t, description: d}", "tool t: has no url"),
        (tool("", url: "http://h.example/"), "tool t: url is not https (http only with allow_private: true)"),
        (tool("", url: "https://{host}/"), "tool t: url has no fixed host, or a user name"),
        (tool("", url: "https://good@evil/"), "tool t: url has no fixed host, or a user name"),
        (tool("", url: "https://h/{x}"), "tool t: url names {x}, which is none of the parameters"),
        (tool("method: TRACE"), "tool t: method \"TRACE\" is not GET, POST, PUT, PATCH or DELETE"),
        (tool("timeout_seconds: 11"), "tool t: timeout_seconds is not from 0.1 to 10.0"),
        (tool("answer_bytes: 65537"), "tool t: answer_bytes is not from 1.0 to 65536.0"),
        (tool("retries: 3"), "tool t: \"retries\" is no part of a tool"),
        (tool("headers: {A: \"${MISSING}\"}"), "tool t: header A: the environment has no MISSING"),
        (tool("headers: {A: \"${SPLIT}\"}"), "tool t: header A: has characters that no header has (value not shown)"),
        (tool("headers: {\"A B\": \"1\"}"), "tool t: header A B: has characters that no header has (value not shown)"),
        (tool("parameters: {type: string}"), "tool t: parameters is no JSON Schema of an object"),
        (tool("") + "\n" + tool(""), "tool t: stands there twice"),
    ])
    func namesWhatIsWrong(text: String, problem: String) {
        let file = HTTPToolFile(parsing: text, environment: ["SPLIT": "canary\r\nX: y"])
        #expect(file.problems == [problem])
    }

    @Test(
        arguments: [
            ([127, 0, 0, 1], false), ([10, 1, 2, 3], false), ([172, 16, 0, 1], false), ([172, 15, 0, 1], true),
            ([172, 32, 0, 1], true), ([192, 168, 1, 1], false), ([169, 254, 169, 254], false),
            ([100, 64, 0, 1], false),
            ([100, 128, 0, 1], true), ([0, 0, 0, 0], false), ([224, 0, 0, 1], false), ([255, 255, 255, 255], false),
            ([8, 8, 8, 8], true), ([198, 18, 0, 1], false), ([192, 0, 2, 1], false), ([1, 2, 3], false),
        ] as [([UInt8], Bool)]
    )
    func addressesOfFourBytes(address: [UInt8], isPublic: Bool) {
        #expect(AddressPolicy.isPublic(address) == isPublic)
        guard address.count == 4 else { return }
        // The same one by its other ways of writing.
        let zeros = [UInt8](repeating: 0, count: 10)
        #expect(AddressPolicy.isPublic(zeros + [0xFF, 0xFF] + address) == isPublic)
        #expect(AddressPolicy.isPublic([0, 0x64, 0xFF, 0x9B] + zeros.prefix(8) + address) == isPublic)
        #expect(AddressPolicy.isPublic([0x20, 0x02] + address + zeros) == isPublic)
    }

    @Test(arguments: [
        (["::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "2001::1", "::127.0.0.1"], false),
        (["2606:4700::1111", "2001:4860:4860::8888"], true),
    ])
    func addressesOfSixteenBytes(hosts: [String], isPublic: Bool) {
        for host in hosts {
            let server = OutboundServer(host: host)
            if isPublic {
                #expect(throws: Never.self) { try AddressPolicy.resolve(server) }
            } else {
                #expect(throws: OutboundFailure.privateAddress, "\(host)") { try AddressPolicy.resolve(server) }
            }
        }
    }

    @Test(arguments: [
        "127.0.0.1", "127.1", "0x7f000001", "2130706433", "::ffff:127.0.0.1", "localhost", "169.254.169.254",
    ])
    func namesOfThisMachineAreRefused(host: String) throws {
        #expect(throws: OutboundFailure.privateAddress) { try AddressPolicy.resolve(OutboundServer(host: host)) }
        let allowed = try AddressPolicy.resolve(OutboundServer(host: host, mayBePrivate: true))
        #expect(!allowed.isEmpty)
    }

    @Test(arguments: ["", String(repeating: "a", count: 256), "no such host"])
    func namesThatAreNone(host: String) {
        #expect(throws: OutboundFailure.unresolved) { try AddressPolicy.resolve(OutboundServer(host: host)) }
    }
}
