extension JSONValue {
    /// How deep arrays and objects may be nested.
    public static let depthLimit = 64

    /// Parses one value that fills the bytes (RFC 8259, strict). A lone surrogate escape becomes U+FFFD.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.parseDocument()
    }

    /// Parses one value that fills the bytes.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        let result = bytes.withUnsafeBytes { Self.result(parsing: $0) }
        self = try result.get()
    }

    /// Parses one value that fills the text.
    public init(parsing text: String) throws(JSONError) {
        var text = text
        let result = text.withUTF8 { Self.result(parsing: UnsafeRawBufferPointer($0)) }
        self = try result.get()
    }

    private static func result(parsing bytes: UnsafeRawBufferPointer) -> Result<JSONValue, JSONError> {
        Result { () throws(JSONError) in try JSONValue(parsing: bytes) }
    }
}

/// A recursive descent over borrowed bytes; recursion is bounded by the depth limit.
private struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    var position = 0
    var depth = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        let value = try parseValue()
        skipSpace()
        guard position == bytes.count else { throw failure(.trailingBytes) }
        return value
    }

    func failure(_ kind: JSONError.Kind) -> JSONError { JSONError(kind: kind, offset: position) }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    func peek() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        return bytes[position]
    }

    mutating func parseValue() throws(JSONError) -> JSONValue {
        skipSpace()
        switch try peek() {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        default: return try parseNumber()
        }
    }

    mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            guard try peek() == word.utf8Start[index] else { throw failure(.unexpectedByte) }
            position += 1
        }
        return value
    }

    mutating func enter() throws(JSONError) {
        guard depth < JSONValue.depthLimit else { throw failure(.tooDeep) }
        depth += 1
        position += 1
        skipSpace()
    }

    mutating func parseArray() throws(JSONError) -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        if try peek() != UInt8(ascii: "]") {
            repeat { elements.append(try parseValue()) } while try continues(until: UInt8(ascii: "]"))
        } else {
            position += 1
        }
        depth -= 1
        return .array(elements)
    }

    mutating func parseObject() throws(JSONError) -> JSONValue {
        try enter()
        var object = JSONObject()
        if try peek() != UInt8(ascii: "}") {
            repeat {
                skipSpace()
                guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
                let key = try parseString()
                skipSpace()
                guard try peek() == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
                position += 1
                object.append(key, try parseValue())
            } while try continues(until: UInt8(ascii: "}"))
        } else {
            position += 1
        }
        depth -= 1
        return .object(object)
    }

    /// Steps over a comma (true) or the closing byte (false).
    mutating func continues(until end: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        let byte = try peek()
        guard byte == UInt8(ascii: ",") || byte == end else { throw failure(.unexpectedByte) }
        position += 1
        return byte != end
    }
}

// MARK: - Strings

extension JSONParser {
    mutating func parseString() throws(JSONError) -> String {
        position += 1
        let start = position
        while true {
            let byte = try peek()
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") { return try parseEscapedString(from: start) }
            guard byte >= 0x20 else { throw failure(.controlCharacter) }
            position += 1
        }
        let plain = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
        guard let text = String(validating: plain, as: UTF8.self) else { throw badUTF8(from: start) }
        position += 1
        return text
    }

    func badUTF8(from start: Int) -> JSONError { JSONError(kind: .badUTF8, offset: start) }

    mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
        var units = [UInt8](bytes[start..<position])
        while true {
            let byte = try peek()
            if byte == UInt8(ascii: "\"") { break }
            guard byte >= 0x20 else { throw failure(.controlCharacter) }
            if byte == UInt8(ascii: "\\") {
                try parseEscape(into: &units)
            } else {
                units.append(byte)
                position += 1
            }
        }
        guard let text = String(validating: units, as: UTF8.self) else { throw badUTF8(from: start) }
        position += 1
        return text
    }

    mutating func parseEscape(into units: inout [UInt8]) throws(JSONError) {
        position += 1
        let byte = try peek()
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            units.append(contentsOf: Array(String(Character(try parseUnicodeEscape())).utf8))
            return
        default: throw failure(.badEscape)
        }
        position += 1
    }

    /// Four hexadecimal digits after `\u`, and the second half of a surrogate pair when there is one.
    mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let first = try parseHex()
        guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) ?? replacement }
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { return replacement }
        let rewind = position
        position += 2
        let second = try parseHex()
        guard (0xDC00..<0xE000).contains(second) else {
            position = rewind
            return replacement
        }
        return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)) ?? replacement
    }

    mutating func parseHex() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = try peek()
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw failure(.badEscape)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}

// MARK: - Numbers

extension JSONParser {
    mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = position
        if try peek() == UInt8(ascii: "-") { position += 1 }
        let first = try peek()
        guard isDigit(first) else { throw failure(position == start ? .unexpectedByte : .badNumber) }
        skipDigits()
        if first == UInt8(ascii: "0"), position - start > (bytes[start] == first ? 1 : 2) { throw failure(.badNumber) }
        var isInteger = true
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try requireDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < bytes.count, bytes[position] == 0x2B || bytes[position] == 0x2D { position += 1 }
            try requireDigits()
        }
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw JSONError(kind: .numberOutOfRange, offset: start) }
        return .number(value)
    }

    func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    mutating func skipDigits() {
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    }

    mutating func requireDigits() throws(JSONError) {
        guard isDigit(try peek()) else { throw failure(.badNumber) }
        skipDigits()
    }
}
