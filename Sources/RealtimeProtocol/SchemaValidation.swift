/// Checks a value against the part of JSON Schema that tools use; what it does not know it does not check.
package enum SchemaValidation {
    /// How deep schemas may be nested; deeper parts are not checked.
    static let depthLimit = 32

    /// What is wrong, in words that the model can use; nil when the value is valid.
    package static func problem(_ value: JSONValue, schema: JSONValue, path: String = "", depth: Int = 0) -> String? {
        guard depth < depthLimit, case .object(let schema) = schema else { return nil }
        let name = path.isEmpty ? "arguments" : path
        if let types = schema["type"], !matches(value, types) {
            return "\(name) must be \(describe(types)), not \(typeName(value))"
        }
        if let allowed = schema["enum"]?.arrayValue, !allowed.contains(where: { isSame($0, value) }) {
            return "\(name) must be one of \(allowed.map(\.text).joined(separator: ", "))"
        }
        if let choices = schema["anyOf"]?.arrayValue,
            !choices.contains(where: { problem(value, schema: $0, path: path, depth: depth + 1) == nil })
        {
            return "\(name) is none of what is allowed"
        }
        if let constant = schema["const"], !isSame(constant, value) { return "\(name) must be \(constant.text)" }
        switch value {
        case .integer, .number: return numberProblem(value, schema, name)
        case .string(let text): return stringProblem(text, schema, name)
        case .array(let elements): return arrayProblem(elements, schema, name, depth)
        case .object(let object): return objectProblem(object, schema, path, depth)
        case .null, .bool: return nil
        }
    }

    private static func typeName(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    private static func matches(_ value: JSONValue, _ types: JSONValue) -> Bool {
        if let names = types.arrayValue { return names.contains { matches(value, $0) } }
        switch types.stringValue {
        case "integer"?: return value.integerValue != nil
        case "number"?: return value.doubleValue != nil
        case let name?: return name == typeName(value)
        case nil: return true
        }
    }

    private static func describe(_ types: JSONValue) -> String {
        types.arrayValue?.compactMap(\.stringValue).joined(separator: " or ") ?? types.stringValue ?? "something else"
    }

    /// Whether two values are the same; 1 and 1.0 are.
    private static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.doubleValue, let right = right.doubleValue { return left == right }
        return left == right
    }

    private static func numberProblem(_ value: JSONValue, _ schema: JSONObject, _ name: String) -> String? {
        guard let number = value.doubleValue else { return nil }
        if let bound = schema["minimum"], let limit = bound.doubleValue, number < limit {
            return "\(name) must be at least \(bound.text)"
        }
        if let bound = schema["maximum"], let limit = bound.doubleValue, number > limit {
            return "\(name) must be at most \(bound.text)"
        }
        if let bound = schema["exclusiveMinimum"], let limit = bound.doubleValue, number <= limit {
            return "\(name) must be greater than \(bound.text)"
        }
        if let bound = schema["exclusiveMaximum"], let limit = bound.doubleValue, number >= limit {
            return "\(name) must be less than \(bound.text)"
        }
        return nil
    }

    private static func stringProblem(_ text: String, _ schema: JSONObject, _ name: String) -> String? {
        // JSON Schema counts code points.
        let length = Int64(text.unicodeScalars.count)
        if let limit = schema["minLength"]?.integerValue, length < limit {
            return "\(name) must have at least \(limit) characters"
        }
        if let limit = schema["maxLength"]?.integerValue, length > limit {
            return "\(name) must have at most \(limit) characters"
        }
        return nil
    }

    private static func arrayProblem(
        _ elements: [JSONValue],
        _ schema: JSONObject,
        _ name: String,
        _ depth: Int
    ) -> String? {
        if let limit = schema["minItems"]?.integerValue, elements.count < limit {
            return "\(name) must have at least \(limit) elements"
        }
        if let limit = schema["maxItems"]?.integerValue, elements.count > limit {
            return "\(name) must have at most \(limit) elements"
        }
        guard let items = schema["items"] else { return nil }
        for (index, element) in elements.enumerated() {
            if let problem = problem(element, schema: items, path: "\(name)[\(index)]", depth: depth + 1) {
                return problem
            }
        }
        return nil
    }

    private static func objectProblem(
        _ object: JSONObject,
        _ schema: JSONObject,
        _ path: String,
        _ depth: Int
    ) -> String? {
        func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
        for key in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] where object[key] == nil {
            return "\(full(key)) is required"
        }
        let properties = schema["properties"]?.objectValue ?? [:]
        let additional = schema["additionalProperties"]
        for member in object.members {
            if let property = properties[member.key] {
                let found = problem(member.value, schema: property, path: full(member.key), depth: depth + 1)
                if let found { return found }
            } else if additional == .bool(false) {
                return "\(full(member.key)) is not a known argument"
            } else if let additional, case .object = additional {
                let found = problem(member.value, schema: additional, path: full(member.key), depth: depth + 1)
                if let found { return found }
            }
        }
        return nil
    }
}
