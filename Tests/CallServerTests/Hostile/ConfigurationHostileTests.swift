import Foundation
import TestSupport
import Testing

/// The program itself with files and settings of all kinds: group J of the hostile inputs. What is wrong is told with its
/// place, with status 78, and no port opens.
@Suite(
    .timeLimit(.minutes(1)),
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: RunningProgram.trunkline),
        "needs the program beside the tests"
    )
)
struct ConfigurationHostileTests {
    /// Runs `trunkline` in a folder with these settings, and nothing else of an environment.
    private static func run(_ command: String, _ settings: [String: String], in folder: TemporaryFolder) async throws
        -> (status: Int32, output: String)
    {
        let pairs = settings.map { "\($0.key)=\($0.value)" }
        return try await Program.run(
            "env",
            ["-i", "-C", folder.path, "PATH=/usr/bin:/bin"] + pairs + [RunningProgram.trunkline, command],
            withErrors: true
        )
    }

    enum File: String, CaseIterable, Sendable {
        case missing, folder, pipe, huge, notUTF8 = "not UTF-8", locked

        func make(at path: String) throws {
            let files = FileManager.default
            switch self {
            case .missing: break
            case .folder: try files.createDirectory(atPath: path, withIntermediateDirectories: false)
            case .pipe: mkfifo(path, 0o600)
            case .huge:
                _ = files.createFile(atPath: path, contents: Data("a: 1\n".utf8))
                try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 1 << 30)
            case .notUTF8: _ = files.createFile(atPath: path, contents: Data([0x61, 0x0A, 0xFF, 0xFE]))
            case .locked: _ = files.createFile(atPath: path, contents: Data(), attributes: [.posixPermissions: 0])
            }
        }
    }

    @Test(arguments: File.allCases, ["PROMPT_FILE", "CONFIG_FILE", "TOOLS_FILE", "TWIML_FILE"])
    func filesThatCannotBeRead(file: File, setting: String) async throws {
        // Whoever may read everything, may read a file that is locked.
        if file == .locked, getuid() == 0 { return }
        let folder = try TemporaryFolder()
        try file.make(at: folder.path + "/file.yaml")
        let ran = try await Self.run("config", [setting: "file.yaml"], in: folder)
        #expect(ran.status == 78, "\(ran.output)")
        #expect(ran.output.contains("file.yaml"))
        if file == .notUTF8 { #expect(ran.output.contains("line 2")) }
    }

    @Test(arguments: [
        (["PORT": "70000"], "PORT: \"70000\""), (["PORT": "http"], "PORT: \"http\""),
        (["LEAD_MS": "59"], "LEAD_MS: \"59\""), (["OPENAI_API_KEY": "sk-a\nX-Evil: 1"], "OPENAI_API_KEY: holds spaces"),
        (["OPENAI_API_KEY": "sk-" + String(repeating: "a", count: 10_240)], "OPENAI_API_KEY: is not 1 to 1024"),
        (["OPENAI_API_KEY": "sk-\u{E9}"], "OPENAI_API_KEY: holds spaces"),
        (["ALLOW_UNSIGNED": "yes", "TWILIO_AUTH_TOKEN": "x"], "contradicts"),
        (["RECONNECT_INITIAL_DELAY": "60", "RECONNECT_MAX_DELAY": "1"], "is more than"),
        (["TLS_CERT": "a.pem"], "belong together"), (["COST_PER_DAY": "-1"], "COST_PER_DAY: \"-1\""),
        (["PRE_CALL_URL": "http://example.com/"], "PRE_CALL_URL"), (["USERS": "anna:boss:x"], "USERS: is no list"),
        (["TRUSTED_PROXIES": "everyone"], "TRUSTED_PROXIES: \"everyone\""), (["RETENTION_DAYS": "0"], "RETENTION_DAYS"),
        (["END_URL": "https://a.example/", "DATABASE_PATH": "none"], "END_URL: needs DATABASE_PATH"),
    ])
    func settingsThatAreWrong(settings: [String: String], problem: String) async throws {
        let folder = try TemporaryFolder()
        let ran = try await Self.run("config", settings, in: folder)
        #expect(ran.status == 78 && ran.output.contains(problem), "\(ran.output)")
        #expect(!ran.output.contains("sk-a") && !ran.output.contains("X-Evil"))
    }

    /// J7: an odd environment harms nobody; proxies of others are not used.
    @Test func anOddEnvironmentIsHarmless() async throws {
        let folder = try TemporaryFolder()
        let odd = [
            "HTTP_PROXY": "http://192.0.2.1:1", "HTTPS_PROXY": "http://192.0.2.1:1", "TZ": "Nowhere/Nothing",
            "LANG": "xx_YY.none", "MALLOC_ARENA_MAX": "x",
        ]
        let ran = try await Self.run("config", odd, in: folder)
        #expect(ran.status == 0 && ran.output.contains("PORT=5050"), "\(ran.output)")
    }

    @Test func aPortInUseIsTold() async throws {
        let folder = try TemporaryFolder()
        let server = try await ServerFixture()
        let settings = ["HOST": "127.0.0.1", "PORT": "\(server.port)", "DATABASE_PATH": "none"]
        let ran = try await Self.run("serve", settings, in: folder)
        #expect(
            ran.status == 1 && ran.output.contains("cannot listen on 127.0.0.1 port \(server.port)"),
            "\(ran.output)"
        )
        await server.stop()
    }

    /// J12: on all addresses without credentials it starts, keeps everything to this machine, and says so.
    @Test func whatStandsOpenIsTold() async throws {
        let folder = try TemporaryFolder()
        let ran = try await Self.run("config", [:], in: folder)
        #expect(ran.output.contains("API_TOKEN is not set: only this machine may use dashboard"))
        #expect(ran.output.contains("TWILIO_AUTH_TOKEN is not set: only this machine may open calls"))
        let open = try await Self.run("config", ["ALLOW_UNSIGNED": "yes"], in: folder)
        #expect(open.output.contains("ALLOW_UNSIGNED=yes: whoever reaches the port can open calls that you pay for"))
    }
}
