import CallBridge
import CallPolicy
import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// Calls that we make.
extension CallEndpoints {
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

    var made: [Route] {
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
}
