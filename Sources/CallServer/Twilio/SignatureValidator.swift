public import WebServer

/// What Twilio signed.
public struct SignedRequest: Sendable {
    /// The body that came along, as far as it matters to the signature.
    public enum Content: Sendable, Hashable {
        /// A posted form; no fields for a request without a body.
        case form(FormFields)
        /// The upgrade to a WebSocket.
        case upgrade
    }

    /// Where the request went, as the outside world sees it.
    public var origin: PublicOrigin
    /// Path and query as they were sent, such as `/incoming-call?a=1`.
    public var target: String
    /// What came along.
    public var content: Content
    /// `X-Twilio-Signature`; nil without one.
    public var signature: String?
    /// `X-Twilio-Webhooks-Signature-Settings`; nil without one.
    public var settings: String?

    /// A request.
    public init(
        origin: PublicOrigin,
        target: String,
        content: Content = .form(FormFields()),
        signature: String?,
        settings: String? = nil
    ) {
        self.origin = origin
        self.target = target
        self.content = content
        self.signature = signature
        self.settings = settings
    }
}

/// What became of the check of a signature. The raw value is a metric's label.
public enum SignatureVerdict: String, Sendable, Hashable, CaseIterable {
    /// It is Twilio's.
    case valid
    /// There is none.
    case missing
    /// It is of something else, or by another key.
    case wrong
    /// It names a shared key that we do not have.
    case unknownKey = "unknown_key"
    /// It names a hash that we do not know.
    case unknownAlgorithm = "unknown_algorithm"
}

/// Tells whether a request is Twilio's.
public struct SignatureValidator: Sendable {
    private let tokens: [String]
    private let sharedKeys: [String: String]

    /// A validator.
    ///
    /// - Parameters:
    ///   - tokens: The account's auth tokens; two while one replaces the other.
    ///   - sharedKeys: Secrets of shared keys by their id.
    public init(tokens: [String], sharedKeys: [String: String] = [:]) {
        self.tokens = tokens.filter { !$0.isEmpty }
        self.sharedKeys = sharedKeys.filter { !$0.value.isEmpty }
    }

    /// Checks a request.
    public func check(_ request: SignedRequest) -> SignatureVerdict {
        guard let signature = request.signature, !signature.isEmpty else { return .missing }
        let settings = SignatureSettings(request.settings ?? "")
        guard let algorithm = settings.algorithm else { return .unknownAlgorithm }
        var keys = tokens
        if let id = settings.keyID {
            guard let secret = sharedKeys[id] else { return .unknownKey }
            keys = [secret]
        }
        var fields = FormFields()
        if case .form(let form) = request.content { fields = form }
        // Every variant is computed, whichever fits: the time tells nothing.
        var isValid = false
        for key in keys {
            for url in Self.variants(of: request) {
                let expected = TwilioSignature.sign(url: url, fields: fields, key: key, algorithm: algorithm)
                isValid = ConstantTime.isEqual(expected, signature) || isValid
            }
        }
        return isValid ? .valid : .wrong
    }

    /// The URLs that Twilio may have signed: it is not consistent about the port, nor, for an upgrade, about a slash at
    /// the end.
    static func variants(of request: SignedRequest) -> [String] {
        let target = request.target.prefix { $0 != "#" }
        var targets = [String(target)]
        let scheme: String
        if request.content == .upgrade {
            scheme = request.origin.isSecure ? "wss" : "ws"
            let path = target.prefix { $0 != "?" }
            let query = target[path.endIndex...]
            targets.append((path.hasSuffix("/") ? String(path.dropLast()) : path + "/") + query)
        } else {
            scheme = request.origin.isSecure ? "https" : "http"
        }
        let host = request.origin.hostInURL
        var ports = ["", ":\(request.origin.isSecure ? 443 : 80)"]
        if let port = request.origin.port { ports = ["", ":\(port)"] }
        let prefix = request.origin.prefix
        return targets.flatMap { target in ports.map { "\(scheme)://\(host)\($0)\(prefix)\(target)" } }
    }
}

/// `key=<id>,algorithm=<name>`; without a header the auth token and SHA-1.
private struct SignatureSettings {
    var keyID: String?
    /// Nil when it is unknown.
    var algorithm: TwilioSignature.Algorithm? = .sha1

    init(_ header: String) {
        for part in header.split(separator: ",") {
            let name = part.prefix { $0 != "=" }
            let value = part.dropFirst(name.count + 1).trimmed
            guard !value.isEmpty else { continue }
            switch name.trimmed {
            case "key": keyID = value
            case "algorithm": algorithm = TwilioSignature.Algorithm(rawValue: value.uppercased())
            default: break
            }
        }
    }
}
