import CallBridge
import CallPolicy
import CallRecords
import HTTPTypes
import Logging
import RealtimeProtocol
import Trunk
import WebServer

/// How new calls are led, seen and changed from the dashboard. What is saved says honestly where it is kept.
struct ConfigurationEndpoints: Sendable {
    let live: LiveSettings
    /// Keeps what viewers of the logs have asked of the next calls.
    let hub: LogHub
    let records: RecordKeeping?
    let logger: Logger

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
            Route(
                .delete,
                "/configuration",
                "Leads new calls as the settings say",
                access: .operate,
                responses: [(200, "changed"), (503, "what is kept cannot be deleted; nothing was changed")]
            ) { request in
                guard await keep(nil, who: request.actor, at: UnixTime.milliseconds) else {
                    throw WebError(.serviceUnavailable, "the records cannot be written; nothing was changed")
                }
                live.override(nil)
                hub.forgetSession()
                return .json(document)
            },
        ]
    }

    /// Keeps a configuration, or forgets it; false when it could not be done. Without records there is nothing to do.
    private func keep(_ text: String?, who: String, at: Int64) async -> Bool {
        guard let records else { return true }
        do {
            try await records.ask { try $0.keep(text, as: SessionOverrides.keptName, who: who, now: at) }
            return true
        } catch {
            logger.error("the configuration cannot be kept: \(error)")
            return false
        }
    }

    private func change(_ request: WebRequest) async throws -> WebResponse {
        let overrides: SessionOverrides
        do throws(SessionOverrides.Failure) {
            let base = live.settings.call
            let given = try SessionOverrides(.object(try Self.object(request)))
            _ = try given.applied(to: base)
            overrides = try given.differing(from: base, toolNames: live.tools.definitions.map(\.name))
        } catch {
            return .wrong("the configuration is wrong", error.problems)
        }
        var saved = LiveSettings.Saved(overrides: overrides, at: UnixTime.milliseconds, who: request.actor)
        let isKept = await keep(overrides.isEmpty ? nil : overrides.json.text, who: saved.who, at: saved.at)
        saved.isInDatabase = isKept && records != nil
        // All as the settings have it: nothing is changed. What is kept and could not be deleted comes back with a restart.
        live.override(overrides.isEmpty && isKept ? nil : saved)
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
        let words = GreetingWords(call.greeting)
        let offered = saved?.problem == nil ? saved?.overrides?.tools : nil
        var tools = live.tools.definitions
        tools.append(BuiltInTools.endCall)
        let object: JSONObject = [
            "session": [
                "instructions": .string(session.instructions), "voice": .string(session.voice),
                "speed": .number(session.speed), "greeting": .string(words.greeting),
                "say_first": .string(words.sayFirst),
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
                "by": saved.map { .string($0.who) } ?? .null, "applied": .bool(saved?.problem == nil),
                "problem": saved?.problem.map(JSONValue.string) ?? .null,
            ],
            // Kept in memory only, and sent to each call when it begins: over all of the above.
            "viewer_session": hub.savedSession?.json ?? .null,
            "transfers": .array(live.settings.carrier.transfers.map { .string($0.name) }),
        ]
        return .object(object)
    }
}
