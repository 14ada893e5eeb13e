import CallBridge
import CallPolicy
import Glibc
import RealtimeProtocol
public import Trunk
import WebServer

/// Looks at everything that a call needs: the key and the model, the address under which carriers find the server, the
/// carrier's account and its webhook, signatures, and the machine's limits.
public struct SetupChecks: Sendable {
    private let settings: Settings
    private let fetcher: (any HTTPFetching)?
    private let engine: CallEngine

    /// Checks for settings.
    ///
    /// - Parameters:
    ///   - settings: What the server is told.
    ///   - fetcher: Asks other servers; without one only what needs none is looked at.
    ///   - engine: Where sockets are opened.
    public init(_ settings: Settings, fetcher: (any HTTPFetching)?, engine: CallEngine) {
        self.settings = settings
        self.fetcher = fetcher
        self.engine = engine
    }

    /// Looks at all of it, a few seconds at most.
    public func run() async -> [SetupCheck] {
        async let model = model()
        async let page = publicPage()
        async let socket = publicSocket()
        async let signature = signature()
        async let account = account()
        return await [key, limits, model, page, socket, signature] + account
    }

    // MARK: - Here

    private var key: SetupCheck {
        let title = "Model key"
        if settings.usesParrot {
            return SetupCheck(
                "key",
                title,
                .warning,
                "OPENAI_API_KEY is not set: a built-in parrot answers",
                advice: "set OPENAI_API_KEY when the line is known to work"
            )
        }
        if settings.key.isEmpty {
            return SetupCheck("key", title, .warning, "no key is sent to OPENAI_REALTIME_URL")
        }
        return SetupCheck("key", title, .ok, "set (not shown)")
    }

    /// A call takes a descriptor for the phone and one for the model, two while it moves from one model to the next.
    private var limits: SetupCheck {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let has = Int(clamping: limit.rlim_cur)
        let wanted = settings.callsMax * 3 + settings.web.connectionsMax + settings.viewersMax + 100
        let detail = "\(has) descriptors, \(wanted) wanted for MAX_CONNECTIONS=\(settings.callsMax)"
        guard has < wanted else { return SetupCheck("limits", "Machine limits", .ok, detail) }
        return SetupCheck(
            "limits",
            "Machine limits",
            .warning,
            detail,
            advice: "raise LimitNOFILE, or `ulimit -n \(wanted)`"
        )
    }

    // MARK: - The model

    private func model() async -> SetupCheck {
        let title = "Model reachable"
        if settings.usesParrot { return SetupCheck("model", title, .skipped, "the built-in parrot needs no network") }
        let outcome: SocketProbe.Outcome
        let endpoint: ModelEndpoint
        do {
            endpoint = try settings.endpoint()
            outcome = try await SocketProbe.look(at: endpoint.dialTarget, waitsForText: true, on: engine)
        } catch {
            return SetupCheck("model", title, .failed, "cannot be dialled: \(error)", advice: "see OPENAI_REALTIME_URL")
        }
        switch outcome {
        case .silent:
            return SetupCheck("model", title, .failed, "\(endpoint.host) opens and says nothing")
        case .ended(let ending):
            return SetupCheck(
                "model",
                title,
                .failed,
                "\(endpoint.host): \(Redaction.clean(Self.words(ending)))",
                advice: Self.advice(ending)
            )
        case .opened(let text):
            let event = text.flatMap { try? JSONValue(parsing: $0) }
            if event?["type"] == "session.created" {
                return SetupCheck(
                    "model",
                    title,
                    .ok,
                    "\(settings.call.session.model) at \(endpoint.host) begins a session"
                )
            }
            let words = event?["error"]?["message"]?.stringValue ?? "an unexpected first event"
            let code = event?["error"]?["code"]?.stringValue ?? ""
            return SetupCheck("model", title, .failed, Redaction.clean(words), advice: Self.advice(code))
        }
    }

    private static func words(_ ending: LegEnding) -> String {
        switch ending.cause {
        case .refused: "answers with status \(ending.detail)"
        case .resolve: "the name has no address"
        case .connect: "nobody answers"
        case .tls: "no TLS: \(ending.reason)"
        case .timeout: "too late: \(ending.reason)"
        default: "closed with \(ending.code) \(ending.reason)"
        }
    }

    private static func advice(_ ending: LegEnding) -> String {
        switch (ending.cause, ending.detail) {
        case (.refused, 401), (.refused, 403): "the key is wrong, or may not use realtime models"
        case (.refused, 404): "the model or the path is wrong: see OPENAI_MODEL and OPENAI_REALTIME_URL"
        case (.resolve, _), (.connect, _): "see that this machine reaches the internet"
        case (.tls, _): "see the machine's clock and its ca-certificates, or OPENAI_CA_FILE"
        default: ""
        }
    }

    private static func advice(_ code: String) -> String {
        switch code {
        case "invalid_api_key": "OPENAI_API_KEY is not a valid key"
        case "invalid_model", "model_not_found", "missing_model": "OPENAI_MODEL cannot be used with this key"
        case "insufficient_quota", "billing_hard_limit_reached": "the account has no money left"
        default: ""
        }
    }

    // MARK: - The way from outside

    private static let noURL = "PUBLIC_URL is not set"

    private func ask(
        _ origin: PublicOrigin,
        _ method: String,
        _ path: String,
        _ body: String = "",
        _ headers: [OutboundRequest.Header] = []
    ) async
        -> Result<OutboundAnswer, OutboundFailure>?
    {
        guard let fetcher else { return nil }
        let server = OutboundServer(
            isSecure: origin.isSecure,
            host: origin.host,
            port: origin.port,
            mayBePrivate: true
        )
        var request = OutboundRequest(method: method, server: server, target: origin.prefix + path)
        request.headers = [.init("Accept-Encoding", "identity"), .init("User-Agent", "trunkline-setup")] + headers
        request.body = Array(body.utf8)
        request.timeoutMilliseconds = 5_000
        do throws(OutboundFailure) { return .success(try await fetcher.fetch(request)) } catch {
            return .failure(error)
        }
    }

    private func publicPage() async -> SetupCheck {
        let title = "Public address over HTTPS"
        guard let origin = settings.publicOrigin else {
            return SetupCheck(
                "public_https",
                title,
                .skipped,
                Self.noURL,
                advice: "set PUBLIC_URL to the address that Twilio uses"
            )
        }
        guard let answer = await ask(origin, "GET", "/public-url") else {
            return SetupCheck("public_https", title, .skipped, "this program asks no other servers")
        }
        switch answer {
        case .failure(let failure):
            return SetupCheck(
                "public_https",
                title,
                .failed,
                "\(settings.publicURL): \(failure.rawValue)",
                advice: "see that the tunnel or proxy runs and leads to port \(settings.port)"
            )
        case .success(let answer):
            let told = (try? JSONValue(parsing: answer.body))?["publicUrl"]?.stringValue
            guard answer.status == 200, told == settings.publicURL else {
                return SetupCheck(
                    "public_https",
                    title,
                    .failed,
                    "\(settings.publicURL)/public-url answers with status \(answer.status), and not as this server would",
                    advice: "the address leads somewhere else, or the server is not running"
                )
            }
            let isSecure = origin.isSecure
            return SetupCheck(
                "public_https",
                title,
                isSecure ? .ok : .warning,
                "\(settings.publicURL) leads here",
                advice: isSecure ? "" : "Twilio wants https"
            )
        }
    }

    private func publicSocket() async -> SetupCheck {
        let title = "Public address over WSS"
        guard let origin = settings.publicOrigin else { return SetupCheck("public_wss", title, .skipped, Self.noURL) }
        let target = DialTarget(
            host: origin.host,
            port: origin.port ?? (origin.isSecure ? 443 : 80),
            isSecure: origin.isSecure,
            target: origin.prefix + "/media-stream"
        )
        do {
            switch try await SocketProbe.look(at: target, waitsForText: false, on: engine) {
            case .opened, .silent:
                return SetupCheck("public_wss", title, .ok, "\(origin.streamURL(path: "/media-stream")) opens")
            case .ended(let ending) where ending.cause == .refused && ending.detail == 403:
                return SetupCheck("public_wss", title, .ok, "reaches this server, which wants Twilio's signature")
            case .ended(let ending):
                return SetupCheck(
                    "public_wss",
                    title,
                    .failed,
                    Redaction.clean(Self.words(ending)),
                    advice: "see that the proxy passes WebSocket upgrades on"
                )
            }
        } catch {
            return SetupCheck("public_wss", title, .failed, "cannot be dialled: \(error)")
        }
    }

    /// A webhook as Twilio would send it must pass, and one without a signature must not.
    private func signature() async -> SetupCheck {
        let title = "Signatures"
        guard let token = settings.access.twilioTokens.first else {
            let detail = "TWILIO_AUTH_TOKEN is not set"
            return settings.access.allowsUnsigned
                ? SetupCheck(
                    "signature",
                    title,
                    .warning,
                    "anybody may open calls: ALLOW_UNSIGNED=yes",
                    advice: "set TWILIO_AUTH_TOKEN"
                )
                : SetupCheck(
                    "signature",
                    title,
                    .failed,
                    detail,
                    advice: "set it: without it only this machine may open calls"
                )
        }
        guard let origin = settings.publicOrigin else { return SetupCheck("signature", title, .skipped, Self.noURL) }
        let path = CarrierEndpoints.statusPath
        let fields = FormFields([
            .init("CallSid", "CA00000000000000000000000000000000"), .init("CallStatus", "ringing"),
        ])
        let form = OutboundRequest.Header("Content-Type", "application/x-www-form-urlencoded")
        let signed = OutboundRequest.Header(
            "X-Twilio-Signature",
            TwilioSignature.sign(url: origin.pageURL(path: path), fields: fields, key: token)
        )
        guard let good = await ask(origin, "POST", path, fields.encoded, [form, signed]),
            let bad = await ask(origin, "POST", path, fields.encoded, [form])
        else { return SetupCheck("signature", title, .skipped, "this program asks no other servers") }
        guard case .success(let passed) = good, case .success(let refused) = bad else {
            return SetupCheck("signature", title, .failed, "the public address cannot be asked")
        }
        if passed.status == 204, refused.status == 403 {
            return SetupCheck("signature", title, .ok, "a signed webhook passes, one without a signature does not")
        }
        return SetupCheck(
            "signature",
            title,
            .failed,
            "a signed webhook got \(passed.status), one without a signature \(refused.status)",
            advice: "PUBLIC_URL must be the address that Twilio uses, and the running server must have the same token"
        )
    }

    // MARK: - The carrier

    private func account() async -> [SetupCheck] {
        let (title, hook) = ("Twilio account", "Twilio webhook")
        let account = settings.access.twilioAccount
        guard let fetcher, !account.isEmpty, let token = settings.access.twilioTokens.first else {
            let detail = "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set"
            return [SetupCheck("account", title, .skipped, detail), SetupCheck("webhook", hook, .skipped, detail)]
        }
        let rest = TwilioREST(
            account: account,
            token: token,
            apiKey: settings.carrier.apiKey,
            server: settings.carrier.server,
            fetcher: fetcher
        )
        do throws(TwilioRESTError) {
            let numbers = try await rest.numbers()
            let known = SetupCheck("account", title, .ok, "\(numbers.count) numbers")
            return [known, webhook(numbers, hook)]
        } catch {
            return [
                SetupCheck(
                    "account",
                    title,
                    .failed,
                    error.description,
                    advice: "see the account's id and token in Twilio's console"
                ),
                SetupCheck("webhook", hook, .skipped, "the account cannot be asked"),
            ]
        }
    }

    private func webhook(_ numbers: [TwilioNumber], _ title: String) -> SetupCheck {
        guard let origin = settings.publicOrigin else { return SetupCheck("webhook", title, .skipped, Self.noURL) }
        let ours = ["/incoming-call", "/twiml"].map { origin.pageURL(path: $0) }
        let led = numbers.filter { number in
            ours.contains { number.voiceURL == $0 || number.voiceURL.hasPrefix($0 + "?") }
        }
        if let first = led.first {
            return SetupCheck("webhook", title, .ok, "\(first.number) leads to \(first.voiceURL)")
        }
        return SetupCheck(
            "webhook",
            title,
            .failed,
            "none of the account's \(numbers.count) numbers leads here",
            advice: "set \"A call comes in\" of a number to \(ours[0]), by POST"
        )
    }
}
