package import Trunk

/// Where the model is, and with which key.
public struct ModelEndpoint: Sendable {
    /// What is wrong with an address.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// One line that says what is wrong and what is expected.
        public let description: String
    }

    /// The address of OpenAI's Realtime API.
    public static let defaultURL = "wss://api.openai.com/v1/realtime"

    /// The host.
    package let host: String
    let port: Int
    let isSecure: Bool
    let target: String
    private let key: String
    let authorityFile: String?

    /// Reads a `ws` or `wss` URL; `model` is added to its query unless one is there.
    ///
    /// - Parameters:
    ///   - url: Such as `wss://api.openai.com/v1/realtime`, with any host, port, path and query.
    ///   - model: The model's name.
    ///   - key: Sent as `Authorization: Bearer`; none when empty.
    ///   - authorityFile: PEM file of certificate authorities; nil is the system's store.
    public init(url: String, model: String, key: String, authorityFile: String? = nil) throws(Failure) {
        func failure(_ text: String) -> Failure {
            Failure(description: "\"\(url)\": \(text); expected ws://host[:port]/path or wss://host[:port]/path")
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw failure("has spaces or other characters") }
        guard let scheme = url.prefixBefore("://") else { throw failure("has no scheme") }
        switch scheme.lowercased() {
        case "wss": isSecure = true
        case "ws": isSecure = false
        default: throw failure("scheme \"\(scheme)\" is not ws or wss")
        }
        let rest = url.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else { throw failure("holds a user name") }
        guard !rest.contains("#") else { throw failure("has a fragment") }
        guard let (host, port) = URLParts.split(authority: authority) else {
            throw failure("has no valid host and port")
        }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        self.key = key
        self.authorityFile = authorityFile
        target = Self.target(String(rest.dropFirst(authority.count)), model: model)
    }

    /// Host, port and target, for logs: without the key.
    public var address: String { "\(host):\(port)\(target)" }

    /// Whom to dial.
    package var dialTarget: DialTarget {
        let headers = key.isEmpty ? [] : [(name: "Authorization", value: "Bearer \(key)")]
        return DialTarget(
            host: host,
            port: port,
            isSecure: isSecure,
            target: target,
            headers: headers,
            authorityFile: authorityFile
        )
    }

    private static func target(_ pathAndQuery: String, model: String) -> String {
        var target = pathAndQuery.hasPrefix("/") ? pathAndQuery : "/" + pathAndQuery
        let query = target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let names = query.split(separator: "&").map { $0.prefix { $0 != "=" } }
        if model.isEmpty || names.contains("model") || names.contains("deployment") { return target }
        target += query.isEmpty ? (target.hasSuffix("?") ? "" : "?") : "&"
        return target + "model=" + URLParts.percentEncoded(model)
    }
}

extension String {
    fileprivate func prefixBefore(_ separator: String) -> String? {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(separator) { return String(self[..<rest.startIndex]) }
            rest = rest.dropFirst()
        }
        return nil
    }
}
