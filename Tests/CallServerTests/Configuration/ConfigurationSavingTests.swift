import CallServer
import Foundation
import RealtimeProtocol
import TestSupport
import Testing

/// What is saved on `/configuration`: nothing but what differs from the settings, and honestly told.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ConfigurationSavingTests {
    private static func json(_ answer: HTTPAnswer) throws -> JSONValue { try JSONValue(parsing: answer.body) }

    /// The form sends every field: what it does not change must follow the settings later.
    @Test func onlyWhatDiffersIsKept() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/calls.db"
        let settings = ["DATABASE_PATH": path, "GREETING": "Greet.", "VOICE": "ash", "WEATHER_URL": "none"]
        var server = try await ServerFixture(settings)
        var document = try Self.json(try await server.ask("GET", "/configuration"))
        var session = try #require(document["session"]?.objectValue)
        let names = try #require(document["tools"]?.arrayValue?.compactMap { $0["name"] })
        // As a form spells it.
        session["speed"] = .integer(1)
        var detection = try #require(session["turn_detection"]?.objectValue)
        detection["eagerness"] = .null
        detection["silence_duration_ms"] = .number(500)
        session["turn_detection"] = .object(detection)
        var body: JSONValue = ["session": .object(session), "tools": .array(names)]
        document = try Self.json(try await server.ask("PUT", "/configuration", body: body.text))
        #expect(document["saved"]?["where"] == "nothing", "nothing was changed: \(document["saved"]?.text ?? "")")
        session["instructions"] = "Saved words."
        body = ["session": .object(session), "tools": .array(names)]
        document = try Self.json(try await server.ask("PUT", "/configuration", body: body.text))
        #expect(document["saved"]?["where"] == "database" && document["saved"]?["applied"] == true)
        await server.stop()

        // Other settings: what was not changed on the page follows them.
        server = try await ServerFixture(
            ["DATABASE_PATH": path, "GREETING": "Welcome.", "VOICE": "sage", "OFFER_END_CALL": "no"]
        )
        document = try Self.json(try await server.ask("GET", "/configuration"))
        #expect(document["session"]?["instructions"] == "Saved words." && document["session"]?["voice"] == "sage")
        #expect(document["session"]?["greeting"] == "Welcome.")
        #expect(document["tools"]?.arrayValue?.last?["enabled"] == false)
        await server.stop()
    }

    /// How the agent begins is one thing, of two fields.
    @Test func theGreetingIsKeptWhole() async throws {
        let server = try await ServerFixture(["GREETING": "Greet."])
        let body = #"{"session":{"greeting":"Greet.","say_first":"Hello."}}"#
        var document = try Self.json(try await server.ask("PUT", "/configuration", body: body))
        #expect(document["session"]?["say_first"] == "Hello." && document["session"]?["greeting"] == "")
        let none = #"{"session":{"greeting":"","say_first":""}}"#
        document = try Self.json(try await server.ask("PUT", "/configuration", body: none))
        #expect(document["session"]?["say_first"] == "" && document["session"]?["greeting"] == "")
        #expect(document["saved"]?["where"] == "memory")
        await server.stop()
    }

    @Test func whatCannotBeForgottenIsTold() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/calls.db"
        let server = try await ServerFixture(["DATABASE_PATH": path])
        _ = try await server.ask("PUT", "/configuration", body: #"{"session":{"voice":"sage"}}"#)
        let sql = "CREATE TRIGGER no_deletion BEFORE DELETE ON kept BEGIN SELECT raise(ABORT, 'no'); END;"
        #expect(try await Program.run("python3", Self.python(path, sql)).status == 0)
        let answer = try await server.ask("DELETE", "/configuration")
        #expect(answer.status == 503 && answer.text.contains("nothing was changed"), "\(answer.text)")
        #expect(try await server.ask("GET", "/configuration").text.contains(#""voice":"sage""#))
        await server.stop()
    }

    /// What was saved under other settings, and does not go with these.
    @Test func whatDoesNotApplyAnyMoreIsTold() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/calls.db"
        var server = try await ServerFixture(["DATABASE_PATH": path])
        _ = try await server.ask("PUT", "/configuration", body: #"{"session":{"voice":"sage"}}"#)
        await server.stop()
        let sql = "UPDATE kept SET value = replace(value, 'sage', 'a-voice-of-before')"
        #expect(try await Program.run("python3", Self.python(path, sql)).status == 0)
        let said = LogLines()
        server = try await ServerFixture(["DATABASE_PATH": path], logger: said.logger)
        let document = try Self.json(try await server.ask("GET", "/configuration"))
        #expect(document["saved"]?["applied"] == false && document["saved"]?["where"] == "database")
        #expect(said.lines.contains { $0.contains("is not in use") }, "\(said.lines)")
        await server.stop()
    }

    private static func python(_ path: String, _ sql: String) -> [String] {
        [
            "-c",
            "import sqlite3,sys; db=sqlite3.connect(sys.argv[1], timeout=10); db.executescript(sys.argv[2]); db.commit()",
            path, sql,
        ]
    }
}
