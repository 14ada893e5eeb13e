/// The parts of URLs that several readers and writers of them share.
package enum URLParts {
    /// The longest host name of DNS, in bytes (RFC 1035, 2.3.4).
    package static let hostBytesMaximum = 255

    /// Host and port of an authority without a user name; an IPv6 address stands in brackets (RFC 3986, 3.2.2).
    ///
    /// - Returns: The host without brackets, and the port when there is one; nil when it is malformed.
    package static func split(authority: Substring) -> (host: String, port: Int?)? {
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let after = authority[authority.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { return nil }
            if !after.isEmpty { port = after.dropFirst() }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty, host.utf8.count <= hostBytesMaximum else { return nil }
        guard let port else { return (String(host), nil) }
        guard let number = Int(port), (1...65_535).contains(number) else { return nil }
        return (String(host), number)
    }

    /// The text with everything but unreserved characters (RFC 3986, 2.3) percent-encoded.
    package static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            let isPlain =
                (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A)
                || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
            if isPlain {
                result.append(Character(Unicode.Scalar(byte)))
            } else {
                result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
