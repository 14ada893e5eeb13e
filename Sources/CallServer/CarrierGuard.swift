import CallBridge
import CallPolicy
import Crypto
import Glibc
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
    }

    private enum Trust {
        case signed(SignatureValidator)
        case local
        case everybody
    }

    private let trust: Trust
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
        configured = settings.publicOrigin
        account = access.twilioAccount
        // Nodes behind one number share the account's secret, and so accept each other's tokens.
        let secret = access.twilioTokens.first ?? access.twilioSharedKeys.sorted { $0.key < $1.key }.first?.value
        let key =
            secret.map { Array(SHA256.hash(data: Array("trunkline stream tokens:\($0)".utf8))) }
            ?? (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        tokens = Locked(StreamTokens(key: key))
    }

    /// How often each refusal was given.
    var refusals: [Refusal: Int] { refused.withLock { $0 } }

    /// Where the outside world finds us, by the settings, else by the request: what a proxy on this machine was asked for,
    /// when that is a host, else what we were.
    func origin(_ request: WebRequest) -> PublicOrigin? {
        let plain = RequestOrigin(host: request.host)
        var forwarded = plain
        forwarded.forwardedHost = request.headers[.forwardedHost]
        forwarded.forwardedProtocol = request.headers[.forwardedProtocol]
        forwarded.comesFromProxy = request.peer.isLoopback
        return PublicOrigin.of(forwarded, configured: configured) ?? PublicOrigin.of(plain, configured: nil)
    }

    /// Checks a webhook. Nil: it may pass.
    func refusal(ofWebhook request: WebRequest) -> WebResponse? {
        let content = (try? FormFields(parsing: request.body)).map(SignedRequest.Content.form)
        guard let content else { return .problem(.badRequest, "the form cannot be read") }
        return refusal(of: request, content)
    }

    /// Checks the upgrade to a media stream. Nil: it may pass.
    func refusal(ofUpgrade request: WebRequest) -> WebResponse? { refusal(of: request, .upgrade) }

    private func refusal(of request: WebRequest, _ content: SignedRequest.Content) -> WebResponse? {
        switch trust {
        case .everybody: return nil
        case .local:
            if request.isLocal { return nil }
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

    /// The token of a call, to travel with its stream; nil when none is asked for.
    func token(call callSID: String?) -> String? {
        guard case .signed = trust, let callSID else { return nil }
        return tokens.withLock { try? $0.issue(call: callSID, now: Self.now()) }
    }

    /// Whether a stream that has begun may become a call: before anything is dialled.
    func admits(_ start: CarrierStart) -> Bool {
        guard case .signed = trust else { return true }
        let verdict = tokens.withLock {
            $0.redeem(start.parameters[Self.parameter], call: start.callID, now: Self.now())
        }
        let isOurs = account.isEmpty || start.accountID == account
        if verdict == .valid, isOurs { return true }
        count(.token)
        return false
    }

    /// The name of the parameter that carries the token.
    static let parameter = "trunkline_token"

    private func count(_ refusal: Refusal) { refused.withLock { $0[refusal, default: 0] += 1 } }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

extension String {
    fileprivate var isLoopback: Bool { hasPrefix("127.") || self == "::1" }
}

extension HTTPField.Name {
    /// The host that a proxy was asked for.
    static let forwardedHost = HTTPField.Name("X-Forwarded-Host")!
    /// `https` or `http`, as the proxy was asked.
    static let forwardedProtocol = HTTPField.Name("X-Forwarded-Proto")!
    /// Twilio's signature.
    static let twilioSignature = HTTPField.Name("X-Twilio-Signature")!
    /// Which key and hash it was made with.
    static let twilioSignatureSettings = HTTPField.Name("X-Twilio-Webhooks-Signature-Settings")!
}
