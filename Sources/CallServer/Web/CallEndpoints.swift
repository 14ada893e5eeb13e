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

    // MARK: - Making a call

    private static let outboundSchema: JSONValue = [
        "type": "object", "required": ["to"], "additionalProperties": false,
        "properties": [
            "to": [
                "type": "string", "pattern": .string(CarrierSettings.numberPattern),
                "description": "Whom to call, such as +15550100; OUTBOUND_ALLOW says who may be.",
            ],
            "from": [
                "type": ["string", "null"], "pattern": .string(CarrierSettings.numberPattern),
                "description": "A number of the account; TWILIO_NUMBER when it is left out.",
            ],
            "parameters": ["type": ["object", "null"], "additionalProperties": ["type": "string"]],
            "variables": ["type": ["object", "null"], "additionalProperties": ["type": "string"]],
            "policy": [
                "type": ["object", "null"],
                "description":
                    "What a routing rule may change: instructions, voice, model, greeting, say_first, tools.",
            ],
            "ring_seconds": ["type": "integer", "minimum": 5, "maximum": 600, "default": 60],
            "machine_detection": ["type": "boolean", "default": false],
            "machine_instruction": [
                "type": "string", "maxLength": 2_000,
                "description": "What the agent is told when a machine answers.",
                "default": .string(PreparedCall.machineInstruction),
            ],
        ],
    ]

    private var made: [Route] {
        [
            Route(
                .post,
                "/calls",
                "Calls somebody and connects them to the agent",
                access: .operate,
                requestSchema: Self.outboundSchema,
                responseSchema: AnswerSchema.made,
                responses: [
                    (201, "the call is being made"), (403, "the number may not be called"),
                    (409, "the server is not set up for it"),
                    (422, "the body is wrong"), (429, "too many calls a minute, of this number or for this day"),
                    (502, "the carrier refused"), (503, "the server is draining or has no room"),
                ]
            ) { try await make($0) }
        ]
    }

    private func make(_ request: WebRequest) async throws -> WebResponse {
        let body = try request.object()
        let settings = live.settings
        let to = try body.text("to")
        guard CarrierSettings.isNumber(to) else {
            throw WebError(.unprocessableContent, "to is no number such as +15550100")
        }
        if let refusal = settings.carrier.refusal(of: to) { throw WebError(.forbidden, "to \(refusal)") }
        let from = body["from"]?.stringValue ?? settings.carrier.number
        guard CarrierSettings.isNumber(from) else {
            throw WebError(.unprocessableContent, "from is no number such as +15550100, and TWILIO_NUMBER is not set")
        }
        guard let rest else {
            throw WebError(.conflict, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set")
        }
        guard let origin = settings.publicOrigin else { throw WebError(.conflict, "PUBLIC_URL is not set") }
        if drain.isDraining { throw WebError(.serviceUnavailable, "the server is draining") }
        // Who answers would be told that nobody can talk to them.
        guard hasRoom() else {
            throw WebError(.serviceUnavailable, "there is no room for one more call, or the model refuses")
        }
        let refusal = planner.caps.withLock {
            $0.refusal(caller: to, address: nil, settings.caps, now: UnixTime.milliseconds)
        }
        if let refusal { throw WebError(.tooManyRequests, Self.words(refusal)) }
        var prepared = PreparedCall()
        prepared.parameters = try body.texts("parameters")
        prepared.variables = try body.texts("variables")
        if let policy = body["policy"], !policy.isNull {
            guard let object = policy.objectValue, let changes = CallChanges(object) else {
                throw WebError(.unprocessableContent, "policy changes what no routing rule may change")
            }
            prepared.changes = changes
        }
        let ring = body["ring_seconds"]?.integerValue ?? 60
        guard (5...600).contains(ring) else {
            throw WebError(.unprocessableContent, "ring_seconds is not from 5 to 600")
        }
        guard planner.caps.withLock({ $0.mayCallOut(settings.caps, now: UnixTime.milliseconds) }) else {
            throw WebError(.tooManyRequests, "OUTBOUND_PER_MINUTE is \(settings.caps.outboundPerMinute)")
        }
        if let text = body["machine_instruction"]?.stringValue { prepared.machineInstruction = text }
        let name = "out-" + String(UInt64.random(in: .min ... .max), radix: 36)
        planner.keep(prepared, for: name)
        var call = OutgoingCall(
            to: to,
            from: from,
            url: origin.pageURL(path: "\(CarrierEndpoints.incomingPath)?\(CarrierEndpoints.outboundQuery)=\(name)")
        )
        call.fallbackURL = origin.pageURL(path: CarrierEndpoints.fallbackPath)
        call.statusCallback = origin.pageURL(path: CarrierEndpoints.statusPath)
        call.ringSeconds = Int(ring)
        call.longestSeconds = settings.call.limits.durationMilliseconds / 1_000
        if body["machine_detection"]?.boolValue == true {
            call.machineDetection = .init(callback: origin.pageURL(path: CarrierEndpoints.statusPath))
        }
        do throws(TwilioRESTError) {
            let id = try await rest.create(call)
            directory.made(id, to: to, from: from)
            return .json(["call_sid": .string(id), "status": "queued"], status: .created)
        } catch {
            throw WebError(.badGateway, error.description)
        }
    }

    private static func words(_ refusal: CallCaps.Refusal) -> String {
        switch refusal {
        case .budget: "COST_PER_DAY is spent"
        case .caller: "CALLS_PER_CALLER: this number has as many calls as it may"
        default: refusal.rawValue
        }
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
