import CallBridge
import CallPolicy
import CallRecords
import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// How new calls are led, seen and changed from the dashboard. What is saved says honestly where it is kept.
struct ConfigurationEndpoints: Sendable {
    let live: LiveSettings
    let records: RecordKeeping?

    var routes: [Route] {
        [
            Route(.get, "/configuration", "How new calls are led", access: .viewer) { _ in .json(document) },
            Route(
                .put,
                "/configuration",
                "Changes how new calls are led",
                access: .operate,
                requestSchema: SessionOverrides.schema,
                responses: [(200, "changed"), (422, "the body is wrong")]
            ) { try await change($0) },
            Route(.delete, "/configuration", "Leads new calls as the settings say", access: .operate) { request in
                live.override(nil)
                try? await records?.ask { store in
                    try store.keep(nil, as: SessionOverrides.keptName, who: request.actor, now: UnixTime.milliseconds)
                }
                return .json(document)
            },
        ]
    }

    private func change(_ request: WebRequest) async throws -> WebResponse {
        let overrides: SessionOverrides
        do throws(SessionOverrides.Failure) {
            overrides = try SessionOverrides(.object(try Self.object(request)))
            _ = try overrides.applied(to: live.settings.call)
        } catch {
            return .json(
                ["detail": "the configuration is wrong", "problems": .array(error.problems.map(JSONValue.string))],
                status: .unprocessableContent
            )
        }
        var saved = LiveSettings.Saved(overrides: overrides, at: UnixTime.milliseconds, who: request.actor)
        if let records {
            do {
                let (text, at, who) = (overrides.json.text, saved.at, saved.who)
                try await records.ask { try $0.keep(text, as: SessionOverrides.keptName, who: who, now: at) }
                saved.isInDatabase = true
            } catch {
                saved.isInDatabase = false
            }
        }
        live.override(saved)
        return .json(document)
    }

    private static func object(_ request: WebRequest) throws(SessionOverrides.Failure) -> JSONObject {
        guard let object = (try? JSONValue(parsing: request.body))?.objectValue else {
            throw SessionOverrides.Failure(problems: ["the body is no JSON object"])
        }
        return object
    }

    private var document: JSONValue {
        let (call, saved) = (live.call, live.saved)
        let session = call.session
        var (greeting, words) = ("", "")
        switch call.greeting {
        case .agentFirst(.instructions(let text)), .agentAfter(_, .instructions(let text)): greeting = text
        case .agentFirst(.exactly(let text)), .agentAfter(_, .exactly(let text)): words = text
        case .callerFirst: break
        }
        let offered = saved?.overrides.tools
        var tools = live.tools.definitions
        tools.append(BuiltInTools.endCall)
        let object: JSONObject = [
            "session": [
                "instructions": .string(session.instructions), "voice": .string(session.voice),
                "speed": .number(session.speed), "greeting": .string(greeting), "say_first": .string(words),
                "turn_detection": session.turnDetection?.json ?? ["type": "none"],
                "transcription": session.transcription?.json ?? .null,
                "noise_reduction": session.noiseReduction.map { $0.json["type"] ?? .null } ?? .null,
                "max_output_tokens": session.maxOutputTokens.json,
            ],
            "tools": .array(
                tools.map { tool in
                    let isOffered =
                        tool.name == BuiltInTools.endCallName
                        ? call.tools.offersEndCall : offered?.contains(tool.name) ?? true
                    return [
                        "name": .string(tool.name), "description": .string(tool.description),
                        "enabled": .bool(isOffered),
                    ]
                }
            ), "voices": .array(Settings.voices.map { .string($0.name) }),
            "models": ["current": .string(session.model)],
            "saved": [
                "where": .string(saved == nil ? "nothing" : saved?.isInDatabase == true ? "database" : "memory"),
                "at": saved.map { .string(UnixTime.text($0.at)) } ?? .null,
                "by": saved.map { .string($0.who) } ?? .null,
            ], "transfers": .array(live.settings.carrier.transfers.map { .string($0.name) }),
        ]
        return .object(object)
    }
}
