import CallServer
import Foundation
import Glibc
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// The program itself: signals, systemd, a tool over real sockets, the doctor.
@Suite(
    .serialized,
    .timeLimit(.minutes(2)),
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: RunningProgram.trunkline),
        "needs the program beside the tests"
    )
)
struct ProgramTests {
    /// `trunkline serve` in a folder of its own, with the built-in parrot.
    private struct Fixture {
        let folder: TemporaryFolder
        let port: Int
        let environment: [String]
        let program: RunningProgram

        init(_ settings: [String: String] = [:], prompt: String = "First words.", program path: String? = nil)
            async throws
        {
            folder = try TemporaryFolder()
            port = try RunningProgram.freePort()
            try prompt.write(toFile: folder.file("sample_prompt.txt"), atomically: true, encoding: .utf8)
            let all = ["HOST": "127.0.0.1", "PORT": "\(port)", "DATABASE_PATH": "none"].merging(settings) { $1 }
            environment =
                ["-i", "-C", folder.path, "PATH=/usr/bin:/bin"] + all.map { "\($0.key)=\($0.value)" }
            let command = environment + [path ?? RunningProgram.trunkline, "serve"]
            program = try RunningProgram("env", command, output: folder.file("log"))
            let (port, program, log) = (port, program, folder.file("log"))
            try await Patience.wait {
                try #require(program.isRunning, "\((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
                return (try? await RawClient.ask("GET", "/ready", port: port)) != nil
            }
        }

        var log: String { (try? String(contentsOfFile: folder.file("log"), encoding: .utf8)) ?? "" }

        func ask(_ method: String = "GET", _ path: String, body: String = "") async throws -> HTTPAnswer {
            try #require(try await RawClient.ask(method, path, port: port, body: body))
        }

        func ended() async { await Patience.wait { !program.isRunning } }
    }

    @Test func aHangUpReadsTheFilesAnew() async throws {
        let fixture = try await Fixture()
        #expect(try await fixture.ask("GET", "/configuration").text.contains("First words."))
        try "Other words.".write(
            toFile: fixture.folder.file("sample_prompt.txt"),
            atomically: true,
            encoding: .utf8
        )
        fixture.program.signal(SIGHUP)
        await Patience.wait { fixture.log.contains("reloaded: PROMPT_FILE changed for new calls") }
        #expect(try await fixture.ask("GET", "/configuration").text.contains("Other words."))
        // What is wrong is told, and what was stays.
        try FileManager.default.removeItem(atPath: fixture.folder.file("sample_prompt.txt"))
        try Data([0xFF, 0xFE]).write(to: URL(fileURLWithPath: fixture.folder.file("sample_prompt.txt")))
        fixture.program.signal(SIGHUP)
        await Patience.wait { fixture.log.contains("sample_prompt.txt: line 1 is not UTF-8") }
        #expect(try await fixture.ask("GET", "/configuration").text.contains("Other words."))
        fixture.program.signal(SIGTERM)
        await fixture.ended()
    }

    /// The first signal lets a call go on, the second ends it.
    @Test func aSecondSignalEndsCalls() async throws {
        let fixture = try await Fixture()
        let phones = try CallEngine.start()
        let target = DialTarget(host: "127.0.0.1", port: fixture.port, isSecure: false, target: "/media-stream")
        let script = PhoneScript.pattern(1, [.pause(milliseconds: 60_000)])
        let outcome = try await phones.perform { try PhoneSimulator.call(target, script, on: $0) }
        await Patience.wait { (try? await fixture.ask("GET", "/calls").text.contains("in-progress")) == true }
        fixture.program.signal(SIGTERM)
        await Patience.wait { fixture.log.contains("stopping: no new calls") }
        #expect(try await fixture.ask("GET", "/ready").status == 503)
        #expect(try await fixture.ask("GET", "/calls").text.contains("in-progress"))
        fixture.program.signal(SIGTERM)
        await fixture.ended()
        await outcome.ended()
        #expect(!fixture.program.isRunning)
        await phones.stop()
    }

    /// sd_notify(3): what systemd is told, in this order.
    @Test func systemdIsTold() async throws {
        let folder = try TemporaryFolder()
        let socket = try #require(NotifySocket(folder.file("notify")))
        let fixture = try await Fixture(["NOTIFY_SOCKET": folder.file("notify"), "WATCHDOG_USEC": "200000"])
        await Patience.wait { socket.messages.contains("WATCHDOG=1") }
        #expect(socket.messages.first == "READY=1")
        fixture.program.signal(SIGHUP)
        await Patience.wait { socket.messages.filter { $0 == "READY=1" }.count == 2 }
        let reloading = socket.messages.firstIndex { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") }
        #expect(reloading != nil && reloading! < socket.messages.lastIndex(of: "READY=1")!)
        fixture.program.signal(SIGTERM)
        await fixture.ended()
        #expect(socket.messages.contains("STOPPING=1"))
    }

    /// The sample tool by way of the real client and a server on this machine.
    @Test func theWeatherComesFromItsServer() async throws {
        let folder = try TemporaryFolder()
        let port = try RunningProgram.freePort()
        try """
        import http.server, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"current":{"temperature_2m":21.5}}' if "latitude=52.5&longitude=13" in self.path else b'{}'
                self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
                self.wfile.write(body)
            def log_message(self, *_): pass
        http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
        """.write(toFile: folder.file("weather.py"), atomically: true, encoding: .utf8)
        let weather = try RunningProgram("python3", [folder.file("weather.py"), "\(port)"])
        await Patience.wait { (try? RawClient(port: port)) != nil }
        let fixture = try await Fixture(["WEATHER_URL": "http://127.0.0.1:\(port)"])
        let path = "/tools/get_weather_from_coords/try"
        let answer = try await fixture.ask("POST", path, body: #"{"latitude":52.5,"longitude":13}"#)
        #expect(answer.text.contains("21.5"), "\(answer.text)")
        weather.stop()
        fixture.program.signal(SIGTERM)
        await fixture.ended()
    }

    @Test func theDoctorSaysWhatIsWrong() async throws {
        let fixture = try await Fixture()
        // The parrot needs no network; nobody answers at this address, and strangers' calls are refused without a secret.
        let open = ["PUBLIC_URL=https://127.0.0.1:1", RunningProgram.trunkline, "doctor"]
        let sick = try await Program.run("env", fixture.environment + open)
        #expect(sick.status == 1 && sick.output.contains("FAILED") && sick.output.contains("TWILIO_AUTH_TOKEN"))
        let healthy = fixture.environment + [RunningProgram.trunkline, "doctor", "--health"]
        #expect(try await Program.run("env", healthy).status == 0)
        _ = try await fixture.ask("POST", "/drain")
        #expect(try await Program.run("env", healthy).status == 1)
        fixture.program.signal(SIGTERM)
        await fixture.ended()
    }

    /// Without the folder of its pages it takes calls, and says what is missing.
    @Test func withoutItsPagesItSaysSo() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: RunningProgram.trunkline, toPath: folder.file("trunkline"))
        let fixture = try await Fixture(program: folder.file("trunkline"))
        await Patience.wait { fixture.log.contains("there is no /dashboard: trunkline_CallServer.resources") }
        #expect(try await fixture.ask("GET", "/incoming-call").text.contains("<Stream"))
        fixture.program.signal(SIGTERM)
        await fixture.ended()
    }

    /// A bound on costs without a price: told in one line, with the status of wrong settings.
    @Test func aBoundWithoutAPriceStopsTheStart() async throws {
        let folder = try TemporaryFolder()
        let settings = ["-i", "-C", folder.path, "PATH=/usr/bin:/bin", "OPENAI_MODEL=ours", "COST_PER_DAY=5"]
        let ran = try await Program.run("env", settings + [RunningProgram.trunkline, "serve"], withErrors: true)
        #expect(ran.status == 78 && ran.output.split(separator: "\n").count == 1, "\(ran.output)")
        #expect(ran.output.contains("COST_PER_DAY: ours has no price"))
    }
}

/// The socket of systemd.
private final class NotifySocket: Sendable {
    private let descriptor: Int32
    private let said = Locked<[String]>([])

    init?(_ path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix(107)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if bound != 0 { return nil }
    }

    deinit { close(descriptor) }

    /// What came so far.
    var messages: [String] {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count <= 0 { break }
            let text = String(decoding: buffer.prefix(count), as: UTF8.self)
            said.withLock { $0.append(text) }
        }
        return said.withLock { $0 }
    }
}
