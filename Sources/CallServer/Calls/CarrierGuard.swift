import CallBridge
import CallPolicy
import Crypto
import HTTPTypes
import Trunk
import WebServer

/// Decides who may open a call that the owner of the key pays for: Twilio, by its signature on webhook and upgrade and by
/// the token that ties a stream to the webhook; without a secret of Twilio's only this machine, unless everybody was
/// allowed.
final class CarrierGuard: Sendable {
    /// Why a request or a stream was turned away. The raw value is a metric's label.
    enum Refusal: String, CaseIterable {
        case signature
        case notLocal = "not_local"
        case token
        case account
    }

    private enum Trust {
        case signed(SignatureValidator)
        case local
        case everybody
    }

    /// What a token is for.
    enum TokenOutcome: Sendable {
        /// None is asked for.
        case notNeeded
        /// It travels with the stream.
        case token(String)
        /// There is none: the id is no call's, or too many calls came.
        case none
    }

    private let trust: Trust
    private let proxies: [AddressRange]
    private let configured: PublicOrigin?
    private let account: String
    private let tokens: Locked<StreamTokens>
    private let refused = Locked<[Refusal: Int]>([:])

    init(_ settings: Settings) {
        let access = settings.access
        if !access.twilioTokens.isEmpty || !access.twilioSharedKeys.isEmpty {
            trust = .signed(SignatureValidator(tokens: access.twilioTokens, sharedKeys: access.twilioSharedKeys))
        } else {
            trust = access.allowsUnsigned ? .everybody : .local
        }
        proxies = access.proxies
        configured = settings.publicOrigin
        account = access.twilioAccount
        // Nodes behind one number share the account's secret, and so accept each other's tokens.
        let secret = access.twilioTokens.first ?? access.twilioSharedKeys.sorted { $0.key < $1.key }.first?.value
        let key =
            secret.map { Array(SHA256.hash(data: Array("trunkline stream tokens:\($0)".utf8))) }
            ?? (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        tokens = Locked(StreamTokens(key: key))
    }

    /// Limits of the tokens that were hit.
    var tokenCounters: StreamTokens.Counters { tokens.withLock { $0.counters } }

    /// How often each refusal was given.
    var refusals: [Refusal: Int] { refused.withLock { $0 } }

    /// Where the outside world finds us, by the settings, else by the request: what a proxy on this machine was asked for,
    /// when that is a host, else what we were.
    func origin(_ request: WebRequest) -> PublicOrigin? {
        let plain = RequestOrigin(host: request.host, isSecure: request.isSecure)
        var forwarded = plain
        forwarded.forwardedHost = request.headers[.forwardedHost]
        forwarded.forwardedProtocol = request.headers[.forwardedProtocol]
        forwarded.comesFromProxy = isProxy(request.peer)
        return PublicOrigin.of(forwarded, configured: configured) ?? PublicOrigin.of(plain, configured: nil)
    }

    private func isProxy(_ address: String) -> Bool {
        address.isLoopback || proxies.contains { $0.contains(address) }
    }

    /// Whether a request came to us, or to a proxy of ours, over TLS.
    func isSecure(_ request: WebRequest) -> Bool { origin(request)?.isSecure ?? request.isSecure }

    /// The client's address: the connection's peer, or what proxies of ours say of theirs. Each adds the address that it
    /// sees at the end; those before may be anybody's invention.
    func address(of request: WebRequest) -> String {
        var address = request.peer
        var hops = request.headers[values: .forwardedFor].flatMap { $0.split(separator: ",") }.map(\.trimmed)
        while isProxy(address), let hop = hops.popLast(), AddressRange(hop) != nil, !hop.contains("/") { address = hop }
        return address
    }

    /// A form in the one encoding that we read; it need not name it, nor say that it is one: simple clients do not.
    private static func isForm(_ request: WebRequest) -> Bool {
        let parts = (request.headers[.contentType] ?? "").lowercased().split(separator: ";").map(\.trimmed)
        let charset = parts.dropFirst().first { $0.hasPrefix("charset=") }
        return (parts.first.map { $0 == "application/x-www-form-urlencoded" } ?? true)
            && (charset.map { ["charset=utf-8", "charset=\"utf-8\""].contains($0) } ?? true)
    }

    /// Checks a webhook. Nil: it may pass.
    func refusal(ofWebhook request: WebRequest) -> WebResponse? {
        guard request.body.isEmpty || Self.isForm(request) else {
            return .problem(.unsupportedMediaType, "a webhook brings a form (application/x-www-form-urlencoded, UTF-8)")
        }
        let form: FormFields
        do throws(FormError) {
            form = try FormFields(parsing: request.body)
        } catch {
            return .problem(.init(code: error.status), "the form cannot be read: \(error.rawValue)")
        }
        if let refusal = refusal(of: request, .form(form)) { return refusal }
        guard case .signed = trust, request.method == .post else { return nil }
        if let account = form["AccountSid"], !self.account.isEmpty, account != self.account {
            count(.account)
            return .problem(.forbidden, "the call is of another account")
        }
        return nil
    }

    /// Checks the upgrade to a media stream. Nil: it may pass.
    func refusal(ofUpgrade request: WebRequest) -> WebResponse? { refusal(of: request, .upgrade) }

    private func refusal(of request: WebRequest, _ content: SignedRequest.Content) -> WebResponse? {
        switch trust {
        case .everybody: return nil
        case .local:
            if request.isFromThisMachine { return nil }
            count(.notLocal)
            return .problem(.forbidden, "TWILIO_AUTH_TOKEN is not set: only this machine may open calls")
        case .signed(let validator):
            guard let origin = origin(request) else { return .problem(.badRequest, "the request names no host") }
            let signed = SignedRequest(
                origin: origin,
                target: request.target,
                content: content,
                signature: request.headers[.twilioSignature],
                settings: request.headers[.twilioSignatureSettings]
            )
            // Twilio signs for https whatever the proxy in front of us speaks to us.
            var secure = signed
            secure.origin.isSecure = true
            if validator.check(signed) == .valid || validator.check(secure) == .valid { return nil }
            count(.signature)
            return .problem(
                .forbidden,
                "the signature is missing or wrong; PUBLIC_URL must be the address that Twilio uses"
            )
        }
    }

    /// The token of a call, to travel with its stream.
    func token(call callSID: String?) -> TokenOutcome {
        guard case .signed = trust else { return .notNeeded }
        guard let callSID else { return .none }
        let token = tokens.withLock { try? $0.issue(call: callSID, now: UnixTime.milliseconds) }
        return token.map(TokenOutcome.token) ?? .none
    }

    /// Whether a stream that has begun may become a call: before anything is dialled.
    func admits(_ start: CarrierStart) -> Bool {
        guard case .signed = trust else { return true }
        let verdict = tokens.withLock {
            $0.redeem(start.parameters[Self.parameter], call: start.callID, now: UnixTime.milliseconds)
        }
        let isOurs = account.isEmpty || start.accountID == account
        if verdict == .valid, isOurs { return true }
        count(.token)
        return false
    }

    /// The name of the parameter that carries the token.
    static let parameter = "trunkline_token"

    private func count(_ refusal: Refusal) { refused.withLock { $0[refusal, default: 0] += 1 } }
}

extension String {
    fileprivate var isLoopback: Bool { hasPrefix("127.") || self == "::1" }
}

extension HTTPField.Name {
    /// The host that a proxy was asked for.
    static let forwardedHost = HTTPField.Name("X-Forwarded-Host")!
    /// `https` or `http`, as the proxy was asked.
    static let forwardedProtocol = HTTPField.Name("X-Forwarded-Proto")!
    /// The addresses of clients, as proxies saw them.
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    /// Twilio's signature.
    static let twilioSignature = HTTPField.Name("X-Twilio-Signature")!
    /// Which key and hash it was made with.
    static let twilioSignatureSettings = HTTPField.Name("X-Twilio-Webhooks-Signature-Settings")!
}
