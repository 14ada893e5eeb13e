import CallBridge
import CallPolicy
public import RealtimeProtocol

/// Definitions of tools, from a YAML or JSON file.
public struct HTTPToolFile: Sendable {
    /// Tools of a file; a session of the model takes no more.
    public static let toolsMaximum = 128

    /// The tools.
    public private(set) var tools: [HTTPTool] = []
    /// Servers whose tools the model calls by itself (MCP), as the session names them.
    public private(set) var servers: [SessionTool] = []
    /// Their keys.
    public private(set) var serverSecrets: [String] = []
    /// What is wrong, one line each.
    public private(set) var problems: [String] = []

    /// Reads a file: a list of tools, or an object with a list `tools`.
    ///
    /// - Parameters:
    ///   - text: The file; beside `tools` it may hold a list `mcp` of servers: `label`, `url`, and `authorization`,
    ///     `allowed_tools`, `require_approval` (`never` unless given).
    ///   - environment: Where `${NAME}` in headers is looked up.
    public init(parsing text: String, environment: [String: String]) {
        let document: JSONValue
        do throws(YAMLFile.Problem) {
            document = try YAMLFile.parse(text)
        } catch {
            problems.append("\(error)")
            return
        }
        let list = document["tools"] ?? (document["mcp"] == nil ? document : .array([]))
        guard let entries = list.arrayValue, entries.count <= Self.toolsMaximum else {
            problems.append("is no list of at most \(Self.toolsMaximum) tools")
            return
        }
        for (index, entry) in entries.enumerated() {
            var reader = HTTPToolReader(entry, index: index, environment: environment)
            if let tool = reader.tool() { tools.append(tool) }
            problems += reader.problems
        }
        for (index, entry) in (document["mcp"]?.arrayValue ?? []).enumerated() {
            var reader = MCPServerReader(entry, index: index, environment: environment)
            if let server = reader.server() { servers.append(server) }
            serverSecrets += reader.secrets
            problems += reader.problems
        }
        let names = tools.map(\.definition.name)
        for name in Set(names) where names.filter({ $0 == name }).count > 1 {
            problems.append("tool \(name): stands there twice")
        }
    }
}

/// Reads one tool.
private struct HTTPToolReader {
    private let entry: JSONValue
    private let environment: [String: String]
    private let place: String
    private var secrets: [String] = []
    var problems: [String] = []

    private static let known: Set<String> = [
        "name", "description", "parameters", "method", "url", "headers", "timeout_seconds", "answer_bytes",
        "allow_private", "filler", "filler_after_seconds",
    ]

    init(_ entry: JSONValue, index: Int, environment: [String: String]) {
        self.entry = entry
        self.environment = environment
        place = "tool " + (entry["name"]?.stringValue ?? "\(index + 1)")
    }

    private mutating func complain(_ text: String) { problems.append("\(place): \(text)") }

    mutating func tool() -> HTTPTool? {
        guard let object = entry.objectValue else {
            complain("is no object of names and values")
            return nil
        }
        for name in object.keys where !Self.known.contains(name) { complain("\"\(name)\" is no part of a tool") }
        let definition = definition()
        let method = (entry["method"]?.stringValue ?? "GET").uppercased()
        if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(method) {
            complain("method \"\(method)\" is not GET, POST, PUT, PATCH or DELETE")
        }
        let timeout = number("timeout_seconds", 0.1...10) ?? 10
        let bytes = number("answer_bytes", 1...65_536) ?? 65_536
        let headers = headers()
        guard let (server, path, query) = url() else { return nil }
        let arguments = Set(definition.parameters["properties"]?.objectValue?.keys ?? [])
        for name in Self.names(path + query.flatMap(\.parts)) where !arguments.contains(name) {
            complain("url names {\(name)}, which is none of the parameters")
        }
        return HTTPTool(
            definition: definition,
            server: server,
            method: method,
            path: path,
            query: query,
            headers: headers,
            timeoutMilliseconds: Int(timeout * 1_000),
            answerBytesMaximum: Int(bytes),
            secrets: secrets
        )
    }

    private static func names(_ parts: [HTTPTool.Part]) -> [String] {
        parts.compactMap { if case .argument(let name) = $0 { name } else { nil } }
    }

    private mutating func definition() -> ToolDefinition {
        let name = entry["name"]?.stringValue ?? ""
        let isName = name.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte)
                || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        if !isName || !(1...64).contains(name.utf8.count) {
            complain("name is not 1 to 64 letters, digits, _ and -")
        }
        let description = entry["description"]?.stringValue ?? ""
        if description.isEmpty { complain("has no description: the model would not know when to use it") }
        var definition = ToolDefinition(name: name, description: description)
        if let parameters = entry["parameters"] {
            if parameters["type"] != "object" { complain("parameters is no JSON Schema of an object") }
            definition.parameters = parameters
        }
        definition.filler = entry["filler"]?.stringValue
        definition.fillerAfterMilliseconds = number("filler_after_seconds", 0...60).map { Int($0 * 1_000) }
        return definition
    }

    private mutating func number(_ name: String, _ range: ClosedRange<Double>) -> Double? {
        guard let value = entry[name] else { return nil }
        if let number = value.doubleValue, range.contains(number) { return number }
        complain("\(name) is not from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// Headers with `${NAME}` replaced from the environment.
    private mutating func headers() -> [OutboundRequest.Header] {
        var result: [OutboundRequest.Header] = []
        for member in entry["headers"]?.objectValue?.members ?? [] {
            let filled = EnvironmentText.fill(member.value.stringValue ?? member.value.text, environment)
            secrets += filled.secrets
            guard filled.missing.isEmpty else {
                complain("header \(member.key): the environment has no \(filled.missing[0])")
                return result
            }
            let text = filled.text
            let isName = !member.key.isEmpty && member.key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
            if isName, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
                result.append(.init(member.key, text))
            } else {
                complain("header \(member.key.prefix(32)): has characters that no header has (value not shown)")
            }
        }
        return result
    }

    // MARK: - The URL

    private typealias Address = (
        server: OutboundServer, path: [HTTPTool.Part], query: [(name: String, parts: [HTTPTool.Part])]
    )

    private mutating func url() -> Address? {
        guard let url = entry["url"]?.stringValue else {
            complain("has no url")
            return nil
        }
        let mayBePrivate = entry["allow_private"]?.boolValue ?? false
        let parsed: OutboundURL
        do throws(OutboundURL.Failure) {
            parsed = try OutboundURL(parsing: url, mayBePrivate: mayBePrivate)
        } catch {
            complain("url \(error)" + (error == OutboundURL.plain ? " (http only with allow_private: true)" : ""))
            return nil
        }
        let after = parsed.target[...]
        let path = after.prefix { $0 != "?" }
        let pairs = after.dropFirst(path.count + 1).split(separator: "&").map { pair in
            let name = pair.prefix { $0 != "=" }
            return (name: String(name), parts: Self.parts(pair.dropFirst(name.count + 1)))
        }
        return (parsed.server, Self.parts(path.isEmpty ? "/" : path), pairs)
    }

    private static func parts(_ text: Substring) -> [HTTPTool.Part] {
        var result: [HTTPTool.Part] = []
        var rest = text
        while let start = rest.firstIndex(of: "{"), let end = rest[start...].firstIndex(of: "}") {
            if start > rest.startIndex { result.append(.text(String(rest[..<start]))) }
            result.append(.argument(String(rest[rest.index(after: start)..<end])))
            rest = rest[rest.index(after: end)...]
        }
        if !rest.isEmpty { result.append(.text(String(rest))) }
        return result
    }
}
