import RealtimeProtocol

/// Texts of a file in which `${NAME}` stands for a value of the environment.
enum EnvironmentText {
    /// The text with values put in, those values, and names that have none.
    static func fill(_ text: String, _ environment: [String: String]) -> (
        text: String, secrets: [String], missing: [String]
    ) {
        var rest = text
        var secrets: [String] = []
        while let start = rest.firstRange(ofText: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            let name = String(rest[start.upperBound..<end])
            guard let value = environment[name]?.trimmed, !value.isEmpty, !value.contains("${") else {
                return (rest, secrets, [name])
            }
            secrets.append(value)
            rest = rest[..<start.lowerBound] + value + rest[rest.index(after: end)...]
        }
        return (rest, secrets, [])
    }
}

/// Reads one server whose tools the model calls by itself: it is named to the model's session and never asked by us.
struct MCPServerReader {
    private let entry: JSONValue
    private let environment: [String: String]
    private let place: String
    private(set) var secrets: [String] = []
    private(set) var problems: [String] = []

    private static let known: Set<String> = ["label", "url", "authorization", "allowed_tools", "require_approval"]

    init(_ entry: JSONValue, index: Int, environment: [String: String]) {
        self.entry = entry
        self.environment = environment
        place = "mcp " + (entry["label"]?.stringValue ?? "\(index + 1)")
    }

    private mutating func complain(_ text: String) { problems.append("\(place): \(text)") }

    mutating func server() -> SessionTool? {
        guard let object = entry.objectValue else {
            complain("is no object of names and values")
            return nil
        }
        for name in object.keys where !Self.known.contains(name) { complain("\"\(name)\" is no part of a server") }
        guard let label = entry["label"]?.stringValue, !label.isEmpty, let url = entry["url"]?.stringValue else {
            complain("has no label and url")
            return nil
        }
        if (try? OutboundURL(parsing: url, mayBePrivate: false)) == nil { complain("url is not https://host/path") }
        let approval = entry["require_approval"]?.stringValue ?? "never"
        // Nobody is there to approve anything in a telephone call.
        if approval != "never" { complain("require_approval is not never, and in a call nobody can approve") }
        var tool: JSONObject = [
            "type": "mcp", "server_label": .string(label), "server_url": .string(url),
            "require_approval": .string(approval),
        ]
        if let given = entry["authorization"]?.stringValue {
            let filled = EnvironmentText.fill(given, environment)
            secrets = filled.secrets
            if let name = filled.missing.first { complain("authorization: the environment has no \(name)") }
            tool.append("authorization", .string(filled.text))
        }
        if let allowed = entry["allowed_tools"] {
            if allowed.arrayValue?.allSatisfy({ $0.stringValue != nil }) != true {
                complain("allowed_tools is no list of names")
            }
            tool.append("allowed_tools", allowed)
        }
        return .other(.object(tool))
    }
}
