/// The time of day, as the bridge sees it. The machine itself has no clock.
public struct WallClock: Sendable, Hashable {
    /// Seconds since 1970, UTC.
    public var secondsSince1970: Int64
    /// What the caller's local time is ahead of UTC, in seconds.
    public var offsetSeconds: Int
    /// The name of the time zone, such as `Europe/Berlin`.
    public var zoneName: String

    /// A time.
    public init(secondsSince1970: Int64, offsetSeconds: Int = 0, zoneName: String = "UTC") {
        self.secondsSince1970 = secondsSince1970
        self.offsetSeconds = offsetSeconds
        self.zoneName = zoneName
    }
}

/// What a tool's handler may know of the call it runs for.
public struct ToolContext: Sendable {
    /// The model's id of the call.
    public var callID: String
    /// The telephone call; nil before the carrier's stream began.
    public var carrier: CarrierStart?
    /// The time at which the tool was started.
    public var wallClock: WallClock

    /// A context.
    public init(callID: String, carrier: CarrierStart?, wallClock: WallClock) {
        self.callID = callID
        self.carrier = carrier
        self.wallClock = wallClock
    }
}
