import CallServer
import Foundation
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk
import WebServer

/// Twenty secrets are planted wherever a server is told one, or a stranger can bring one: nothing that it writes or says
/// holds any of them. Hostile cases G17, N12.
@Suite(
    .serialized,
    .timeLimit(.minutes(1)),
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: RunningProgram.trunkline),
        "needs the program beside the tests"
    )
)
struct CanaryTests {
    private static func canary(_ number: Int) -> String { "canary\(number)x0123456789abcdef" }

    private static let settings = [
        "OPENAI_API_KEY": "sk-" + canary(1), "TWILIO_AUTH_TOKEN": canary(2), "TWILIO_AUTH_TOKEN_SECONDARY": canary(3),
        "TWILIO_SHARED_KEYS": "SK1=" + canary(4), "TWILIO_API_KEY": "SK2", "TWILIO_API_SECRET": canary(5),
        "API_TOKEN": canary(6), "VIEWER_TOKEN": canary(7), "USERS": "anna:operator:" + canary(8),
        "PRE_CALL_SECRET": canary(9), "PRE_CALL_URL": "http://127.0.0.1:9/?key=" + canary(10), "END_SECRET": canary(11),
        "END_URL": "http://127.0.0.1:9/?key=" + canary(12), "TOOL_KEY": canary(13), "MCP_KEY": canary(14),
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001", "PUBLIC_URL": "https://a.example",
        "LOG_LEVEL": "debug", "TOOLS_FILE": "tools.yaml", "DATABASE_PATH": "calls.db", "HOST": "127.0.0.1",
    ]

    private static let tools = """
        tools:
          - name: look_up
            description: Looks something up.
            url: http://127.0.0.1:9/a
            allow_private: true
            headers: {Authorization: "Bearer ${TOOL_KEY}"}
        mcp:
          - {label: docs, url: "https://mcp.example/", authorization: "${MCP_KEY}"}
        """

    @Test func nothingThatIsWrittenHoldsASecret() async throws {
        let folder = try TemporaryFolder()
        try Self.tools.write(toFile: folder.path + "/tools.yaml", atomically: true, encoding: .utf8)
        // A model that repeats our key in its words.
        var script = ModelScript()
        script.handshake = .refused(
            code: "invalid_api_key",
            message: "Incorrect API key provided: sk-\(Self.canary(1))"
        )
        let refusing = script
        let model = try CallEngine.start()
        let modelPort = try await model.perform { try ModelSimulator.listen(refusing, on: $0) }
        let port = try RunningProgram.freePort()
        var settings = Self.settings
        settings["PORT"] = "\(port)"
        settings["OPENAI_REALTIME_URL"] = "ws://127.0.0.1:\(modelPort)\(ModelSimulator.path)?api-key=\(Self.canary(15))"
        let environment = ["-i", "-C", folder.path, "PATH=/usr/bin:/bin"] + settings.map { "\($0.key)=\($0.value)" }
        let log = folder.path + "/log"
        let program = try RunningProgram("env", environment + [RunningProgram.trunkline, "serve"], output: log)
        try await Patience.wait {
            try #require(program.isRunning, "\((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
            return (try? await RawClient.ask("GET", "/ready", port: port)) != nil
        }
        // Who watches the models sees no key, either: the refusal repeats one.
        let viewer = try RawClient(port: port)
        viewer.send(
            RawBytes.upgrade(to: "/ws/logs").replacing(
                "\r\n\r\n",
                with: "\r\nAuthorization: Bearer \(Self.canary(6))\r\n\r\n"
            )
        )
        var said = try await Self.provoke(port)
        said += try await Self.useTool(port)
        let config = try await Program.run("env", environment + [RunningProgram.trunkline, "config"], withErrors: true)
        said += config.output
        let doctor = try await Program.run("env", environment + [RunningProgram.trunkline, "doctor"], withErrors: true)
        said += doctor.output
        // A key that comes with a reload, and is used.
        try "TOOL_KEY_2=\(Self.canary(21))\n".write(toFile: folder.path + "/.env", atomically: true, encoding: .utf8)
        try Self.tools.replacing("TOOL_KEY}", with: "TOOL_KEY_2}").write(
            toFile: folder.path + "/tools.yaml",
            atomically: true,
            encoding: .utf8
        )
        program.signal(SIGHUP)
        await Patience.wait { (try? String(contentsOfFile: log, encoding: .utf8))?.contains("reloaded: ") == true }
        said += try await Self.useTool(port)
        program.signal(SIGTERM)
        await Patience.wait { !program.isRunning }
        said += String(decoding: await viewer.readToEnd(), as: UTF8.self)
        await model.stop()
        said += try String(contentsOfFile: log, encoding: .utf8)
        for name in ["calls.db", "calls.db-wal"] {
            said +=
                (try? Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)"))).map {
                    String(decoding: $0, as: UTF8.self)
                } ?? ""
        }
        #expect(config.output.contains("API_TOKEN=(set, not shown)") && said.contains("the model refuses us"))
        let found = (1...21).compactMap { number in
            said.firstRange(of: Self.canary(number)).map { range in
                "secret \(number) behind: \(said[..<range.lowerBound].suffix(100))"
            }
        }
        #expect(found == [])
    }

    /// A tool with its key, whose server cannot be reached.
    private static func useTool(_ port: Int) async throws -> String {
        let bearer = "Authorization: Bearer \(canary(6))"
        let path = "/tools/look_up/try"
        let answer = try await RawClient.ask("POST", path, port: port, headers: [bearer], body: "{}")
        #expect(answer?.text.contains("error") == true || answer?.text.contains("output") == true)
        return answer?.text ?? ""
    }

    /// Brings secrets along wherever a stranger can, and gathers all that is answered.
    private static func provoke(_ port: Int) async throws -> String {
        var said = ""
        let bearer = "Authorization: Bearer \(canary(6))"
        for path in [
            "/health", "/metrics", "/calls", "/tools", "/configuration", "/overview", "/setup", "/openapi.json",
            "/history",
            "/session", "/calls/\(canary(16))",
        ] {
            for headers in [[bearer], ["Authorization: Bearer \(canary(17))", "X-Forwarded-For: 192.0.2.1"]] {
                said +=
                    try await RawClient.ask("GET", path, port: port, headers: headers)?.text.replacing(
                        canary(16),
                        with: ""
                    ) ?? ""
            }
        }
        let webhook = "CallSid=CA00000000000000000000000000000001&Secret=\(canary(18))"
        let signature = "X-Twilio-Signature: \(canary(19))"
        let type = "Content-Type: application/x-www-form-urlencoded"
        said +=
            try await RawClient.ask("POST", "/incoming-call", port: port, headers: [signature, type], body: webhook)?
            .text ?? ""
        said += try await RawClient.ask("POST", "/login", port: port, body: #"{"token":"\#(canary(20))"}"#)?.text ?? ""
        // A whole call, with the signature and the token that it wants; its model refuses our key.
        let form = [("CallSid", "CA00000000000000000000000000000001"), ("From", "+15550100")]
        let good = TwilioSignatureText.header("https://a.example/incoming-call", form, key: canary(2))
        let document =
            try await RawClient.ask(
                "POST",
                "/incoming-call",
                port: port,
                headers: [good, type],
                body: form.map { "\($0.0)=\($0.1.replacing("+", with: "%2B"))" }.joined(separator: "&")
            )?.text ?? ""
        let token = document.firstMatch(of: /trunkline_token" value="([^"]*)"/).map { String($0.1) } ?? ""
        #expect(!token.isEmpty)
        let phone = try RawClient(port: port)
        let upgrade = TwilioSignatureText.header("wss://a.example/media-stream", [], key: canary(2))
        phone.send(RawBytes.upgrade(to: "/media-stream").replacing("\r\n\r\n", with: "\r\n\(upgrade)\r\n\r\n"))
        phone.send(RawBytes.text(#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#))
        phone.send(
            RawBytes.text(
                #"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1","accountSid":"AC00000000000000000000000000000001","#
                    + #""callSid":"CA00000000000000000000000000000001","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"#
                    + #""customParameters":{"trunkline_token":"\#(token)"}}}"#
            )
        )
        _ = await phone.answer()
        return said.replacing(token, with: "")
    }
}

/// A signature as the carrier makes it.
enum TwilioSignatureText {
    static func header(_ url: String, _ fields: [(String, String)], key: String) -> String {
        let form = FormFields(fields.map { FormFields.Field($0.0, $0.1) })
        return "X-Twilio-Signature: " + TwilioSignature.sign(url: url, fields: form, key: key)
    }
}
