import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import RealtimeProtocol
import Trunk

/// Answers one request after the other: reads the body, asks the guard, lets the router choose the handler.
final class WebResponder: Sendable {
    private let table: RouteTable
    private let guardian: any RequestGuard
    private let configuration: WebService.Configuration
    private let counted: Locked<WebService.Stats>
    private let logger: Logger
    private let router: RouterResponder<WebContext>

    init(
        _ table: RouteTable,
        _ guardian: any RequestGuard,
        _ configuration: WebService.Configuration,
        _ counted: Locked<WebService.Stats>,
        _ logger: Logger
    ) {
        self.table = table
        self.guardian = guardian
        self.configuration = configuration
        self.counted = counted
        self.logger = logger
        let router = Router(context: WebContext.self, options: [.autoGenerateHeadEndpoints])
        for route in table.routes { router.add(route, guardian, configuration) }
        self.router = router.buildResponder()
    }

    /// Answers a request of a connection; `closes` when it is to be the connection's last.
    func answer(
        _ request: Request,
        _ writer: consuming ResponseWriter,
        _ channel: any Channel,
        of connection: HandedConnection,
        closes: Bool
    ) async throws {
        var seen = WebRequest(
            method: request.method,
            target: request.head.path ?? "/",
            host: request.head.authority ?? "",
            headers: request.headers,
            peer: connection.peer
        )
        seen.isSecure = connection.isSecure
        seen.path = request.uri.path
        seen.visitor = guardian.visitor(of: seen)
        seen.isIdentified = true
        var response = await respond(to: request, seen)
        configuration.origins.mark(&response, for: seen)
        finish(&response, seen)
        // A body that nobody has read stands in the way of the next request.
        let isUnread = Self.hasBody(request) && response.status.code >= 400
        if closes || isUnread || request.headers[.connection]?.lowercased() == "close" {
            response.headers[.connection] = "close"
        }
        counted.withLock { $0.responses[response.status.code, default: 0] += 1 }
        let isHead = seen.method == .head
        try await write(response, isHead: isHead, writer, channel)
    }

    /// Writes the answer; a client that does not take it would hold the connection for ever.
    private func write(
        _ response: WebResponse,
        isHead: Bool,
        _ writer: consuming ResponseWriter,
        _ channel: any Channel
    ) async throws {
        let head = HTTPResponse(status: response.status, headerFields: response.headers)
        if let stream = response.stream, !isHead {
            return try await writer.write(response: head, body: pieces(of: stream, channel))
        }
        let late = deadline(channel)
        defer { late.cancel() }
        let body = isHead ? [] : response.body
        try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    private func deadline(_ channel: any Channel) -> Scheduled<Void> {
        let counted = counted
        return channel.eventLoop.scheduleTask(in: .milliseconds(Int64(configuration.writeDeadlineMilliseconds))) {
            counted.withLock { $0.answersLate += 1 }
            channel.close(promise: nil)
        }
    }

    /// Each piece has the deadline of a whole answer.
    private func pieces(of stream: BodyStream, _ channel: any Channel) -> ResponseBody {
        ResponseBody(contentLength: stream.length) { writer in
            while let piece = try await stream.next() {
                let late = self.deadline(channel)
                defer { late.cancel() }
                try await writer.write(ByteBuffer(bytes: piece))
            }
            try await writer.finish(nil)
        }
    }

    private func respond(to request: Request, _ seen: WebRequest) async -> WebResponse {
        let methods = table.methods(for: seen.path)
        if methods.isEmpty { return .problem(.notFound, "Not Found") }
        if !seen.hasReadableQuery { return .problem(.badRequest, "the query is no UTF-8 text") }
        if seen.method == .options { return configuration.origins.preflight(seen, methods) }
        guard methods.contains(seen.method) else {
            var response = WebResponse.problem(.methodNotAllowed, "Method Not Allowed")
            response.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
            return response
        }
        if table.isSocket(seen.path) {
            var response = WebResponse.problem(.init(code: 426), "a WebSocket is spoken here")
            response.headers[.upgrade] = "websocket"
            return response
        }
        do {
            let answer = Answer()
            let context = WebContext(source: .init(logger: logger, request: seen, answer: answer))
            _ = try await router.respond(to: request, context: context)
            return answer.response.withLock { $0 }
        } catch let error as WebError {
            if error.status == .contentTooLarge { counted.withLock { $0.bodiesTooBig += 1 } }
            if error.status == .requestTimeout { counted.withLock { $0.bodiesLate += 1 } }
            return .problem(error.status, error.detail)
        } catch {
            logger.error("\(seen.method) \(seen.path) failed: \(type(of: error))")
            return .problem(.internalServerError, "Internal Server Error")
        }
    }

    private func finish(_ response: inout WebResponse, _ request: WebRequest) {
        if let tag = response.headers[.eTag], request.headers[.ifNoneMatch] == tag {
            response.status = .notModified
            response.body = []
        } else if let stream = response.stream {
            if let length = stream.length { response.headers[.contentLength] = String(length) }
        } else if response.status != .noContent {
            Gzip.apply(&response, for: request)
            response.headers[.contentLength] = String(response.body.count)
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        response.headers[.server] = "trunkline"
    }

    static func hasBody(_ request: Request) -> Bool {
        if request.headers[.transferEncoding] != nil { return true }
        return request.headers[.contentLength].map { $0 != "0" } ?? false
    }
}

/// Carries a handler's answer around the router, which speaks of its own type.
final class Answer: Sendable {
    let response = Locked(WebResponse())
}

/// What the router hands to each route.
struct WebContext: RequestContext {
    struct Source: RequestContextSource {
        let logger: Logger
        let request: WebRequest
        let answer: Answer
    }

    var coreContext: CoreRequestContextStorage
    let request: WebRequest
    let answer: Answer

    init(source: Source) {
        coreContext = .init(source: source)
        request = source.request
        answer = source.answer
    }
}

extension Router where Context == WebContext {
    /// Adds a route: guarded, with its body read.
    fileprivate func add(_ route: Route, _ guardian: any RequestGuard, _ limits: WebService.Configuration) {
        on(RouterPath(route.path), method: route.method) { request, context in
            var seen = context.request
            for name in route.parameterNames { seen.parameters[name] = context.parameters.get(name) }
            var response = guardian.refusal(of: seen, access: route.access)
            if response == nil {
                seen.body = try await WebBody.read(request, limits)
                response = route.requestSchema.flatMap { WebBody.refusal(of: seen.body, schema: $0) }
            }
            if response == nil { response = try await route.handler(seen) }
            if let response { context.answer.response.withLock { $0 = response } }
            return Response(status: .ok)
        }
    }
}

/// Reads bodies within their limits, and holds them against schemas.
enum WebBody {
    /// The answer to a body that is not as the API document says; nil when it is.
    static func refusal(of body: [UInt8], schema: JSONValue) -> WebResponse? {
        // No body is an empty object: what must be there is told by its name.
        guard let json = body.isEmpty ? [:] : try? JSONValue(parsing: body) else {
            return .problem(.badRequest, "the body is no JSON")
        }
        let isObject = json.objectValue != nil
        let problem = isObject ? SchemaValidation.problem(json, schema: schema) : "the body is no JSON object"
        return problem.map { .wrong($0, [$0]) }
    }

    static func read(_ request: Request, _ limits: WebService.Configuration) async throws -> [UInt8] {
        guard WebResponder.hasBody(request) else { return [] }
        let tooBig = WebError(.contentTooLarge, "a body has at most \(limits.bodyBytesMax) bytes")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limits.bodyBytesMax {
            throw tooBig
        }
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { tasks in
            tasks.addTask {
                var bytes: [UInt8] = []
                do {
                    for try await part in request.body {
                        bytes += Array(buffer: part)
                        if bytes.count > limits.bodyBytesMax { throw tooBig }
                    }
                } catch is WebError {
                    throw tooBig
                } catch is CancellationError {
                    return nil
                } catch {
                    throw WebError(.badRequest, "the body is not as HTTP/1.1 has it")
                }
                return bytes
            }
            tasks.addTask {
                try await Task.sleep(for: .milliseconds(limits.bodyDeadlineMilliseconds))
                return nil
            }
            defer { tasks.cancelAll() }
            guard let bytes = try await tasks.next() ?? nil else {
                throw WebError(.requestTimeout, "the body did not come in time")
            }
            return bytes
        }
    }
}
