import RealtimeProtocol

/// Names and values from one place.
public struct SettingsLayer: Sendable, Hashable {
    /// The place, as the operator knows it, such as `.env`.
    public var place: String
    /// Names and values.
    public var values: [String: String]

    /// A layer.
    public init(_ place: String, _ values: [String: String]) {
        self.place = place
        self.values = values
    }
}

/// Reads values out of layers, the first that has one wins, and gathers what is wrong with them.
struct SettingsReader {
    private let layers: [SettingsLayer]
    /// Lines that end the start.
    var problems: [String] = []
    /// Lines that are only told.
    var notes: [String] = []

    init(_ layers: [SettingsLayer]) { self.layers = layers }

    /// Where the value of a name comes from; nil is the default.
    func place(of name: String) -> String? { layers.first { !($0.values[name] ?? "").isEmpty }?.place }

    /// A text; an empty one counts as absent.
    func text(_ name: String) -> String? {
        layers.lazy.compactMap { $0.values[name] }.first { !$0.isEmpty }
    }

    mutating func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        if let value = Int(text), range.contains(value) { return value }
        problems.append("\(name): \"\(text)\" is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// Seconds, as milliseconds.
    mutating func seconds(_ name: String, _ range: ClosedRange<Double>) -> Int? {
        guard let text = text(name) else { return nil }
        if let value = Double(text), range.contains(value) { return Int(value * 1_000) }
        problems.append(
            "\(name): \"\(text)\" is not a number of seconds from \(range.lowerBound) to \(range.upperBound)"
        )
        return nil
    }

    mutating func choice<Value>(_ name: String, _ choices: [(name: String, value: Value)]) -> Value? {
        guard let text = text(name) else { return nil }
        if let choice = choices.first(where: { $0.name == text.lowercased() }) { return choice.value }
        problems.append("\(name): \"\(text)\" is not one of \(choices.map(\.name).joined(separator: ", "))")
        return nil
    }

    mutating func flag(_ name: String) -> Bool? {
        guard let text = text(name) else { return nil }
        switch text.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default:
            problems.append("\(name): \"\(text)\" is not one of yes, no, true, false, on, off, 1, 0")
            return nil
        }
    }

    /// A secret that goes into a header. White space at its ends is cut, since files and consoles add it; inside it would
    /// begin another header.
    mutating func secret(_ name: String, bytesMinimum: Int = 1) -> String? {
        guard let text = text(name) else { return nil }
        let secret = text.trimmed
        guard !secret.isEmpty else { return nil }
        if secret != text { notes.append("\(name): white space at its ends was cut") }
        guard secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }) else {
            problems.append("\(name): holds spaces, line ends, quotes or characters that no key has (value not shown)")
            return nil
        }
        guard (bytesMinimum...Self.secretBytesMaximum).contains(secret.utf8.count) else {
            problems.append(
                "\(name): is not \(bytesMinimum) to \(Self.secretBytesMaximum) characters long (value not shown)"
            )
            return nil
        }
        return secret
    }

    /// A list, as JSON or with commas.
    mutating func list(_ name: String) -> [String]? {
        guard let text = text(name)?.trimmed else { return nil }
        guard text.hasPrefix("[") else { return text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty } }
        if let array = (try? JSONValue(parsing: text))?.arrayValue {
            let texts = array.compactMap(\.stringValue)
            if texts.count == array.count { return texts }
        }
        problems.append("\(name): is no list such as [\"https://a.example\"] or https://a.example,https://b.example")
        return nil
    }

    private static let secretBytesMaximum = 1_024
}
