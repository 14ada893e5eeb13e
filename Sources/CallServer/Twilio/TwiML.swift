public import WebServer

/// A document that tells Twilio what to do with a call.
public struct TwiML: Sendable, Hashable {
    /// One step.
    public enum Verb: Sendable, Hashable {
        /// Speak a text.
        case say(String, Speech = Speech())
        /// Wait.
        case pause(seconds: Int)
        /// Open a stream in both directions; what follows runs when it ended.
        case connect(Stream)
        /// Call somebody and put both through.
        case dial(number: String, timeoutSeconds: Int? = nil, callerID: String? = nil, action: String? = nil)
        /// End the call.
        case hangUp
    }

    /// How a text is spoken; the carrier's own choice where nil.
    public struct Speech: Sendable, Hashable {
        /// The voice.
        public var voice: String?
        /// The language, such as `en-US`.
        public var language: String?

        /// A way to speak.
        public init(voice: String? = nil, language: String? = nil) {
            self.voice = voice
            self.language = language
        }
    }

    /// A stream in both directions.
    public struct Stream: Sendable, Hashable {
        /// `wss` and no query: with one the stream fails.
        public var url: String
        /// What comes along in the start message, in order.
        public var parameters: [FormFields.Field]
        /// Where the carrier tells of its beginning and end.
        public var statusCallback: String?

        /// A stream.
        public init(url: String, parameters: [FormFields.Field] = [], statusCallback: String? = nil) {
            self.url = url
            self.parameters = parameters
            self.statusCallback = statusCallback
        }
    }

    /// The steps.
    public var verbs: [Verb]

    /// A document.
    public init(_ verbs: [Verb]) { self.verbs = verbs }

    /// A spoken refusal: the caller hears why, and the call ends.
    public static func refusal(_ text: String, speech: Speech = Speech()) -> TwiML {
        TwiML([.say(text, speech), .hangUp])
    }

    /// The document.
    public var text: String {
        #"<?xml version="1.0" encoding="UTF-8"?><Response>\#(verbs.map(Self.text).joined())</Response>"#
    }

    private static func text(_ verb: Verb) -> String {
        switch verb {
        case .say(let words, let speech):
            element("Say", [("voice", speech.voice), ("language", speech.language)], XMLText.escaped(words))
        case .pause(let seconds): element("Pause", [("length", String(seconds))])
        case .connect(let stream): element("Connect", [], self.stream(stream))
        case .dial(let number, let timeout, let callerID, let action):
            element(
                "Dial",
                [("timeout", timeout.map(String.init)), ("callerId", callerID), ("action", action)],
                element("Number", [], XMLText.escaped(number))
            )
        case .hangUp: element("Hangup", [])
        }
    }

    private static func stream(_ stream: Stream) -> String {
        element(
            "Stream",
            [("url", stream.url), ("statusCallback", stream.statusCallback)],
            parameters(stream.parameters)
        )
    }

    static func parameters(_ parameters: [FormFields.Field]) -> String {
        parameters.map { element("Parameter", [("name", $0.name), ("value", $0.value)]) }.joined()
    }

    private static func element(_ name: String, _ attributes: [(String, String?)], _ content: String = "") -> String {
        let start = attributes.reduce(into: "<\(name)") { start, attribute in
            guard let value = attribute.1 else { return }
            start += " \(attribute.0)=\"\(XMLText.escaped(value))\""
        }
        return content.isEmpty ? start + "/>" : "\(start)>\(content)</\(name)>"
    }
}
