/// A function that the model may call, flat as the Realtime API wants it.
public struct FunctionTool: Sendable, Hashable {
    /// The name, `[a-zA-Z0-9_-]`, 64 characters at most.
    public var name: String
    /// What it does, for the model.
    public var description: String?
    /// The JSON Schema of its arguments.
    public var parameters: JSONValue?

    /// A function.
    public init(name: String, description: String? = nil, parameters: JSONValue? = nil) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

/// A tool of a session.
public enum SessionTool: Sendable, Hashable {
    /// A function that we run.
    case function(FunctionTool)
    /// Anything else, such as `mcp`, passed through.
    case other(JSONValue)

    init(_ fields: FieldReader) throws(ProtocolError) {
        guard try fields.optionalString("type") == "function" else {
            self = .other(.object(fields.object))
            return
        }
        // Some servers nest the function one level deeper, as the Chat API does.
        let fields = try fields.optionalReader("function") ?? fields
        self = .function(
            FunctionTool(
                name: try fields.string("name"),
                description: try fields.optionalString("description"),
                parameters: fields.value("parameters")
            )
        )
    }

    /// The JSON.
    public var json: JSONValue {
        switch self {
        case .other(let value): return value
        case .function(let tool):
            var object: JSONObject = ["type": "function", "name": .string(tool.name)]
            object.append("description", ifPresent: tool.description)
            object.append("parameters", ifPresent: tool.parameters)
            return .object(object)
        }
    }
}

/// Whether and which tool the model must use.
public enum ToolChoice: Sendable, Hashable {
    /// The model decides.
    case auto
    /// No tool.
    case none
    /// Some tool.
    case required
    /// This function.
    case function(String)
    /// Anything else, passed through.
    case other(JSONValue)

    init(_ value: JSONValue) {
        switch (value.stringValue, value["type"]?.stringValue, value["name"]?.stringValue) {
        case ("auto"?, _, _): self = .auto
        case ("none"?, _, _): self = .none
        case ("required"?, _, _): self = .required
        case (_, "function"?, let name?): self = .function(name)
        default: self = .other(value)
        }
    }

    /// The JSON.
    public var json: JSONValue {
        switch self {
        case .auto: "auto"
        case .none: "none"
        case .required: "required"
        case .function(let name): ["type": "function", "name": .string(name)]
        case .other(let value): value
        }
    }
}

/// The most tokens a response may have.
public enum TokenLimit: Sendable, Hashable {
    /// `"inf"`: as many as the model can.
    case infinite
    /// This many.
    case count(Int)

    init?(_ value: JSONValue) {
        if value.stringValue == "inf" {
            self = .infinite
        } else if let count = value.integerValue {
            self = .count(Int(count))
        } else {
            return nil
        }
    }

    /// The JSON.
    public var json: JSONValue {
        switch self {
        case .infinite: "inf"
        case .count(let count): .integer(Int64(count))
        }
    }
}
