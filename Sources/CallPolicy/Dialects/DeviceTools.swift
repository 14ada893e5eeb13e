import RealtimeProtocol

/// The tools of a device, asked for and run by MCP (JSON-RPC 2.0): a lamp, a volume, a screen. The model sees them as
/// functions.
struct DeviceTools: Sendable {
    /// What an answer of the device was.
    enum Answer: Sendable, Hashable {
        /// Nothing that was waited for.
        case ignored
        /// A page of the list; this asks for the next.
        case more(JSONValue)
        /// The last page.
        case listed
        /// A tool is done.
        case finished(callID: String, ToolResult)
    }

    /// Tools of one device; more are left out.
    static let toolsMax = 64
    /// Pages of the list.
    static let pagesMax = 8
    /// Tools that run at once.
    static let runningMax = 8
    /// Bytes of what a tool answers that the model sees.
    static let outputMax = 16_384
    private static let nameMax = 64

    private(set) var definitions: [ToolDefinition] = []
    /// The device's own names, by those that the model sees.
    private var names: [String: String] = [:]
    private var running: [Int64: String] = [:]
    private var lastID: Int64 = 0
    private var listID: Int64 = 0
    private var pages = 0

    private mutating func request(_ method: String, _ parameters: JSONValue) -> JSONValue {
        lastID += 1
        return ["jsonrpc": "2.0", "id": .integer(lastID), "method": .string(method), "params": parameters]
    }

    mutating func initialize() -> JSONValue {
        request(
            "initialize",
            [
                "protocolVersion": "2024-11-05", "capabilities": [:],
                "clientInfo": ["name": "trunkline", "version": "1"],
            ]
        )
    }

    mutating func list(cursor: String = "") -> JSONValue {
        pages += 1
        let request = request("tools/list", ["cursor": .string(cursor), "withUserTools": false])
        listID = lastID
        return request
    }

    /// Asks the device to run a tool; nil when it has no such one, or too many run.
    mutating func call(_ invocation: ToolInvocation) -> JSONValue? {
        guard let name = names[invocation.name], running.count < Self.runningMax else { return nil }
        let request = request("tools/call", ["name": .string(name), "arguments": invocation.arguments])
        running[lastID] = invocation.callID
        return request
    }

    /// Gives a place back whose tool did not answer in time.
    mutating func cancel(_ callID: String) {
        for (id, running) in running where running == callID { self.running[id] = nil }
    }

    mutating func answered(_ payload: JSONValue) -> Answer {
        guard let id = payload["id"]?.integerValue else { return .ignored }
        if id == listID { return listed(payload["result"]) }
        guard let callID = running.removeValue(forKey: id) else { return .ignored }
        if let error = payload["error"] {
            return .finished(callID: callID, .failure(error["message"]?.stringValue ?? "the device refused"))
        }
        let parts = payload["result"]?["content"]?.arrayValue ?? []
        let words = parts.compactMap { $0["text"]?.stringValue }.joined(separator: "\n")
        let output = String(decoding: words.utf8.prefix(Self.outputMax), as: UTF8.self)
        if payload["result"]?["isError"]?.boolValue ?? false { return .finished(callID: callID, .failure(output)) }
        return .finished(callID: callID, .output(output.isEmpty ? "done" : output))
    }

    private mutating func listed(_ result: JSONValue?) -> Answer {
        listID = 0
        for tool in result?["tools"]?.arrayValue ?? [] where definitions.count < Self.toolsMax { add(tool) }
        guard let cursor = result?["nextCursor"]?.stringValue, !cursor.isEmpty, pages < Self.pagesMax else {
            return .listed
        }
        return .more(list(cursor: cursor))
    }

    private mutating func add(_ tool: JSONValue) {
        guard let name = tool["name"]?.stringValue else { return }
        let shown = String(
            name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") ? $0 : "_" }
                .prefix(Self.nameMax)
        )
        guard !shown.isEmpty, names[shown] == nil else { return }
        names[shown] = name
        definitions.append(
            ToolDefinition(
                name: shown,
                description: tool["description"]?.stringValue ?? "",
                parameters: tool["inputSchema"] ?? ["type": "object", "properties": [:]]
            )
        )
    }
}
