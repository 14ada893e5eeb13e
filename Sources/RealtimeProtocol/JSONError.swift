/// Why bytes are not JSON, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: String, Sendable {
        /// The text ends inside a value.
        case unexpectedEnd = "unexpected end"
        /// A byte that cannot stand here.
        case unexpectedByte = "unexpected byte"
        /// Something follows the value.
        case trailingBytes = "bytes after the value"
        /// A number that is not written as JSON wants it.
        case badNumber = "bad number"
        /// A number beyond what a double holds.
        case numberOutOfRange = "number out of range"
        /// A backslash sequence that does not exist.
        case badEscape = "bad escape"
        /// A control character inside a string.
        case controlCharacter = "control character in a string"
        /// A string that is not UTF-8.
        case badUTF8 = "not UTF-8"
        /// More nested arrays and objects than `JSONValue.depthLimit`.
        case tooDeep = "nested too deeply"
    }

    /// What is wrong.
    public var kind: Kind
    /// The offset of the offending byte from the start.
    public var offset: Int

    /// An error.
    public init(kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    /// The sentence for a log.
    public var description: String { "\(kind.rawValue) at byte \(offset)" }
}
