/// Splits the words of an item at the moment up to which it was heard.
///
/// The API does not say when which word is spoken; the split is proportional to the audio and then moved back to a word's
/// beginning, so that a word heard in part counts as not heard.
struct HeardSplit: Sendable, Hashable {
    var heard: String
    var unheard: String

    /// How far a word's beginning is looked for; beyond it (languages without spaces) the cut stays where it is.
    static let wordSearchCharacters = 24

    init(_ text: String, heardMilliseconds: Int, receivedMilliseconds: Int) {
        guard heardMilliseconds > 0, receivedMilliseconds > 0 else {
            (heard, unheard) = ("", text)
            return
        }
        guard heardMilliseconds < receivedMilliseconds else {
            (heard, unheard) = (text, "")
            return
        }
        let characters = Array(text)
        // Bounded: both factors are milliseconds and characters of one item, far below 2^31.
        var cut = characters.count * heardMilliseconds / receivedMilliseconds
        if cut > 0, !characters[cut].isWhitespace, !characters[cut - 1].isWhitespace {
            let earliest = max(0, cut - Self.wordSearchCharacters)
            if let space = characters[earliest..<cut].lastIndex(where: \.isWhitespace) {
                cut = space
            } else if earliest == 0, characters.contains(where: \.isWhitespace) {
                cut = 0
            }
        }
        heard = Self.trimmed(characters[..<cut])
        unheard = Self.trimmed(characters[cut...])
    }

    private static func trimmed(_ characters: ArraySlice<Character>) -> String {
        let start = characters.firstIndex { !$0.isWhitespace } ?? characters.endIndex
        let end = characters.lastIndex { !$0.isWhitespace }.map { $0 + 1 } ?? start
        return String(characters[start..<end])
    }

    /// What of `text` comes after `heard`, when `heard` was cut from an earlier, shorter version of it.
    static func rest(of text: String, after heard: String) -> String {
        guard !heard.isEmpty else { return text }
        let characters = Array(text)
        let start = characters.firstIndex { !$0.isWhitespace } ?? 0
        return trimmed(characters[min(characters.count, start + heard.count)...])
    }
}

extension String {
    /// The text, cut to this many bytes at a character; whether it was cut.
    func cut(toBytes limit: Int) -> (text: String, wasCut: Bool) {
        guard utf8.count > limit else { return (self, false) }
        var end = utf8.index(utf8.startIndex, offsetBy: max(0, limit))
        while end > startIndex, String.Index(end, within: self) == nil { end = utf8.index(before: end) }
        return (String(self[..<end]), true)
    }
}
