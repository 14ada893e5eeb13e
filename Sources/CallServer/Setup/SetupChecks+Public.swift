import CallBridge
import RealtimeProtocol
import Trunk
import WebServer

extension SetupChecks {
    static let noURL = "PUBLIC_URL is not set"

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

    func publicPage() async -> SetupCheck {
        guard let origin = settings.publicOrigin else {
            return SetupCheck(
                .publicPage,
                .skipped,
                Self.noURL,
                advice: "set PUBLIC_URL to the address that Twilio uses"
            )
        }
        guard let answer = await ask(origin, "GET", "/public-url") else {
            return SetupCheck(.publicPage, .skipped, "this program asks no other servers")
        }
        switch answer {
        case .failure(let failure):
            return SetupCheck(
                .publicPage,
                .failed,
                "\(settings.publicURL): \(failure.rawValue)",
                advice: "see that the tunnel or proxy runs and leads to port \(settings.port)"
            )
        case .success(let answer):
            let told = (try? JSONValue(parsing: answer.body))?["publicUrl"]?.stringValue
            guard answer.status == 200, told == settings.publicURL else {
                return SetupCheck(
                    .publicPage,
                    .failed,
                    "\(settings.publicURL)/public-url answers with status \(answer.status), and not as this server would",
                    advice: "the address leads somewhere else, or the server is not running"
                )
            }
            let isSecure = origin.isSecure
            return SetupCheck(
                .publicPage,
                isSecure ? .ok : .warning,
                "\(settings.publicURL) leads here",
                advice: isSecure ? "" : "Twilio wants https"
            )
        }
    }

    func publicSocket() async -> SetupCheck {
        guard let origin = settings.publicOrigin else { return SetupCheck(.publicSocket, .skipped, Self.noURL) }
        let target = DialTarget(
            host: origin.host,
            port: origin.port ?? (origin.isSecure ? 443 : 80),
            isSecure: origin.isSecure,
            target: origin.prefix + "/media-stream"
        )
        do {
            switch try await SocketProbe.look(at: target, waitsForText: false, on: engine) {
            case .opened, .silent:
                return SetupCheck(.publicSocket, .ok, "\(origin.streamURL(path: "/media-stream")) opens")
            case .ended(let ending) where ending.cause == .refused && ending.detail == 403:
                return SetupCheck(.publicSocket, .ok, "reaches this server, which wants Twilio's signature")
            case .ended(let ending):
                return SetupCheck(
                    .publicSocket,
                    .failed,
                    Redaction.clean(Self.words(ending)),
                    advice: "see that the proxy passes WebSocket upgrades on"
                )
            }
        } catch {
            return SetupCheck(.publicSocket, .failed, "cannot be dialled: \(error)")
        }
    }

    /// A webhook as Twilio would send it must pass, and one without a signature must not.
    func signature() async -> SetupCheck {
        guard let token = settings.access.twilioTokens.first else {
            let detail = "TWILIO_AUTH_TOKEN is not set"
            if settings.access.allowsUnsigned {
                return SetupCheck(
                    .signature,
                    .warning,
                    "anybody may open calls: ALLOW_UNSIGNED=yes",
                    advice: "set TWILIO_AUTH_TOKEN"
                )
            }
            // Who has said nothing of Twilio may want devices or the browser alone: nothing is broken.
            if settings.publicOrigin == nil, settings.access.twilioAccount.isEmpty {
                return SetupCheck(.signature, .skipped, "\(detail): only this machine may open calls")
            }
            return SetupCheck(
                .signature,
                .failed,
                detail,
                advice: "set it: without it only this machine may open calls"
            )
        }
        guard let origin = settings.publicOrigin else { return SetupCheck(.signature, .skipped, Self.noURL) }
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
        else { return SetupCheck(.signature, .skipped, "this program asks no other servers") }
        guard case .success(let passed) = good, case .success(let refused) = bad else {
            return SetupCheck(.signature, .failed, "the public address cannot be asked")
        }
        if passed.status == 204, refused.status == 403 {
            return SetupCheck(.signature, .ok, "a signed webhook passes, one without a signature does not")
        }
        return SetupCheck(
            .signature,
            .failed,
            "a signed webhook got \(passed.status), one without a signature \(refused.status)",
            advice: "PUBLIC_URL must be the address that Twilio uses, and the running server must have the same token"
        )
    }
}
