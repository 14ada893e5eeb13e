/// A document of the operator's own, in which `{{WS_URL}}` stands for the stream's address.
public struct TwiMLTemplate: Sendable, Hashable {
    /// What is wrong with a template.
    public enum Problem: String, Error, Sendable, Hashable {
        /// Longer than a document may be.
        case tooLarge = "is larger than 64 KiB"
        /// No place for the address.
        case noAddress = "holds no {{WS_URL}}"
        /// The place for the address is not in a `<Stream>` element.
        case noStream = "holds {{WS_URL}} outside of the url of a <Stream>"
        /// It is no TwiML.
        case noResponse = "holds no <Response>"
    }

    /// The place of the address.
    public static let placeholder = "{{WS_URL}}"
    /// Bytes of a template.
    public static let bytesMaximum = 64 * 1024

    private let beforeAddress: String
    /// From the address to the end of the element's start tag, without `>` or `/>`.
    private let restOfTag: String
    /// Whether the element ends with its start tag.
    private let isEmptyElement: Bool
    private let afterTag: String

    /// Reads a template.
    public init(parsing text: String) throws(Problem) {
        guard text.utf8.count <= Self.bytesMaximum else { throw .tooLarge }
        guard text.firstRange(ofText: "<Response") != nil else { throw .noResponse }
        guard let place = text.firstRange(ofText: Self.placeholder) else { throw .noAddress }
        let before = text[..<place.lowerBound]
        guard let tagStart = before.lastIndex(of: "<"), before[tagStart...].hasPrefix("<Stream"),
            let quote = before.last, quote == "\"" || quote == "'",
            let tagEnd = Self.endOfTag(text[place.upperBound...], openQuote: quote)
        else { throw .noStream }
        let tag = text[place.upperBound..<tagEnd]
        beforeAddress = String(before)
        isEmptyElement = tag.hasSuffix("/")
        restOfTag = String(isEmptyElement ? tag.dropLast() : tag)
        afterTag = String(text[text.index(after: tagEnd)...])
    }

    /// The `>` that ends a tag of which an attribute's value is open.
    private static func endOfTag(_ text: Substring, openQuote: Character) -> Substring.Index? {
        var quote: Character? = openQuote
        for index in text.indices {
            let character = text[index]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == ">" {
                return index
            }
        }
        return nil
    }

    /// The document for a stream: its address put in, its parameters added to the element.
    public func text(_ stream: TwiML.Stream) -> String {
        let start = beforeAddress + XMLText.escaped(stream.url) + restOfTag
        let parameters = TwiML.parameters(stream.parameters)
        guard !parameters.isEmpty else { return start + (isEmptyElement ? "/>" : ">") + afterTag }
        return start + ">" + parameters + (isEmptyElement ? "</Stream>" : "") + afterTag
    }
}
