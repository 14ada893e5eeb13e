import CallPolicy
import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// What the server answers to plain requests, beside those of carriers, calls and pages.
struct Endpoints: Sendable {
    let live: LiveSettings
    let carrier: CarrierGuard
    let guardian: any RequestGuard
    let health: @Sendable () -> HealthReport
    let metrics: @Sendable () async -> ServerMetrics
    let drain: DrainState

    static let title = "Trunkline"
    /// What the reference server says of itself, whose clients compare it.
    private static let referenceVersion = "1.0.0"

    var routes: [Route] {
        [
            Route(.get, "/", "Says what this is", responseSchema: AnswerSchema.root) { _ in .json(root) },
            Route(
                .get,
                "/public-url",
                "The address under which carriers reach this server",
                responseSchema: AnswerSchema.publicURL
            ) { request in
                let given = live.settings.publicURL
                let own = carrier.origin(request)?.pageURL(path: "") ?? ""
                return .json(["publicUrl": .string(given.isEmpty ? own : given)])
            },
            Route(
                .get,
                "/health",
                "How the server is; details for viewers",
                responseSchema: AnswerSchema.health,
                responses: [(200, "healthy, or a warning"), (503, "critical")]
            ) { request in
                let mayLook = guardian.refusal(of: request, access: .viewer) == nil
                let report = health()
                return .json(report.json(withDetails: mayLook), status: .init(code: report.httpStatus))
            },
            Route(
                .get,
                "/ready",
                "Whether new calls are taken",
                responseSchema: AnswerSchema.ready,
                responses: [(200, "they are"), (503, "the server is draining")]
            ) { _ in
                let isReady = !drain.isDraining
                return .json(["ready": .bool(isReady)], status: isReady ? .ok : .serviceUnavailable)
            },
            Route(.get, "/metrics", "Counters for Prometheus", access: .viewer, responseType: "text/plain") { _ in
                .text(PrometheusText.write(await metrics().families), type: PrometheusText.contentType)
            },
        ]
    }

    private var root: JSONValue {
        switch live.settings.compat {
        case .trunkline, .bridge: ["message": "Twilio Media Stream Server is running!"]
        case .fastapi, .demo:
            [
                "message": "Twilio OpenAI Realtime API Server", "version": .string(Self.referenceVersion),
                "status": "running",
            ]
        }
    }
}

extension WebRequest {
    /// The body as a JSON object; none is an empty one.
    func object() throws -> JSONObject {
        if body.isEmpty { return JSONObject() }
        guard let json = try? JSONValue(parsing: body), let object = json.objectValue else {
            throw WebError(.unprocessableContent, "the body is no JSON object")
        }
        return object
    }

    /// The name under which what this request does is written down.
    var actor: String { visitor?.name ?? "unknown" }
}

extension JSONObject {
    /// A text that must be there.
    func text(_ name: String) throws -> String {
        guard let text = self[name]?.stringValue, !text.isEmpty else {
            throw WebError(.unprocessableContent, "\(name) is missing")
        }
        return text
    }

    /// Names and texts of an object within this one.
    func texts(_ name: String) throws -> [String: String] {
        guard let value = self[name], !value.isNull else { return [:] }
        guard let members = value.objectValue?.members, members.count <= 64 else {
            throw WebError(.unprocessableContent, "\(name) is no object of at most 64 names and texts")
        }
        var texts: [String: String] = [:]
        for member in members {
            guard let text = member.value.stringValue, text.utf8.count <= 1_024 else {
                throw WebError(
                    .unprocessableContent,
                    "\(name).\(member.key.prefix(64)) is no text of at most 1024 bytes"
                )
            }
            texts[member.key] = text
        }
        return texts
    }
}
