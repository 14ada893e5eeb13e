import CallServer
import Foundation
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk
import WebServer

/// The examples of `deploy/`, run by the programs that they are for.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ProxyTests {
    private static let turn: [PhoneScript.Step] = [
        .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000),
    ]

    /// A proxy with a certificate for this machine, and where to call it.
    private struct Proxy {
        let folder: TemporaryFolder
        let certificate: LoopbackCertificate
        let port: Int
        let program: RunningProgram

        /// - Parameters:
        ///   - name: The program.
        ///   - example: Its example's file.
        ///   - changes: What the example says, and what this test needs instead.
        ///   - wrap: Makes a whole configuration of it.
        ///   - arguments: Of the program, for a configuration file and a folder.
        init(
            _ name: String,
            _ example: String,
            _ changes: [(String, String)],
            wrap: (String) -> String = { $0 },
            arguments: (String, String) -> [String]
        ) throws {
            folder = try TemporaryFolder()
            certificate = try LoopbackCertificate(in: folder.path)
            port = try RunningProgram.freePort()
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
            var text = try String(contentsOf: root.appendingPathComponent("deploy/\(example)"), encoding: .utf8)
            let both =
                try String(contentsOfFile: certificate.certificateFile, encoding: .utf8)
                + String(contentsOfFile: certificate.keyFile, encoding: .utf8)
            try both.write(toFile: folder.path + "/both.pem", atomically: true, encoding: .utf8)
            let places = [
                ("/etc/haproxy/certificate.pem", folder.path + "/both.pem"),
                ("/etc/nginx/certificate.pem", certificate.certificateFile),
                ("/etc/nginx/key.pem", certificate.keyFile),
                ("bind :443", "bind 127.0.0.1:\(port)"), ("listen 443 ssl", "listen 127.0.0.1:\(port) ssl"),
            ]
            for (from, to) in places { text = text.replacing(from, with: to) }
            for (from, to) in changes {
                try #require(text.contains(from), "\(example) says nothing of \(from)")
                text = text.replacing(from, with: to)
            }
            let file = folder.path + "/configuration"
            try wrap(text).write(toFile: file, atomically: true, encoding: .utf8)
            program = try RunningProgram(name, arguments(file, folder.path))
        }

        func curl(_ arguments: String...) async throws -> String {
            try await Program.run("curl", ["-sS", "--cacert", certificate.certificateFile] + arguments).output
        }

        /// Waits until it answers.
        func ready() async throws {
            try await Patience.wait {
                try #require(program.isRunning)
                return try await curl("https://localhost:\(port)/ready").contains("true")
            }
        }

        func call(_ number: Int, _ steps: [PhoneScript.Step], on engine: CallEngine) async throws
            -> PhoneSimulator.Outcome
        {
            let target = DialTarget(
                host: "localhost",
                port: port,
                isSecure: true,
                target: "/media-stream",
                authorityFile: certificate.certificateFile
            )
            let script = PhoneScript.pattern(number, steps)
            return try await engine.perform { try PhoneSimulator.call(target, script, on: $0) }
        }
    }

    private static func nginx(_ server: ServerFixture) throws -> Proxy {
        try Proxy(
            "nginx",
            "nginx.conf",
            [("server 127.0.0.1:5050;", "server 127.0.0.1:\(server.port);")],
            wrap: { "daemon off; pid nginx.pid; error_log stderr; events {} http { access_log off; \($0) }" },
            arguments: { ["-p", $1, "-c", $0] }
        )
    }

    /// nginx keeps connections, and sends upgrades on those that carried requests.
    @Test(.enabled(if: Program.isThere("nginx") && Program.isThere("curl"), "needs nginx and curl"))
    func nginxLeadsPagesAndCalls() async throws {
        let server = try await ServerFixture(["ALLOW_UNSIGNED": "yes", "API_TOKEN": "a-token-of-24-characters"])
        let proxy = try Self.nginx(server)
        try await proxy.ready()
        let root = "https://localhost:\(proxy.port)"
        for number in 1...5 {
            #expect(try await proxy.curl(root + "/").contains("running"))
            let outcome = try await proxy.call(number, Self.turn + [.hangUp(.stop)], on: server.phones)
            await outcome.ended()
            #expect(!outcome.report.checks.isEmpty && outcome.report.checks.values.allSatisfy { $0.isPerfect })
        }
        #expect(server.server.webStats.givenBack > 0)
        let document = try await proxy.curl(root + "/incoming-call")
        #expect(document.contains("<Stream url=\"wss://localhost:\(proxy.port)/media-stream\"/>"))
        // What is for this machine only is not for those whom a proxy brings.
        #expect(try await proxy.curl("-o", "/dev/null", "-w", "%{http_code}", root + "/calls") == "401")
        let token = "Authorization: Bearer a-token-of-24-characters"
        #expect(try await proxy.curl("-o", "/dev/null", "-w", "%{http_code}", "-H", token, root + "/calls") == "200")
        proxy.program.stop()
        await server.stop()
    }

    /// A node that drains gets no new calls, and keeps those that it has.
    @Test(.enabled(if: Program.isThere("haproxy") && Program.isThere("curl"), "needs haproxy and curl"))
    func haproxySpreadsCallsAndLetsNodesDrain() async throws {
        let nodes = [
            try await ServerFixture(["ALLOW_UNSIGNED": "yes"]), try await ServerFixture(["ALLOW_UNSIGNED": "yes"]),
        ]
        let proxy = try Proxy(
            "haproxy",
            "haproxy.cfg",
            [
                ("maxconn 9000", "maxconn 200"),
                ("server node1 127.0.0.1:5050", "server node1 127.0.0.1:\(nodes[0].port)"),
                ("server node2 127.0.0.1:5051", "server node2 127.0.0.1:\(nodes[1].port)"),
            ],
            arguments: { file, _ in ["-db", "-f", file] }
        )
        try await proxy.ready()
        let phones = nodes[0].phones
        func open() async -> [Int] { [await nodes[0].server.openCalls(), await nodes[1].server.openCalls()] }
        var outcomes: [PhoneSimulator.Outcome] = []
        func call(_ count: Int) async throws {
            for _ in 0..<count {
                let before = await open().reduce(0, +)
                outcomes.append(try await proxy.call(outcomes.count + 1, Self.turn + [.startOver], on: phones))
                await Patience.wait { await open().reduce(0, +) > before }
            }
        }
        try await call(6)
        #expect(await open() == [3, 3])
        nodes[0].server.drain()
        // The proxy believes the second look; at the third it has surely understood.
        await Patience.wait { nodes[0].server.webStats.responses[503, default: 0] >= 3 }
        try await call(4)
        #expect(await open() == [3, 7])
        for number in 1...outcomes.count {
            let path = "/calls/\(PhoneScript.pattern(number, []).callID)/hangup"
            let statuses = [
                try await nodes[0].ask("POST", path).status, try await nodes[1].ask("POST", path).status,
            ]
            #expect(statuses.contains(202))
        }
        for outcome in outcomes {
            await outcome.ended()
            #expect(outcome.report.checks.values.allSatisfy { $0.isPerfect })
        }
        proxy.program.stop()
        for node in nodes { await node.stop() }
    }
}
