/// What the carrier's own voice says around the stream.
public struct SpokenTexts: Sendable, Hashable {
    /// Before the stream, one after the other with a second between them.
    public var before: [String]
    /// After the stream, when the server ended it.
    public var after: String?
    /// To a caller who is not taken, whatever the reason.
    public var refusal: String
    /// In which voice and language the carrier says them.
    public var speech = TwiML.Speech()

    /// Texts.
    public init(
        before: [String] = [],
        after: String? = nil,
        refusal: String = "We cannot take your call at the moment. Please try again later."
    ) {
        self.before = before
        self.after = after
        self.refusal = refusal
    }

    /// The document that connects a call.
    public func document(_ stream: TwiML.Stream) -> TwiML {
        var verbs: [TwiML.Verb] = []
        for text in before {
            if !verbs.isEmpty { verbs.append(.pause(seconds: 1)) }
            verbs.append(.say(text, speech))
        }
        verbs.append(.connect(stream))
        if let after { verbs.append(.say(after, speech)) }
        return TwiML(verbs)
    }

    /// What a caller hears who is not taken.
    public var refusing: TwiML.Verb { .say(refusal, speech) }
}
