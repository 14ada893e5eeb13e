import CallPolicy
import CallServer
import Foundation
import RealtimeProtocol
import TestSupport
import Testing
import Trunk

extension TemporaryFolder {
    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    }

    /// What a server in this folder is told, or what is wrong with it.
    func settings(flags: [String: String] = [:], environment: [String: String] = [:]) throws -> Settings {
        try Settings(SettingsSources.load(flags: flags, environment: environment, folder: path))
    }

    func problems(flags: [String: String] = [:], environment: [String: String] = [:]) -> [String] {
        let failure = #expect(throws: Settings.Failure.self) {
            try self.settings(flags: flags, environment: environment)
        }
        return failure?.problems.map { $0.replacing("\(path)/", with: "") } ?? []
    }
}

/// Settings from files: their order, and files that are not what they should be.
@Suite struct SettingsFilesTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func theFirstPlaceWins() throws {
        try folder.write(".env", Array("LOOPS=3\nPORT=3\nHOST=\nLEAD_MS=63\n".utf8))
        try folder.write("c.yaml", Array("loops: 4\nport: 4\nhost: 127.0.0.4\nlead_ms: 64\nappend_ms: 44\n".utf8))
        let settings = try folder.settings(
            flags: ["CONFIG_FILE": "c.yaml", "PORT": "1"],
            environment: ["PORT": "2", "LOOPS": "2"]
        )
        #expect(settings.port == 1)
        #expect(settings.loops == 2)
        #expect(settings.engine.leadMilliseconds == 63)
        // Empty is absent.
        #expect(settings.host == "127.0.0.4")
        #expect(settings.engine.appendMilliseconds == 44)
        let lines = Dictionary(uniqueKeysWithValues: settings.effective.map { ($0.name, $0.line) })
        #expect(lines["PORT"] == "PORT=1  # flag")
        #expect(lines["LOOPS"] == "LOOPS=2  # environment")
        #expect(lines["LEAD_MS"] == "LEAD_MS=63  # .env")
        #expect(lines["HOST"] == "HOST=127.0.0.4  # c.yaml")
        #expect(lines["DRAIN_SECONDS"] == "DRAIN_SECONDS=3600  # default")
    }

    @Test func readsAWholeConfiguration() throws {
        let text = """
            \u{FEFF}cors_origins: ["https://a.example", "https://b.example"]
            compat: fastapi
            openai_api_key: k
            public_url: https://h.example
            session:
              turn_detection: { type: server_vad, threshold: 0.7 }
              temperature: 0.8
            routing:
              - name: sales
                called: [+15550100, "+49*"]
                set_nothing: 1
            """
        try folder.write("c.yaml", text.replacing("\n", with: "\r\n").utf8)
        #expect(
            folder.problems(flags: ["CONFIG_FILE": "c.yaml"]) == [
                "routing rule 1: \"set_nothing\" is no part of a rule"
            ]
        )
        try folder.write("c.yaml", text.replacing("    set_nothing: 1", with: "").utf8)
        let settings = try folder.settings(flags: ["CONFIG_FILE": "c.yaml"])
        #expect(settings.access.corsOrigins == ["https://a.example", "https://b.example"])
        #expect(settings.port == 8081)
        #expect(settings.call.session.voice == "ash")
        #expect(settings.call.session.turnDetection?.threshold == 0.7)
        #expect(settings.call.session.turnDetection?.silenceDurationMilliseconds == 500)
        #expect(settings.routing.rules.map(\.called) == [["+15550100", "+49*"]])
        #expect(settings.notes.contains("SESSION: temperature is not sent: the API takes none any more"))
    }

    @Test func promptAndTemplateAreRead() throws {
        try folder.write("sample_prompt.txt", Array("Be brief.".utf8))
        try folder.write("t.xml", Array(#"<Response><Connect><Stream url="{{WS_URL}}"/></Connect></Response>"#.utf8))
        let settings = try folder.settings(environment: ["TWIML_FILE": "t.xml"])
        #expect(settings.call.session.instructions == "Be brief.")
        #expect(settings.template != nil)
        try folder.write("t.xml", Array("<Response/>".utf8))
        #expect(folder.problems(environment: ["TWIML_FILE": "t.xml"]) == ["TWIML_FILE: \"t.xml\" holds no {{WS_URL}}"])
    }

    @Test(arguments: [
        ("prot: 8081", "c.yaml: \"prot\" is no setting"),
        ("port: [", "c.yaml: line 2: did not find expected node content"),
        ("port: 1\nport: 2", "c.yaml: port stands there twice"),
        ("- port", "c.yaml: is no object of names and values"),
        ("port: {a: 1}", "c.yaml: port is no text, number or list"),
        ("port: 99999", "PORT: \"99999\" is not a whole number from 0 to 65535"),
        ("routing: yes", "routing: is no list of at most 1000 rules"),
        ("session: {modalities: [text]}", "SESSION: modalities without audio: a telephone cannot show text"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                + "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]",
            "c.yaml: line 1: more than 20000 values"
        ),
        (
            String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
            "c.yaml: line 1: nested deeper than 32"
        ),
    ])
    func configurationsThatAreWrong(text: String, problem: String) throws {
        try folder.write("c.yaml", Array(text.utf8))
        #expect(folder.problems(flags: ["CONFIG_FILE": "c.yaml"]) == [problem])
    }

    @Test(arguments: ["CONFIG_FILE", "PROMPT_FILE", "TWIML_FILE"])
    func filesThatAreNone(setting: String) throws {
        #expect(folder.problems(flags: [setting: "missing"]) == ["missing: there is no such file"])
        try FileManager.default.createDirectory(atPath: "\(folder.path)/folder", withIntermediateDirectories: false)
        #expect(folder.problems(flags: [setting: "folder"]) == ["folder: is no regular file"])
        // Nobody writes into it: reading would never end.
        try #require(mkfifo("\(folder.path)/fifo", 0o600) == 0)
        #expect(folder.problems(flags: [setting: "fifo"]) == ["fifo: is no regular file"])
        try folder.write("latin", Array("one\ntwo caf\u{E9}\n".unicodeScalars.map { UInt8($0.value) }))
        #expect(folder.problems(flags: [setting: "latin"]) == ["latin: line 2 is not UTF-8"])
        try folder.write("large", repeatElement(UInt8(ascii: "x"), count: 1024 * 1024 + 1))
        #expect(folder.problems(flags: [setting: "large"]) == ["large: is larger than 1024 KiB"])
        #expect(folder.problems(flags: [setting: "/proc/self/mem"]).count == 1)
    }

    @Test func emptyFilesAreNoSettings() throws {
        try folder.write(".env", [])
        try folder.write("c.yaml", [])
        #expect(try folder.settings(flags: ["CONFIG_FILE": "c.yaml"]).port == 5050)
    }

    @Test func flagsThatAreNoSettingsAreNamed() {
        #expect(folder.problems(flags: ["PROT": "1"]) == ["PROT: is no setting"])
    }
}
