/// Why a message is not the event it says it is.
public struct ProtocolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with the field.
    public enum Problem: Sendable, Equatable {
        /// The message is not JSON at all.
        case notJSON(JSONError)
        /// The field is not there.
        case missing
        /// The field has another type than this one.
        case expected(String)
        /// The type of a client event that does not exist.
        case unknownType
    }

    /// The `type` of the message, when it had one.
    public var eventType: String?
    /// The path of the field, such as `response.id`; empty for the message as a whole.
    public var field: String
    /// What is wrong with it.
    public var problem: Problem

    /// An error.
    public init(eventType: String? = nil, field: String, problem: Problem) {
        self.eventType = eventType
        self.field = field
        self.problem = problem
    }

    /// The sentence for a log.
    public var description: String {
        let event = eventType.map { "\($0): " } ?? ""
        return switch problem {
        case .notJSON(let error): "\(event)not JSON: \(error)"
        case .missing: "\(event)field \(field) is missing"
        case .expected(let type): "\(event)field \(field) is not \(type)"
        case .unknownType: "\(event)no such event type"
        }
    }
}

/// Reads the fields of one object and says which one is wrong.
struct FieldReader {
    let object: JSONObject
    let path: String

    init(_ object: JSONObject, path: String = "") {
        self.object = object
        self.path = path
    }

    /// The reader of a whole value that must be an object.
    init(_ value: JSONValue, path: String = "") throws(ProtocolError) {
        guard case .object(let object) = value else {
            throw ProtocolError(field: path, problem: .expected("an object"))
        }
        self.init(object, path: path)
    }

    func fullPath(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The value, nil when the key is absent or null.
    func value(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    func string(_ key: String) throws(ProtocolError) -> String {
        guard let text = try optionalString(key) else { throw missing(key) }
        return text
    }

    func optionalString(_ key: String) throws(ProtocolError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.stringValue else { throw wrong(key, "a string") }
        return text
    }

    func integer(_ key: String) throws(ProtocolError) -> Int {
        guard let value = try optionalInteger(key) else { throw missing(key) }
        return value
    }

    func optionalInteger(_ key: String) throws(ProtocolError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let number = value.integerValue else { throw wrong(key, "an integer") }
        return Int(number)
    }

    func optionalDouble(_ key: String) throws(ProtocolError) -> Double? {
        guard let value = value(key) else { return nil }
        guard let number = value.doubleValue else { throw wrong(key, "a number") }
        return number
    }

    func optionalBool(_ key: String) throws(ProtocolError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let flag = value.boolValue else { throw wrong(key, "true or false") }
        return flag
    }

    func reader(_ key: String) throws(ProtocolError) -> FieldReader {
        guard let reader = try optionalReader(key) else { throw missing(key) }
        return reader
    }

    func optionalReader(_ key: String) throws(ProtocolError) -> FieldReader? {
        guard let value = value(key) else { return nil }
        guard case .object(let object) = value else { throw wrong(key, "an object") }
        return FieldReader(object, path: fullPath(key))
    }

    /// The object, nil when the field is anything else: some servers put a word there.
    func lenientReader(_ key: String) -> FieldReader? {
        guard case .object(let object)? = object[key] else { return nil }
        return FieldReader(object, path: fullPath(key))
    }

    func optionalArray(_ key: String) throws(ProtocolError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let elements = value.arrayValue else { throw wrong(key, "an array") }
        return elements
    }

    /// The elements of an array of objects, each read by `read`; nil when the key is absent or null.
    func optionalList<Element>(
        _ key: String,
        _ read: (FieldReader) throws(ProtocolError) -> Element
    ) throws(ProtocolError) -> [Element]? {
        guard let elements = try optionalArray(key) else { return nil }
        var result: [Element] = []
        for (index, element) in elements.enumerated() {
            result.append(try read(try FieldReader(element, path: "\(fullPath(key))[\(index)]")))
        }
        return result
    }

    func missing(_ key: String) -> ProtocolError { ProtocolError(field: fullPath(key), problem: .missing) }

    func wrong(_ key: String, _ expected: String) -> ProtocolError {
        ProtocolError(field: fullPath(key), problem: .expected(expected))
    }
}
