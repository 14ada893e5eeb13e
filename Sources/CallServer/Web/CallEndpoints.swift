import CallBridge
import CallPolicy
import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// Calls seen, made and led over HTTP.
struct CallEndpoints: Sendable {
    let live: LiveSettings
    let carrier: CarrierGuard
    let planner: CallPlanner
    let directory: CallDirectory
    let drain: DrainState
    /// Whether there is room for one more call, and a model that takes it.
    let hasRoom: @Sendable () -> Bool
    /// The carrier's API; nil without an account.
    let rest: TwilioREST?

    private static let noCall = WebError(.notFound, "no such call in progress")
    private static let commanded = [
        (202, "given to the call"), (404, "no such call in progress"), (422, "the body is wrong"),
    ]
    /// Of commands that need no words.
    private static let emptySchema: JSONValue = ["type": "object", "additionalProperties": false]

    var routes: [Route] { seen + made + commands + audioCommands }

    private var seen: [Route] {
        [
            Route(
                .get,
                "/calls",
                "Calls in progress, and the last that ended",
                access: .viewer,
                responseSchema: AnswerSchema.calls
            ) { _ in .json(["calls": .array(directory.entries.map { .object($0.summary) })]) },
            Route(
                .get,
                "/calls/{id}",
                "One call, with what was said",
                access: .viewer,
                responseSchema: AnswerSchema.call,
                responses: [(200, "OK"), (404, "no such call")]
            ) { request in
                guard let entry = directory.entry(request.parameters["id"] ?? "") else {
                    throw WebError(.notFound, "no such call")
                }
                return .json(.object(entry.detail))
            },
        ]
    }

    // MARK: - Leading a call

    private func command(
        _ name: String,
        _ summary: String,
        schema: JSONValue = Self.emptySchema,
        more: [(status: Int, meaning: String)] = [],
        _ act: @escaping @Sendable (WebRequest) async throws -> WebResponse
    ) -> Route {
        Route(
            .post,
            "/calls/{id}/\(name)",
            summary,
            access: .operate,
            requestSchema: schema,
            responses: Self.commanded + more,
            handler: act
        )
    }

    /// Gives a command to the call of a request, and writes down who did what.
    private func give(
        _ command: CallCommand,
        _ what: String,
        _ request: WebRequest,
        said: String? = nil
    ) async throws -> WebResponse {
        let callSID = request.parameters["id"] ?? ""
        guard directory.entry(callSID)?.seat != nil else { throw Self.noCall }
        directory.act(what, by: request.actor, on: callSID, said: said)
        guard await directory.command(command, to: callSID) else { throw Self.noCall }
        return .json(["status": "accepted"], status: .accepted)
    }

    private var commands: [Route] {
        [
            command(
                "hangup",
                "Ends a call",
                schema: [
                    "type": "object", "additionalProperties": false,
                    "properties": ["goodbye": ["type": "boolean", "default": false]],
                ]
            ) { request in
                let saysGoodbye = try request.object()["goodbye"]?.boolValue ?? false
                return try await give(
                    saysGoodbye ? .endAfterGoodbye(.operator, .operatorHungUp) : .hangUp(.operator, .operatorHungUp),
                    saysGoodbye ? "hung up after a goodbye" : "hung up",
                    request
                )
            },
            command(
                "transfer",
                "Gives a call to somebody else: a number, or a name of TRANSFER_NUMBERS",
                schema: [
                    "type": "object", "required": ["to"], "additionalProperties": false,
                    "properties": ["to": ["type": "string", "minLength": 1]],
                ],
                more: [
                    (403, "the number may not be called"),
                    (409, "the server is not set up for it, or the call is not Twilio's"),
                    (502, "the carrier refused"),
                ]
            ) { try await transfer($0) },
            command(
                "session",
                "Changes the session: voice, instructions, turn detection, tools; names of the API or of its beta",
                schema: SessionUpdate.schema
            ) { try await changeSession($0) },
            command(
                "tool-output",
                "Answers a function call of the model by hand",
                schema: [
                    "type": "object", "required": ["call_id", "output"], "additionalProperties": false,
                    "properties": [
                        "call_id": ["type": "string", "minLength": 1],
                        "output": ["description": "A text, or JSON, which is passed on as a text."],
                    ],
                ],
                more: [(404, "no such call in progress, or no such function call waits for an answer")]
            ) { try await answerTool($0) },
        ]
    }

    private func changeSession(_ request: WebRequest) async throws -> WebResponse {
        guard directory.entry(request.parameters["id"] ?? "")?.seat != nil else { throw Self.noCall }
        let body = JSONValue.object(try request.object())
        let update: SessionUpdate
        do throws(SessionUpdate.Failure) {
            update = try SessionUpdate(body)
        } catch {
            return .wrong("the session is wrong", error.problems)
        }
        let answer = try await give(.updateSession(update.forCallInProgress), "changed the session", request)
        guard update.hasVoice else { return answer }
        return .json(
            ["status": "accepted", "notice": "the voice stays: a call's voice cannot change"],
            status: .accepted
        )
    }

    private func answerTool(_ request: WebRequest) async throws -> WebResponse {
        let body = try request.object()
        let id = try body.text("call_id")
        let output = body["output"].map { $0.stringValue ?? $0.text } ?? ""
        let callSID = request.parameters["id"] ?? ""
        guard directory.entry(callSID)?.seat != nil else { throw Self.noCall }
        guard await directory.waits(forAnswerTo: id, in: callSID) else {
            throw WebError(.notFound, "no function call with this call_id waits for an answer in this call")
        }
        return try await give(.answerTool(callID: id, output: output), "answered a function call", request)
    }

    private func transfer(_ request: WebRequest) async throws -> WebResponse {
        let to = try request.object().text("to")
        let settings = live.settings
        let callSID = request.parameters["id"] ?? ""
        guard let entry = directory.entry(callSID), entry.seat != nil else { throw Self.noCall }
        guard entry.isTwilio else {
            throw WebError(.conflict, "this line cannot be transferred: only calls that Twilio brings can be")
        }
        guard let rest else {
            throw WebError(.conflict, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set")
        }
        let named = settings.carrier.transfers.first { $0.name == to }?.number
        if named == nil, let refusal = settings.carrier.refusal(of: to) {
            throw WebError(.forbidden, "to is no name of TRANSFER_NUMBERS, and \(refusal)")
        }
        let transfer = CallTransfer(rest: rest, live: live, directory: directory)
        do {
            try await transfer.transfer(call: callSID, to: named ?? to, by: .operator) {
                directory.act("transferred", by: request.actor, on: callSID, detail: to)
            }
        } catch {
            directory.act("transfer failed", by: request.actor, on: callSID, detail: to)
            guard let failure = error as? CallTransfer.Failure else { throw error }
            throw WebError(.badGateway, failure.description)
        }
        return .json(["status": "accepted"], status: .accepted)
    }

    private var audioCommands: [Route] {
        [
            command(
                "message",
                "Lets the agent say a text, or tells the model something that the caller does not hear",
                schema: [
                    "type": "object", "required": ["text"], "additionalProperties": false,
                    "properties": [
                        "text": ["type": "string", "minLength": 1],
                        "mode": ["type": "string", "enum": ["say", "instruct"], "default": "say"],
                        "respond": ["type": "boolean", "default": false],
                    ],
                ]
            ) { request in
                let body = try request.object()
                let text = try body.text("text")
                switch body["mode"]?.stringValue ?? "say" {
                case "say": return try await give(.say(text), "let the agent say something", request, said: text)
                case "instruct":
                    let responds = body["respond"]?.boolValue ?? false
                    return try await give(
                        .instruct(text, respond: responds),
                        "instructed the agent",
                        request,
                        said: text
                    )
                default: throw WebError(.unprocessableContent, "mode is say or instruct")
                }
            },
            command("interrupt", "Stops what the agent is saying") {
                try await give(.interrupt, "interrupted the agent", $0)
            },
            command("mute", "The caller does not hear the agent") {
                try await give(.muteAgent(true), "muted the agent", $0)
            },
            command("unmute", "The caller hears the agent again") {
                try await give(.muteAgent(false), "unmuted the agent", $0)
            },
        ]
    }
}
