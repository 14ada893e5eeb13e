/// The ids that Twilio gives: two letters and 32 hexadecimal digits.
public enum TwilioID {
    /// Whether the text is the id of a call.
    public static func isCall(_ text: String) -> Bool { matches(text, prefix: "CA") }

    /// Whether the text is the id of an account.
    public static func isAccount(_ text: String) -> Bool { matches(text, prefix: "AC") }

    private static func matches(_ text: String, prefix: String) -> Bool {
        text.hasPrefix(prefix) && text.utf8.count == 34
            && text.utf8.dropFirst(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }
}
