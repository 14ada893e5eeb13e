import CallBridge
public import CallPolicy
import RealtimeProtocol

/// A tool that asks another server.
public struct HTTPTool: Sendable {
    /// Where an argument goes.
    enum Part: Sendable, Hashable {
        case text(String)
        case argument(String)

        func isMissing(in arguments: JSONValue) -> Bool {
            guard case .argument(let name) = self else { return false }
            return arguments[name]?.isNull ?? true
        }
    }

    /// What the model is told.
    public var definition: ToolDefinition
    /// The server.
    public var server: OutboundServer
    var method: String
    var path: [Part]
    var query: [(name: String, parts: [Part])]
    var headers: [OutboundRequest.Header]
    var timeoutMilliseconds: Int
    var answerBytesMaximum: Int
    /// Values from the environment that must not be shown.
    public var secrets: [String]

    /// Why arguments do not make a request.
    struct BadArgument: Error { let name: String }

    /// The request for arguments, each encoded so that it stays within its place.
    func request(_ arguments: JSONValue) throws(BadArgument) -> OutboundRequest {
        var unused = arguments.objectValue ?? [:]
        var path = ""
        for part in self.path {
            switch part {
            case .text(let text): path += text
            case .argument(let name): path += URLParts.percentEncoded(try Self.text(arguments[name], name))
            }
            if case .argument(let name) = part { unused[name] = nil }
        }
        // A value that is all of a segment could step up in the path; encoding does not help (URL Standard, 4.4).
        if path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) { throw BadArgument(name: "path") }
        var pairs: [String] = []
        for (name, parts) in query {
            // What the model left out is left out.
            if parts.contains(where: { $0.isMissing(in: arguments) }) { continue }
            var value = ""
            for part in parts {
                switch part {
                case .text(let text): value += URLParts.percentEncoded(text)
                case .argument(let name):
                    value += URLParts.percentEncoded(try Self.text(arguments[name], name))
                    unused[name] = nil
                }
            }
            pairs.append("\(URLParts.percentEncoded(name))=\(value)")
        }
        let hasBody = method != "GET" && method != "DELETE"
        if !hasBody {
            for member in unused.members where !member.value.isNull {
                let value = try Self.text(member.value, member.key)
                pairs.append("\(URLParts.percentEncoded(member.key))=\(URLParts.percentEncoded(value))")
            }
        }
        let target = path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        var request = OutboundRequest(method: method, server: server, target: target)
        request.headers = headers + [.init("Accept-Encoding", "identity"), .init("User-Agent", "trunkline")]
        if hasBody {
            request.body = Array(JSONValue.object(unused).text.utf8)
            request.headers.append(.init("Content-Type", "application/json"))
        }
        request.timeoutMilliseconds = timeoutMilliseconds
        request.answerBytesMaximum = answerBytesMaximum
        return request
    }

    /// A value as it stands in a URL; a list with commas.
    private static func text(_ value: JSONValue?, _ name: String) throws(BadArgument) -> String {
        switch value {
        case .string(let text)?: return text
        case .bool?, .integer?, .number?: return value?.text ?? ""
        case .array(let elements)?:
            var texts: [String] = []
            for element in elements { texts.append(try text(element, name)) }
            return texts.joined(separator: ",")
        case .null?, .object?, nil: throw BadArgument(name: name)
        }
    }
}
