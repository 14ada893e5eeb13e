import CallBridge

/// An address of another server that an operator wrote down.
public struct OutboundURL: Sendable, Hashable {
    /// Why a text is none.
    public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is wrong, and what is expected.
        public let description: String
    }

    /// The server.
    public var server: OutboundServer
    /// Path and query, beginning with a slash.
    public var target: String

    /// Reads `https://host[:port]/path`; path and query may still be written in characters that want encoding.
    ///
    /// - Parameters:
    ///   - text: The URL.
    ///   - mayBePrivate: Whether its host may have an address of a private network, and TLS may be missing: without it
    ///     what is asked and answered is open to everybody on the way.
    public init(parsing text: String, mayBePrivate: Bool) throws(Failure) {
        guard let separator = text.firstRange(ofText: "://") else { throw Self.wrong }
        let scheme = text[..<separator.lowerBound].lowercased()
        let rest = text[separator.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard scheme == "https" || scheme == "http" else { throw Self.wrong }
        guard scheme == "https" || mayBePrivate else { throw Self.plain }
        guard authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw Self.wrong }
        guard !authority.contains("{"), !authority.contains("@"),
            let (host, port) = URLParts.split(authority: authority)
        else { throw Failure(description: "has no fixed host, or a user name") }
        server = OutboundServer(isSecure: scheme == "https", host: host, port: port, mayBePrivate: mayBePrivate)
        let path = rest.dropFirst(authority.count)
        target = path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// Reads the URL of a server that the operator trusts: TLS may be missing on this machine only.
    public init(trusted text: String) throws(Failure) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw Self.wrong }
        try self.init(parsing: text, mayBePrivate: true)
        let isHere = server.host == "localhost" || server.host == "::1" || server.host.hasPrefix("127.")
        guard server.isSecure || isHere else { throw Self.plain }
    }

    private static let wrong = Failure(description: "is not https://host[:port]/path")
    static let plain = Failure(description: "is not https")
}
