import CallBridge
import CallPolicy
import RealtimeProtocol
import Trunk

extension SetupChecks {
    func model() async -> SetupCheck {
        if settings.usesParrot { return SetupCheck(.model, .skipped, "the built-in parrot needs no network") }
        let outcome: SocketProbe.Outcome
        let endpoint: ModelEndpoint
        do {
            endpoint = try settings.endpoint()
            outcome = try await SocketProbe.look(at: endpoint.dialTarget, waitsForText: true, on: engine)
        } catch {
            return SetupCheck(.model, .failed, "cannot be dialled: \(error)", advice: "see OPENAI_REALTIME_URL")
        }
        switch outcome {
        case .silent:
            return SetupCheck(.model, .failed, "\(endpoint.host) opens and says nothing")
        case .ended(let ending):
            return SetupCheck(
                .model,
                .failed,
                "\(endpoint.host): \(Redaction.clean(Self.words(ending)))",
                advice: Self.advice(ending)
            )
        case .opened(let text):
            let event = text.flatMap { try? JSONValue(parsing: $0) }
            if event?["type"] == "session.created" {
                return SetupCheck(
                    .model,
                    .ok,
                    "\(settings.call.session.model) at \(endpoint.host) begins a session"
                )
            }
            let words = event?["error"]?["message"]?.stringValue ?? "an unexpected first event"
            let code = event?["error"]?["code"]?.stringValue ?? ""
            return SetupCheck(.model, .failed, Redaction.clean(words), advice: Self.advice(code))
        }
    }

    static func words(_ ending: LegEnding) -> String {
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
}
