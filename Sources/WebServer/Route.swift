public import HTTPTypes
public import RealtimeProtocol

/// One operation of the server: what the router calls and the API document describes.
public struct Route: Sendable {
    /// Who may use it.
    public enum Access: String, Sendable {
        /// Everybody.
        case open
        /// Who may look: at calls, their words and the server's figures.
        case viewer
        /// Who may act on calls.
        case operate
    }

    /// Something that may stand in a query.
    public struct Parameter: Sendable {
        /// Its name.
        public var name: String
        /// What it is for.
        public var meaning: String
        /// Its schema.
        public var schema: JSONValue
        /// Whether it must be there.
        public var isRequired: Bool
        /// Whether it is a header and no part of the query.
        public var isHeader = false

        /// A parameter; a text unless a schema says otherwise.
        public init(
            _ name: String,
            _ meaning: String,
            schema: JSONValue = ["type": "string", "pattern": "^[^\\u0000]*$"],
            isRequired: Bool = false
        ) {
            self.name = name
            self.meaning = meaning
            self.schema = schema
            self.isRequired = isRequired
        }
    }

    /// Its method; GET answers HEAD, too.
    public var method: HTTPRequest.Method
    /// Its path; parameters stand in braces.
    public var path: String
    /// What it does, in a line.
    public var summary: String
    /// Who may use it.
    public var access: Access
    /// What may stand in its query.
    public var query: [Parameter]
    /// The schema of its JSON body, or nil when it takes none. A body is held against it before the handler sees it; where
    /// nothing is required, the body may be left out.
    public var requestSchema: JSONValue?
    /// Names that its form may have, for the API document; empty when it takes none.
    public var form: [String]
    /// The type of the answer.
    public var responseType: String
    /// The schema of a JSON answer that is no error, for the API document.
    public var responseSchema: JSONValue?
    /// Statuses that it answers with, and what they mean.
    public var responses: [(status: Int, meaning: String)]
    /// Answers.
    public var handler: @Sendable (WebRequest) async throws -> WebResponse

    /// Makes a route.
    public init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ summary: String,
        access: Access = .open,
        query: [Parameter] = [],
        requestSchema: JSONValue? = nil,
        form: [String] = [],
        responseType: String = "application/json",
        responseSchema: JSONValue? = nil,
        responses: [(status: Int, meaning: String)] = [(200, "OK")],
        handler: @escaping @Sendable (WebRequest) async throws -> WebResponse
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.access = access
        self.query = query
        self.requestSchema = requestSchema
        self.form = form
        self.responseType = responseType
        self.responseSchema = responseSchema
        self.responses = responses
        self.handler = handler
    }

    /// The names in the path's braces.
    var parameterNames: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// Whether a request's path is one of this route's.
    func matches(_ path: some StringProtocol) -> Bool {
        let wanted = self.path.split(separator: "/")
        let given = path.split(separator: "/")
        return wanted.count == given.count && zip(wanted, given).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}

/// All routes of a server.
public struct RouteTable: Sendable {
    /// In the order in which the document lists them.
    public let routes: [Route]
    /// Paths of WebSockets, and what they are for; the core answers their upgrades.
    public let sockets: [(path: String, summary: String)]

    /// Makes a table.
    public init(_ routes: [Route], sockets: [(path: String, summary: String)] = []) {
        self.routes = routes
        self.sockets = sockets
    }

    /// The methods that a path knows, for `Allow`; empty when there is no such path.
    func methods(for path: some StringProtocol) -> [HTTPRequest.Method] {
        if isSocket(path) { return [.get] }
        let matching = routes.filter { $0.matches(path) }
        // A path that is written out is not one of those in braces.
        let exact = matching.filter { $0.parameterNames.isEmpty }
        var methods = (exact.isEmpty ? matching : exact).map(\.method)
        if methods.isEmpty { return [] }
        if methods.contains(.get) { methods.append(.head) }
        return methods + [.options]
    }

    /// Whether a path is a WebSocket's.
    func isSocket(_ path: some StringProtocol) -> Bool { sockets.contains { $0.path == path } }

    /// The OpenAPI 3.1 document of all routes.
    public func openAPI(title: String, version: String) -> JSONValue {
        var paths = JSONObject()
        for route in routes {
            var item = paths[route.path]?.objectValue ?? JSONObject()
            item[route.method.rawValue.lowercased()] = route.operation
            paths[route.path] = .object(item)
        }
        // OpenAPI knows no WebSockets: a plain GET of them is no operation.
        let webSockets = sockets.map { JSONObject.Member(key: $0.path, value: ["summary": .string($0.summary)]) }
        return [
            "openapi": "3.1.0",
            "info": ["title": .string(title), "version": .string(version)],
            "paths": .object(paths), "x-websockets": .object(JSONObject(webSockets)),
            "components": ["securitySchemes": ["token": ["type": "http", "scheme": "bearer"]]],
        ]
    }

    static func response(_ meaning: String, type: String? = nil, schema: JSONValue? = nil) -> JSONValue {
        guard let type else { return ["description": .string(meaning)] }
        return ["description": .string(meaning), "content": content(type, schema)]
    }

    fileprivate static func content(_ type: String, _ schema: JSONValue?) -> JSONValue {
        .object(JSONObject([.init(key: type, value: schema.map { ["schema": $0] } ?? [:])]))
    }
}

extension Route {
    /// A form is UTF-8 without NUL, as a query is; fields beyond those that are read do not matter.
    fileprivate var formSchema: JSONValue {
        let text: JSONValue = ["type": "string", "pattern": "^[^\\u0000]*$"]
        return [
            "type": "object", "properties": .object(JSONObject(form.map { .init(key: $0, value: text) })),
            "additionalProperties": text, "propertyNames": ["pattern": "^[^\\u0000]*$"],
        ]
    }

    /// The operation in the API document.
    fileprivate var operation: JSONValue {
        var operation: JSONObject = ["summary": .string(summary)]
        let words = path.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        operation["operationId"] = .string(([method.rawValue.lowercased()] + words).joined(separator: "_"))
        let inPath = parameterNames.map { name -> JSONValue in
            ["name": .string(name), "in": "path", "required": true, "schema": ["type": "string"]]
        }
        let inQuery = query.map { parameter -> JSONValue in
            [
                "name": .string(parameter.name), "in": parameter.isHeader ? "header" : "query",
                "required": .bool(parameter.isRequired),
                "description": .string(parameter.meaning), "schema": parameter.schema,
            ]
        }
        if !inPath.isEmpty || !inQuery.isEmpty { operation["parameters"] = .array(inPath + inQuery) }
        if let requestSchema {
            operation["requestBody"] = [
                "required": .bool(requestSchema["required"] != nil),
                "content": RouteTable.content("application/json", requestSchema),
            ]
        } else if !form.isEmpty {
            operation["requestBody"] = ["content": RouteTable.content("application/x-www-form-urlencoded", formSchema)]
        }
        var all = JSONObject()
        for response in responses {
            let isAnswer = response.status < 300 && response.status != 204
            all[String(response.status)] = RouteTable.response(
                response.meaning,
                type: isAnswer ? responseType : nil,
                schema: responseSchema
            )
        }
        if !query.isEmpty { all["400"] = RouteTable.response("the query is no text", type: "application/json") }
        if requestSchema != nil {
            for (status, meaning) in [("400", "the body is no JSON"), ("422", "the body is wrong")]
            where all[status] == nil { all[status] = RouteTable.response(meaning, type: "application/json") }
        }
        if access != .open {
            operation["security"] = [["token": []]]
            all["401"] = RouteTable.response("a bearer token is wanted", type: "application/json")
            all["429"] = RouteTable.response("too many wrong tokens: wait a minute", type: "application/json")
            all["403"] = RouteTable.response("asked for by a page of another site", type: "application/json")
        }
        operation["responses"] = .object(all)
        return .object(operation)
    }
}
