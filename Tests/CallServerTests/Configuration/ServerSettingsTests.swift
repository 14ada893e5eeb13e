import CallPolicy
import CallServer
import Logging
import RealtimeProtocol
import Testing
import WebServer

/// Settings of the server: what is taken, what is refused, what is told.
@Suite struct ServerSettingsTests {
    static let account = "AC" + String(repeating: "a", count: 32)

    private func settings(_ environment: [String: String]) throws -> Settings {
        try Settings(environment: environment, prompt: nil)
    }

    @Test(arguments: [
        (nil as String?, Compat.trunkline, 5050, "marin", [], nil as String?),
        (
            "bridge", .bridge, 5050, "alloy",
            ["Please wait while we connect your call to the assistant.", "You can start talking."], nil
        ),
        ("fastapi", .fastapi, 8081, "ash", ["Connected"], "Disconnected"),
        ("demo", .demo, 8081, "ash", ["Connected"], "Disconnected"),
    ])
    func followsOtherServers(name: String?, compat: Compat, port: Int, voice: String, before: [String], after: String?)
        throws
    {
        let needed = ["COMPAT": name ?? "", "OPENAI_API_KEY": "k", "PUBLIC_URL": "https://h.example"]
        let settings = try settings(needed)
        #expect(settings.compat == compat)
        #expect(settings.port == port)
        #expect(settings.call.session.voice == voice)
        #expect(settings.texts.before == before)
        #expect(settings.texts.after == after)
        let own = try self.settings(
            needed.merging(["PORT": "1", "VOICE": "sage", "SAY_BEFORE": "A|B", "SAY_AFTER": "C"]) { $1 }
        )
        #expect(own.port == 1)
        #expect(own.call.session.voice == "sage")
        #expect(own.texts.before == ["A", "B"])
        #expect(own.texts.after == "C")
    }

    @Test(arguments: [
        ("bridge", ["OPENAI_API_KEY environment variable is required"]),
        (
            "fastapi",
            ["OPENAI_API_KEY environment variable is required", "PUBLIC_URL environment variable is required"]
        ),
        ("demo", ["OPENAI_API_KEY environment variable is required"]), ("trunkline", []),
    ])
    func refusesToStartInTheWordsOfOthers(name: String, problems: [String]) {
        var found: [String] = []
        do { _ = try settings(["COMPAT": name]) } catch { found = (error as? Settings.Failure)?.problems ?? ["other"] }
        #expect(found == problems)
    }

    @Test func takesEveryName() throws {
        let settings = try settings([
            "PUBLIC_URL": "https://h.example/x", "LOG_LEVEL": "WARNING", "LOG_FORMAT": "json",
            "ENVIRONMENT": "production",
            "CORS_ORIGINS": #"["https://a.example"]"#, "MAX_CONNECTIONS": "100", "HEALTH_CHECK_INTERVAL": "30",
            "AUTO_RECONNECT": "false", "TWILIO_AUTH_TOKEN": "t1", "TWILIO_AUTH_TOKEN_SECONDARY": "t2",
            "TWILIO_ACCOUNT_SID": Self.account, "TWILIO_SHARED_KEYS": "k=s", "API_TOKEN": "0123456789abcdef",
            "DRAIN_SECONDS": "12.5", "LOG_LEVELS": "bridge=debug, http=error", "TOOLS_FILE": "tools.yaml",
        ])
        #expect(settings.publicURL == "https://h.example/x")
        #expect(settings.publicOrigin?.streamURL(path: "/ws/call") == "wss://h.example/ws/call")
        #expect(settings.logging.format == .json)
        #expect(settings.logging.level == .warning)
        #expect(settings.logging.level(of: "bridge.model") == .debug)
        #expect(settings.logging.level(of: "http") == .error)
        #expect(settings.logging.level(of: "bridges") == .warning)
        #expect(settings.environmentName == "production")
        #expect(settings.access.corsOrigins == ["https://a.example"])
        #expect(settings.callsMax == 100)
        #expect(settings.healthIntervalMilliseconds == 30_000)
        #expect(settings.call.reconnect.maximumAttempts == 0)
        #expect(settings.access.twilioTokens == ["t1", "t2"])
        #expect(settings.access.twilioSharedKeys == ["k": "s"])
        #expect(settings.access.twilioAccount == Self.account)
        #expect(settings.access.credentials == [Credential(Visitor("api", .operator), secret: "0123456789abcdef")])
        #expect(settings.drainMilliseconds == 12_500)
        #expect(settings.toolsFile == "tools.yaml")
        #expect(settings.notes.isEmpty)
    }

    @Test(arguments: [
        ("COMPAT", "flask", "is not one of trunkline, bridge, fastapi, demo"),
        ("PUBLIC_URL", "ftp://h", "scheme is not https; expected https://host[:port]"),
        ("LOG_FORMAT", "xml", "is not one of text, json"),
        ("CORS_ORIGINS", "[1]", "is no list such as"),
        ("CORS_ORIGINS", "ftp://a", "\"ftp://a\" is not * or an origin"),
        ("MAX_CONNECTIONS", "0", "is not a whole number from 1 to 10000"),
        ("HEALTH_CHECK_INTERVAL", "0.5", "is not a number of seconds from 1.0 to 3600.0"),
        ("HEALTH_CHECK_INTERVAL", "nan", "is not a number of seconds from 1.0 to 3600.0"),
        ("AUTO_RECONNECT", "perhaps", "is not one of yes, no"),
        ("TWILIO_ACCOUNT_SID", "AC1", "is not AC and 32 hexadecimal digits"),
        ("TWILIO_SHARED_KEYS", "k", "is no list of id=secret"),
        ("API_TOKEN", "short", "is not 16 to 1024 characters long"),
        ("DRAIN_SECONDS", "-1", "is not a number of seconds from 0.0 to 86400.0"),
        ("LOG_LEVELS", "bridge=loud", "is not subsystem=level"),
        ("RECONNECT_MAX_DELAY", "1", "RECONNECT_INITIAL_DELAY: 2 s is more than RECONNECT_MAX_DELAY, 1 s"),
        ("ENVIRONMENT", String(repeating: "e", count: 65), "is longer than 64 bytes"),
        ("SESSION", "{", "SESSION: is not JSON"),
    ])
    func namesWhatIsWrong(name: String, value: String, problem: String) throws {
        let failure = #expect(throws: Settings.Failure.self) { try self.settings([name: value]) }
        #expect(failure?.problems.count == 1)
        #expect(failure?.problems.first?.contains(problem) == true, "\(failure?.problems ?? [])")
    }

    @Test(arguments: ["OPENAI_API_KEY", "TWILIO_AUTH_TOKEN", "API_TOKEN"])
    func secretsAreTrimmedAndNeverSplitHeaders(name: String) throws {
        let key = "sk-0123456789abcdef"
        let trimmed = try settings([name: " \(key)\r\n", "HOST": "127.0.0.1"])
        #expect(trimmed.notes == ["\(name): white space at its ends was cut"])
        let secrets = [trimmed.key] + trimmed.access.twilioTokens + trimmed.access.credentials.map(\.secret)
        #expect(secrets.contains { $0 == key })
        #expect(!trimmed.effective.map(\.line).joined().contains("0123456789"))
        for value in ["\(key)\r\nX: y", "\(key)\nX", "\"\(key)\"", "\(key) x", "\(key)\u{E9}"] {
            let failure = #expect(throws: Settings.Failure.self) { try self.settings([name: value]) }
            #expect(
                failure?.problems
                    == ["\(name): holds spaces, line ends, quotes or characters that no key has (value not shown)"]
            )
        }
        let failure = #expect(throws: Settings.Failure.self) {
            try self.settings([name: "sk-" + String(repeating: "x", count: 10 * 1024)])
        }
        #expect(failure?.problems.first?.hasSuffix("to 1024 characters long (value not shown)") == true)
        #expect(try settings([name: "  "]).key.isEmpty)
    }

    @Test func modelsThatAreGoneAreReplaced() throws {
        for (old, new) in [
            ("gpt-4o-realtime-preview", "gpt-realtime-2.1"), ("gpt-4o-realtime-preview-2024-10-01", "gpt-realtime-2.1"),
            ("gpt-4o-mini-realtime-preview", "gpt-realtime-2.1-mini"),
        ] {
            let settings = try settings(["OPENAI_MODEL": old, "HOST": "::1"])
            #expect(settings.call.session.model == new)
            #expect(settings.notes == ["OPENAI_MODEL: \(old) is retired, \(new) takes its place"])
        }
        #expect(try settings(["OPENAI_MODEL": "my-model"]).call.session.model == "my-model")
    }

    @Test(arguments: [
        ([:], ["TWILIO_AUTH_TOKEN is not set", "API_TOKEN is not set"]),
        (["HOST": "127.0.0.1"], []),
        (["ALLOW_UNSIGNED": "yes", "HOST": "localhost"], ["ALLOW_UNSIGNED=yes"]),
        (["TWILIO_AUTH_TOKEN": "t", "API_TOKEN": "0123456789abcdef"], []),
    ])
    func tellsWhatStandsOpen(environment: [String: String], beginnings: [String]) throws {
        let notes = try settings(environment).notes
        #expect(notes.count == beginnings.count)
        #expect(zip(notes, beginnings).allSatisfy { $0.hasPrefix($1) })
    }

    @Test func askingForSignaturesAndForNoneContradicts() {
        let failure = #expect(throws: Settings.Failure.self) {
            try self.settings(["ALLOW_UNSIGNED": "yes", "TWILIO_AUTH_TOKEN": "secret"])
        }
        #expect(failure?.problems.map { $0.contains("contradicts TWILIO_AUTH_TOKEN") } == [true])
    }

    @Test func theSessionOfTheBetaIsTranslated() throws {
        let session = #"""
            {"modalities":["text","audio"],"turn_detection":"semantic_vad","voice":"verse","temperature":0.8,
             "input_audio_transcription":{"model":"whisper-1"},"input_audio_format":"g711_ulaw",
             "output_audio_format":"g711_ulaw","max_response_output_tokens":4096}
            """#
        let settings = try settings(["SESSION": session, "HOST": "127.0.0.1"])
        #expect(settings.call.session.turnDetection == .semanticVAD())
        #expect(settings.call.session.voice == "verse")
        #expect(settings.call.session.transcription == InputTranscription(model: "whisper-1"))
        #expect(settings.call.session.maxOutputTokens == .count(4_096))
        #expect(settings.call.session.inputFormat == .pcmu)
        #expect(settings.notes == ["SESSION: temperature is not sent: the API takes none any more"])
    }

    @Test(arguments: [
        (#"{"turn_detection":{"type":"server_vad","threshold":2}}"#, "threshold 2.0 is not from 0.0 to 1.0"),
        (#"{"turn_detection":"loud"}"#, "turn_detection \"loud\" is not server_vad or semantic_vad"),
        (#"{"voice":"nova"}"#, "voice \"nova\" is not one of alloy,"),
        (#"{"input_audio_format":"pcm16"}"#, "format \"pcm16\" is not g711_ulaw"),
        (#"{"max_response_output_tokens":0}"#, "max_output_tokens 0.0 is not from 1.0 to 32000.0"),
        (#"{"speed":9}"#, "speed 9.0 is not from 0.25 to 1.5"),
        (#"{"vioce":"ash"}"#, "\"vioce\" is no setting of a session"),
        (#"{"instructions":1}"#, "field session.instructions is not a string"),
        ("[]", "is no object of names and values"),
    ])
    func sessionsThatAreWrong(session: String, problem: String) {
        let failure = #expect(throws: Settings.Failure.self) { try self.settings(["SESSION": session]) }
        #expect(failure?.problems.count == 1)
        #expect(failure?.problems.first?.hasPrefix("SESSION: \(problem)") == true, "\(failure?.problems ?? [])")
    }
}
