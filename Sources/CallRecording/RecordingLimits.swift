/// The bounds of a recorder.
public struct RecordingLimits: Sendable {
    /// Calls recorded at once.
    public var recordings = 10_000
    /// How often the taps are read, milliseconds. A tap's ring holds a few seconds.
    public var pollMilliseconds = 100
    /// Audio of one call in memory, milliseconds; 16 bytes each.
    public var windowMilliseconds = 2_000
    /// Audio that is written at once, milliseconds.
    public var writeMilliseconds = 500
    /// How long the newest audio stays in memory, where it costs no read to change: agent audio is sent ahead and may
    /// be cleared. Milliseconds.
    public var settleMilliseconds = 1_000
    /// How old a header may be: what a killed process has written beyond it is not played. Milliseconds of audio.
    public var headerMilliseconds = 2_000
    /// Where a recording ends even if its call goes on, milliseconds. A WAV file holds 74 hours of this audio at most.
    public var lengthMilliseconds = 12 * 3_600 * 1_000
    /// Names that are tried when a call's file exists.
    public var names = 100

    /// The defaults.
    public init() {}
}
