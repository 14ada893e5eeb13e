/// Keeps secrets out of log lines: servers repeat keys in their error messages.
package enum Redaction {
    /// How API keys and client secrets begin.
    private static let beginnings = ["sk-", "ek_"]

    /// The text of another party for a log line: without keys, and without characters that would move the cursor,
    /// colour a terminal or turn the direction of the line around.
    package static func clean(_ text: String) -> String {
        String(String.UnicodeScalarView(keys(in: text).unicodeScalars.map { isUnsafe($0) ? "?" : $0 }))
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// The text with everything that looks like a key replaced.
    package static func keys(in text: String) -> String {
        var result = ""
        var word = ""
        func finish() {
            result += beginnings.contains { word.contains($0) } ? "[key]" : word
            word = ""
        }
        for character in text {
            if character.isWhitespace || "\"',;()[]{}".contains(character) {
                finish()
                result.append(character)
            } else {
                word.append(character)
            }
        }
        finish()
        return result
    }
}
