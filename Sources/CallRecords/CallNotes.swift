/// What is known about a call beside what its policy records. Nil leaves what is there.
public struct CallLabels: Sendable, Hashable {
    /// `inbound` or `outbound`.
    public var direction: String?
    /// The caller's number.
    public var caller: String?
    /// The number that was called.
    public var called: String?
    /// The model.
    public var model: String?
    /// Its voice.
    public var voice: String?
    /// The routing rule by which the call is led.
    public var rule: String?

    /// Labels.
    public init(
        direction: String? = nil,
        caller: String? = nil,
        called: String? = nil,
        model: String? = nil,
        voice: String? = nil,
        rule: String? = nil
    ) {
        self.direction = direction
        self.caller = caller
        self.called = called
        self.model = model
        self.voice = voice
        self.rule = rule
    }
}

/// Something that a person beside a call did to it.
public struct OperatorAction: Sendable, Hashable {
    /// The call; may be empty for what concerns none.
    public var callSID: String
    /// Who did it.
    public var who: String
    /// What it was, such as `hangup`, `say` or `mute`.
    public var what: String
    /// More about it.
    public var detail: String
    /// Words that the operator put into the conversation: they become a turn.
    public var said: String?

    /// An action.
    public init(callSID: String, who: String, what: String, detail: String = "", said: String? = nil) {
        self.callSID = callSID
        self.who = who
        self.what = what
        self.detail = detail
        self.said = said
    }
}

/// A finished recording of a call.
public struct RecordingNote: Sendable, Hashable {
    /// The call.
    public var callSID: String
    /// The file's name, without its folder.
    public var file: String
    /// The file's size.
    public var bytes: Int
    /// How long it plays, milliseconds.
    public var milliseconds: Int
    /// Pieces of audio that it lacks; their moments are silent.
    public var dropped: Int
    /// Reads and writes of the file that failed; their moments are silent.
    public var diskErrors: Int

    /// A recording.
    public init(
        callSID: String,
        file: String,
        bytes: Int,
        milliseconds: Int,
        dropped: Int = 0,
        diskErrors: Int = 0
    ) {
        self.callSID = callSID
        self.file = file
        self.bytes = bytes
        self.milliseconds = milliseconds
        self.dropped = dropped
        self.diskErrors = diskErrors
    }
}
