/// Reads `.env` files by the rules of python-dotenv, since the files that people bring were written for it.
///
/// `KEY=value`, `export KEY=value`, `KEY` alone (ignored), quotes single and double with their escapes, values over
/// several lines within quotes, comments after white space and `#`, and `${NAME}` or `${NAME:-default}`.
public enum DotEnv {
    /// A line that is none of this.
    public struct Problem: Sendable, Hashable, CustomStringConvertible {
        /// The line's number, from 1.
        public let line: Int
        /// One sentence.
        public var description: String { "line \(line) is no KEY=value and was ignored" }
    }

    /// What a file says.
    public struct Result: Sendable, Hashable {
        /// Names and values; a later one replaces an earlier one.
        public var values: [String: String] = [:]
        /// Lines that were ignored.
        public var problems: [Problem] = []
    }

    /// Parses a file's text.
    ///
    /// - Parameters:
    ///   - text: The file.
    ///   - environment: Where `${NAME}` looks first: the real environment wins.
    public static func parse(_ text: String, environment: [String: String] = [:]) -> Result {
        var reader = Reader(text)
        var result = Result()
        while reader.skipBlank() {
            let line = reader.line
            guard let binding = reader.binding() else {
                reader.skipLine()
                result.problems.append(Problem(line: line))
                continue
            }
            guard let key = binding.key, let value = binding.value else { continue }
            result.values[key] = expand(value) { environment[$0] ?? result.values[$0] }
        }
        return result
    }

    /// Replaces `${NAME}` and `${NAME:-default}`.
    private static func expand(_ text: String, _ lookUp: (String) -> String?) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(ofText: "${") {
            result += rest[..<start.lowerBound]
            let inner = rest[start.upperBound...]
            guard let end = inner.firstIndex(of: "}") else {
                result += rest[start.lowerBound...]
                return result
            }
            let reference = inner[..<end]
            if let separator = reference.firstRange(ofText: ":-") {
                let name = String(reference[..<separator.lowerBound])
                result += lookUp(name) ?? String(reference[separator.upperBound...])
            } else {
                result += lookUp(String(reference)) ?? ""
            }
            rest = inner[inner.index(after: end)...]
        }
        return result + rest
    }

    /// Walks over the text, one binding at a time.
    private struct Reader {
        private let characters: [Character]
        private var position = 0
        private(set) var line = 1

        init(_ text: String) {
            // Line ends of all systems count alike.
            characters = Array(text).map { $0 == "\r\n" || $0 == "\r" ? "\n" : $0 }
        }

        private var next: Character? { position < characters.count ? characters[position] : nil }

        private mutating func step() {
            if next == "\n" { line += 1 }
            position += 1
        }

        private mutating func skip(while condition: (Character) -> Bool) {
            while let character = next, condition(character) { step() }
        }

        private mutating func skipSpaces() { skip { $0 != "\n" && $0.isWhitespace } }

        /// False at the end of the text.
        mutating func skipBlank() -> Bool {
            skip(while: \.isWhitespace)
            return next != nil
        }

        mutating func skipLine() { skip { $0 != "\n" } }

        /// One line's key and value; nil when it is malformed. A comment has neither.
        mutating func binding() -> (key: String?, value: String?)? {
            skipExport()
            let key = readKey()
            skipSpaces()
            var value: String?
            if key != nil, next == "=" {
                step()
                skipSpaces()
                guard let read = readValue() else { return nil }
                value = read
            }
            skipSpaces()
            if next == "#" { skipLine() }
            guard next == nil || next == "\n" else { return nil }
            return (key, value)
        }

        private mutating func skipExport() {
            let word = Array("export")
            guard position + word.count < characters.count,
                Array(characters[position..<position + word.count]) == word,
                characters[position + word.count].isWhitespace, characters[position + word.count] != "\n"
            else { return }
            position += word.count
            skipSpaces()
        }

        private mutating func readKey() -> String? {
            if next == "#" { return nil }
            if next == "'" { return readQuoted() }
            var key = ""
            while let character = next, !character.isWhitespace, character != "=", character != "#" {
                key.append(character)
                step()
            }
            return key.isEmpty ? nil : key
        }

        private mutating func readValue() -> String? {
            if next == "'" || next == "\"" { return readQuoted() }
            var value = ""
            while let character = next, character != "\n" {
                value.append(character)
                step()
            }
            return Self.withoutComment(value)
        }

        /// A comment begins with `#` after white space.
        private static func withoutComment(_ value: String) -> String {
            var kept = ""
            for character in value {
                if character == "#", let last = kept.last, last.isWhitespace { break }
                kept.append(character)
            }
            while let last = kept.last, last.isWhitespace { kept.removeLast() }
            return kept
        }

        /// Up to the closing quote, over line ends too; nil when there is none.
        private mutating func readQuoted() -> String? {
            guard let quote = next else { return nil }
            let began = (position, line)
            step()
            var value = ""
            while let character = next {
                step()
                if character == quote { return value }
                guard character == "\\", let escaped = next else {
                    value.append(character)
                    continue
                }
                if let meaning = Self.meaning(of: escaped, in: quote) {
                    value.append(meaning)
                    step()
                } else {
                    value.append(character)
                }
            }
            (position, line) = began
            return nil
        }

        private static func meaning(of escaped: Character, in quote: Character) -> Character? {
            if escaped == "\\" || escaped == "'" { return escaped }
            guard quote == "\"" else { return nil }
            switch escaped {
            case "\"": return "\""
            case "a": return "\u{07}"
            case "b": return "\u{08}"
            case "f": return "\u{0C}"
            case "n": return "\n"
            case "r": return "\r"
            case "t": return "\t"
            case "v": return "\u{0B}"
            default: return nil
            }
        }
    }
}
