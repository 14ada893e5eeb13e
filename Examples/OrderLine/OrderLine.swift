import CallPolicy
import CallServer
import Foundation
import Logging
import OutboundHTTP
import UnixSignals

/// What the model must know to ask.
struct Question: Decodable, Sendable {
    let number: Int
}

/// What it gets back, as JSON.
struct Answer: Encodable, Sendable {
    let state: String
}

/// A call server of one's own: Trunkline's settings, endpoints and dashboard, and a tool in Swift.
@main
struct OrderLine {
    static let orders = [1001: "on its way, arrives tomorrow", 1002: "waiting for payment"]

    static func main() async throws {
        let settings = try Settings(SettingsSources.load(environment: ProcessInfo.processInfo.environment))
        var parts = Server.Parts()
        parts.fetcher = OutboundHTTPClient()
        parts.tools.register(
            "look_up_order",
            description: "Tells where an order is, by its number.",
            parameters: ["type": "object", "properties": ["number": ["type": "integer"]], "required": ["number"]]
        ) { (question: Question, _) in
            Answer(state: orders[question.number] ?? "not known: ask the caller for the number again")
        }
        let logger = Logger(label: "orders")
        let server = try await Server.start(settings, parts, logger: logger)
        logger.notice("listens on port \(server.port); its tools are at /tools")
        for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
        await server.end(within: settings.drainMilliseconds)
    }
}
