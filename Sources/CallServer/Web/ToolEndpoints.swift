import CallPolicy
import HTTPTypes
import Logging
import RealtimeProtocol
import WebServer

/// What the model can ask for, and a way to try it.
struct ToolEndpoints: Sendable {
    let live: LiveSettings
    /// The time, for tools that ask for it.
    let clock: @Sendable () -> WallClock
    let logger: Logger

    /// The longest run of a tool that is tried, in milliseconds.
    private static let tryMilliseconds = 20_000

    var routes: [Route] {
        [
            Route(
                .get,
                "/tools",
                "The functions that are offered to the model",
                responseSchema: AnswerSchema.tools
            ) { _ in .json(list) },
            Route(
                .post,
                "/tools/{name}/try",
                "Runs a tool with the body as its arguments, outside of a call",
                access: .operate,
                requestSchema: ["type": "object"],
                responses: [(200, "its output, or its error"), (404, "no such tool"), (422, "the body is wrong")]
            ) { try await run($0) },
        ]
    }

    private var list: JSONValue {
        let settings = live.settings
        var definitions = live.offeredTools.definitions
        if live.call.tools.offersEndCall { definitions.append(BuiltInTools.endCall) }
        let offered = definitions.map(\.sessionTool) + settings.call.session.serverTools
        let all = JSONValue.array(offered.map(\.told))
        return settings.compat == .demo ? all : ["tools": all]
    }

    private func run(_ request: WebRequest) async throws -> WebResponse {
        let name = request.parameters["name"] ?? ""
        let tools = live.tools
        guard tools.definitions.contains(where: { $0.name == name }) else { throw WebError(.notFound, "no such tool") }
        logger.notice("tool \(name) is tried", metadata: ["by": "\(request.actor)"])
        let invocation = ToolInvocation(
            callID: "try",
            name: name,
            arguments: .object(try request.object()),
            timeoutMilliseconds: Self.tryMilliseconds
        )
        switch await tools.run(invocation, context: ToolContext(callID: "try", carrier: nil, wallClock: clock())) {
        case .output(let text): return .json(["output": .string(text)])
        case .failure(let error): return .json(["error": .string(error)])
        }
    }
}

extension SessionTool {
    /// As others may see it: servers' tools hold keys, so that only what they are is told.
    var told: JSONValue {
        guard case .other(let json) = self else { return json }
        return ["type": json["type"] ?? .null, "server_label": json["server_label"] ?? .null]
    }
}
