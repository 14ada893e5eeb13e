import CallPolicy
import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// What the server answers to plain requests.
struct Endpoints: Sendable {
    let settings: Settings
    let carrier: CarrierGuard
    let tools: [ToolDefinition]
    let directory: CallDirectory
    let health: HealthMonitor
    let hub: LogHub
    let drain: DrainState
    let guardian: any RequestGuard
    /// The engines' counters.
    let engineStats: @Sendable () async -> [EngineStats]
    /// The HTTP server's own counters.
    let webStats: @Sendable () -> WebService.Stats
    /// Hears of status callbacks: call and status.
    let statusReported: @Sendable (_ callSID: String, _ status: String) -> Void

    static let title = "Trunkline"
    static let version = "1.0.0"

    /// All of them, with the document and the page that show them.
    func table() -> RouteTable {
        let routes = own + calls + commands
        let sockets =
            PathAcceptor.mediaPaths.map { ($0, "Twilio's media stream") }
            + PathAcceptor.logPaths.map {
                ($0, "Events of the models; ?call= for one call, ?shape=beta for older names")
            }
        let document = RouteTable(routes).openAPI(title: Self.title, version: Self.version, extraPaths: sockets)
            .encode()
        return RouteTable(routes + DocsPage.routes(document: document))
    }

    private var own: [Route] {
        let xml = "application/xml"
        return [
            Route(.get, "/", "Says what this is") { _ in .json(root) },
            Route(.get, "/incoming-call", "TwiML for a call", responseType: xml) { document($0, "/media-stream") },
            Route(.post, "/incoming-call", "TwiML for a call", responseType: xml) { document($0, "/media-stream") },
            Route(.get, "/twiml", "TwiML for a call", responseType: xml) { document($0, streamPath) },
            Route(.post, "/twiml", "TwiML for a call", responseType: xml) { document($0, streamPath) },
            Route(.get, "/public-url", "The address under which Twilio reaches this server") { request in
                let own = carrier.origin(request)?.pageURL(path: "") ?? ""
                return .json(["publicUrl": .string(settings.publicURL.isEmpty ? own : settings.publicURL)])
            },
            Route(.get, "/tools", "The functions that are offered to the model") { _ in .json(toolList) },
            Route(
                .get,
                "/health",
                "How the server is; details for viewers",
                responses: [(200, "healthy, or a warning"), (503, "critical")]
            ) { request in
                let mayLook = guardian.refusal(of: request, access: .viewer) == nil
                let (json, isCritical) = health.report(calls: directory.liveCount, withDetails: mayLook)
                return .json(json, status: isCritical ? .serviceUnavailable : .ok)
            },
            Route(
                .get,
                "/ready",
                "Whether new calls are taken",
                responses: [(200, "they are"), (503, "the server is draining")]
            ) { _ in
                let isReady = !drain.isDraining
                return .json(["ready": .bool(isReady)], status: isReady ? .ok : .serviceUnavailable)
            },
            Route(.get, "/metrics", "Counters for Prometheus", access: .viewer, responseType: "text/plain") { _ in
                let text = Metrics.text(
                    await engineStats(),
                    directory,
                    webStats(),
                    hub.stats,
                    carrier.refusals,
                    isDraining: drain.isDraining
                )
                return .text(text, type: Metrics.contentType)
            },
            Route(.post, "/status", "Takes Twilio's status callbacks", responses: [(204, "noted")]) { request in
                if let refusal = carrier.refusal(ofWebhook: request) { return refusal }
                let form = request.form
                statusReported(form["CallSid"] ?? "", form["CallStatus"] ?? "")
                return WebResponse(status: .noContent)
            },
        ]
    }

    private var root: JSONValue {
        switch settings.compat {
        case .trunkline, .bridge: ["message": "Twilio Media Stream Server is running!"]
        case .fastapi, .demo:
            ["message": "Twilio OpenAI Realtime API Server", "version": .string(Self.version), "status": "running"]
        }
    }

    /// Where `/twiml` sends the stream.
    private var streamPath: String { settings.compat == .demo ? "/call" : "/ws/call" }

    private var toolList: JSONValue {
        let list = JSONValue.array(tools.map(\.sessionTool.json))
        return settings.compat == .demo ? list : ["tools": list]
    }

    private func document(_ request: WebRequest, _ path: String) -> WebResponse {
        let type = "application/xml"
        if let refusal = carrier.refusal(ofWebhook: request) { return refusal }
        if drain.isDraining { return .text(TwiML.refusal(settings.texts.refusal).text, type: type) }
        guard let origin = carrier.origin(request) else {
            return .problem(.badRequest, "the request names no host, and PUBLIC_URL is not set")
        }
        var stream = TwiML.Stream(url: origin.streamURL(path: path))
        if let token = carrier.token(call: request.form["CallSid"] ?? request.query["CallSid"]) {
            stream.parameters = [.init(CarrierGuard.parameter, token)]
        }
        return .text(settings.template?.text(stream) ?? settings.texts.document(stream).text, type: type)
    }

    // MARK: - Calls

    private var calls: [Route] {
        [
            Route(.get, "/calls", "Calls in progress, and the last that ended", access: .viewer) { _ in
                .json(["calls": .array(directory.entries.map { .object($0.summary) })])
            },
            Route(
                .get,
                "/calls/{id}",
                "One call, with what was said",
                access: .viewer,
                responses: [(200, "OK"), (404, "no such call")]
            ) { request in
                guard let entry = directory.entry(request.parameters["id"] ?? "") else { throw Self.noCall }
                return .json(.object(entry.detail))
            },
        ]
    }

    private var commands: [Route] {
        let commanded = [(202, "given to the call"), (404, "no such call in progress"), (422, "the body is wrong")]
        return [
            Route(
                .post,
                "/calls/{id}/hangup",
                "Ends a call",
                access: .operate,
                requestSchema: ["type": "object", "properties": ["goodbye": ["type": "boolean"]]],
                responses: commanded
            ) { request in
                let saysGoodbye = try Self.object(request)["goodbye"]?.boolValue ?? false
                return try await give(
                    saysGoodbye ? .endAfterGoodbye(.operator, .operatorHungUp) : .hangUp(.operator, .operatorHungUp),
                    request
                )
            },
            Route(
                .post,
                "/calls/{id}/message",
                "Lets the agent say a text, or tells the model something",
                access: .operate,
                requestSchema: [
                    "type": "object", "required": ["text"],
                    "properties": [
                        "text": ["type": "string", "minLength": 1],
                        "mode": ["type": "string", "enum": ["say", "instruct"], "default": "say"],
                        "respond": ["type": "boolean", "default": false],
                    ],
                ],
                responses: commanded
            ) { request in try await give(Self.message(request), request) },
            Route(
                .post,
                "/calls/{id}/mute",
                "The caller does not hear the agent",
                access: .operate,
                responses: commanded
            ) {
                try await give(.muteAgent(true), $0)
            },
            Route(
                .post,
                "/calls/{id}/unmute",
                "The caller hears the agent again",
                access: .operate,
                responses: commanded
            ) {
                try await give(.muteAgent(false), $0)
            },
        ]
    }

    private static let noCall = WebError(.notFound, "no such call")

    private func give(_ command: CallCommand, _ request: WebRequest) async throws -> WebResponse {
        guard await directory.command(command, to: request.parameters["id"] ?? "") else { throw Self.noCall }
        return .json(["status": "accepted"], status: .accepted)
    }

    /// The body as a JSON object; none is an empty one.
    private static func object(_ request: WebRequest) throws -> JSONObject {
        if request.body.isEmpty { return JSONObject() }
        guard let json = try? JSONValue(parsing: request.body), let object = json.objectValue else {
            throw WebError(.unprocessableContent, "the body is no JSON object")
        }
        return object
    }

    private static func message(_ request: WebRequest) throws -> CallCommand {
        let body = try object(request)
        guard let text = body["text"]?.stringValue, !text.isEmpty else {
            throw WebError(.unprocessableContent, "text is missing")
        }
        switch body["mode"]?.stringValue ?? "say" {
        case "say": return .say(text)
        case "instruct": return .instruct(text, respond: body["respond"]?.boolValue ?? false)
        default: throw WebError(.unprocessableContent, "mode is say or instruct")
        }
    }
}
