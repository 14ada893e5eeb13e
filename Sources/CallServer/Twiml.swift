import HTTPTypes
import WebServer

/// The documents by which Twilio is told what to do with a call.
struct Twiml: Sendable {
    /// The document, with `{{WS_URL}}` for the stream's address.
    let template: String

    init(_ settings: WebSettings) { template = settings.twiml ?? Self.standard(settings.compatibility) }

    /// What each of the bridges says by default.
    static func standard(_ compatibility: Compatibility) -> String {
        let stream = #"<Connect><Stream url="{{WS_URL}}"/></Connect>"#
        let verbs =
            switch compatibility {
            case .bridge:
                "<Say>Please wait while we connect your call.</Say><Pause length=\"1\"/><Say>You can start talking.</Say>\(stream)"
            case .fastapi, .demo: "<Say>Connected</Say>\(stream)<Say>Disconnected</Say>"
            }
        return document(verbs)
    }

    /// Tells Twilio that no call is taken now.
    static let busy = document(#"<Reject reason="busy"/>"#)

    private static func document(_ verbs: String) -> String {
        #"<?xml version="1.0" encoding="UTF-8"?><Response>"# + verbs + "</Response>"
    }

    /// The document for a stream.
    func document(streamURL: String) -> String {
        template.replacing("{{WS_URL}}", with: Self.escaped(streamURL))
    }

    /// Text for an XML attribute or element (XML 1.0 section 2.4).
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&apos;"
            default: result.append(character)
            }
        }
        return result
    }
}

extension HTTPField.Name {
    /// The host that a proxy was asked for.
    static let forwardedHost = HTTPField.Name("X-Forwarded-Host")!
}
