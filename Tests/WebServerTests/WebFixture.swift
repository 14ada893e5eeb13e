import HTTPTypes
import Logging
import RealtimeProtocol
import ServiceLifecycle
import TestSupport
import Trunk
import WebServer

/// An engine that echoes WebSocket messages on `/echo`, and a web service with a few routes on the same port.
struct WebFixture: Sendable {
    let engine: CallEngine
    let service: WebService
    let group: ServiceGroup
    let running: Task<Void, any Error>
    let port: Int

    init(
        guardian: any RequestGuard = AccessGuard([Credential(Visitor("api", .operator), secret: "secret")]),
        _ configure: (inout WebService.Configuration) -> Void = { _ in }
    ) async throws {
        var configuration = WebService.Configuration()
        configure(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = WebService(Self.table, guardedBy: guardian, configuration: configuration, logger: logger)
        self.service = service
        engine = try CallEngine.start()
        port = try await engine.perform { engine in
            let paths = ["/echo"]
            let address = ListenAddress(host: "127.0.0.1", port: 0, paths: paths)
            return try engine.listen(address, acceptor: EchoAcceptor(), plain: service.acceptor(paths: paths))
        }
        let group = ServiceGroup(configuration: .init(services: [service], logger: logger))
        self.group = group
        running = Task { try await group.run() }
    }

    /// Shuts the service down as a server would, then the engine.
    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await running.value
        await engine.stop()
    }

    static let table = RouteTable([
        Route(.get, "/hello", "Greets") { request in
            .text("hello \(request.query["name"] ?? "")", type: "text/plain")
        },
        Route(.post, "/length", "Counts a body") { request in .text("\(request.body.count)", type: "text/plain") },
        Route(
            .post,
            "/order",
            "Takes an order",
            requestSchema: [
                "type": "object", "required": ["size"], "additionalProperties": false,
                "properties": ["size": ["type": "integer", "maximum": 9]],
            ]
        ) { request in .text("\(request.body.count)", type: "text/plain") },
        Route(.post, "/ring", "Rings", requestSchema: ["type": "object", "additionalProperties": false]) { _ in
            .json(["rings": true])
        },
        Route(.get, "/things/{id}", "Tells a name") { request in
            .text(request.parameters["id"] ?? "", type: "text/plain")
        },
        Route(.get, "/tagged", "Has a tag") { _ in WebResponse(headers: [.eTag: "\"1\""], body: [1, 2, 3]) },
        Route(.get, "/secret", "Is not for all", access: .viewer) { _ in .json(["secret": true]) },
        Route(.get, "/refuses", "Refuses") { _ in throw WebError(.conflict, "not now") },
        Route(.get, "/breaks", "Breaks") { _ in throw CancellationError() },
        Route(.get, "/slow", "Takes its time") { _ in
            try await Task.sleep(for: .milliseconds(300))
            return .text("done", type: "text/plain")
        },
        Route(.get, "/big", "Is big") { _ in WebResponse(body: Array(repeating: 65, count: 4_000_000)) },
        Route(.get, "/peer", "Tells the peer") { request in .text(request.peer, type: "text/plain") },
    ])
}

/// Says back what it hears.
final class EchoAcceptor: LegAcceptor, LegHandler {
    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        try? engine.accept(leg, handler: self)
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {}

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        let text = message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        try? engine.send(text: text, to: leg)
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}
    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {}
}
