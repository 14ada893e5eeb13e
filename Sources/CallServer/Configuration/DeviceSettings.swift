public import Trunk

/// Who may call without a telephone, and how audio becomes Opus for them.
public struct DeviceSettings: Sendable, Hashable {
    /// Which devices may call. This machine's always may, unless it is `off`.
    public enum Trust: String, Sendable, Hashable, CaseIterable {
        /// None.
        case off
        /// Those that an operator paired.
        case paired
        /// All that ask.
        case open
    }

    /// Which devices may call.
    public var trust = Trust.paired
    /// What Telnyx's streams must bring; empty: only this machine may.
    public var telnyxToken = ""
    /// What Asterisk's streams must bring; empty: only this machine may.
    public var asteriskToken = ""
    /// How audio becomes Opus, unless a device asks otherwise.
    public var opus = OpusEncoder()

    private static let tokenBytesMinimum = 16

    /// The defaults.
    public init() {}

    init(_ reader: inout SettingsReader) {
        trust = reader.choice("DEVICES", Trust.allCases.map { ($0.rawValue, $0) }) ?? trust
        telnyxToken = reader.secret("TELNYX_TOKEN", bytesMinimum: Self.tokenBytesMinimum) ?? ""
        asteriskToken = reader.secret("ASTERISK_TOKEN", bytesMinimum: Self.tokenBytesMinimum) ?? ""
        opus.bitrate = reader.number("OPUS_BITRATE", 6_000...128_000) ?? opus.bitrate
        opus.complexity = reader.number("OPUS_COMPLEXITY", 0...10) ?? opus.complexity
        opus.lossPercent = reader.number("OPUS_LOSS", 0...50) ?? opus.lossPercent
        opus.hasFEC = reader.flag("OPUS_FEC") ?? opus.hasFEC
        opus.hasDTX = reader.flag("OPUS_DTX") ?? opus.hasDTX
        if trust == .open {
            reader.notes.append("DEVICES=open: whoever reaches the port can open calls that you pay for")
        }
    }
}
