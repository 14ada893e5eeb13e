/// Bounds of a form. Each has an error of its own, which the server counts.
enum FormLimits {
    /// Bytes of the whole body.
    static let bytes = 64 * 1024
    /// Fields; Twilio sends about thirty.
    static let fields = 500
    /// Bytes of a name, decoded.
    static let nameBytes = 1_024
}

/// Why a form is refused.
public enum FormError: String, Error, Sendable, Hashable, CaseIterable {
    /// More bytes than allowed.
    case bodyTooLarge = "body_too_large"
    /// More fields than allowed.
    case tooManyFields = "too_many_fields"
    /// A name longer than allowed.
    case nameTooLong = "name_too_long"
    /// A name or value that is no UTF-8 once decoded.
    case invalidText = "invalid_text"
    /// A NUL in a name or value.
    case containsNUL = "contains_nul"

    /// The HTTP status to answer with.
    public var status: Int {
        switch self {
        case .bodyTooLarge, .tooManyFields: 413
        case .nameTooLong, .invalidText, .containsNUL: 400
        }
    }
}

/// The fields of an `application/x-www-form-urlencoded` text, in order, repeated ones included.
///
/// Decoded as the URL standard says (URL Standard, 5.1): `+` is a space, a `%` without two hexadecimal digits stays as it
/// is, empty sequences between `&` count for nothing. Unlike there, text that is no UTF-8 is refused: a signature is over
/// the text as it was sent, and a replacement character would hide what that was.
public struct FormFields: Sendable, Hashable {
    /// One field.
    public struct Field: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// A field.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The fields, in order.
    public var fields: [Field]

    /// These fields.
    public init(_ fields: [Field] = []) { self.fields = fields }

    /// The first value of a name.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The first value of each name.
    public var firstValues: [String: String] {
        Dictionary(fields.map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// Parses a body.
    public init(parsing body: some Collection<UInt8>) throws(FormError) {
        guard body.count <= FormLimits.bytes else { throw .bodyTooLarge }
        fields = []
        for part in body.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
            guard fields.count < FormLimits.fields else { throw .tooManyFields }
            let name = part.prefix { $0 != UInt8(ascii: "=") }
            let field = Field(try Self.decode(name), try Self.decode(part.dropFirst(name.count + 1)))
            guard field.name.utf8.count <= FormLimits.nameBytes else { throw .nameTooLong }
            fields.append(field)
        }
    }

    private static func decode(_ encoded: some Collection<UInt8>) throws(FormError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var index = encoded.startIndex
        while index < encoded.endIndex {
            let byte = encoded[index]
            let digits = encoded[index...].dropFirst().prefix(2)
            if byte == UInt8(ascii: "%"), let value = Self.byte(ofDigits: digits) {
                bytes.append(value)
                index = encoded.index(index, offsetBy: 3)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index = encoded.index(after: index)
            }
        }
        guard !bytes.contains(0) else { throw .containsNUL }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidText }
        return text
    }

    private static func byte(ofDigits digits: some Collection<UInt8>) -> UInt8? {
        let values = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        return values.count == 2 ? UInt8(values[0] * 16 + values[1]) : nil
    }
}
