/// Tools that come with the server, and whom it asks before a call.
public struct ToolSettings: Sendable, Hashable {
    /// Where the weather is asked for; nil leaves the tool out.
    public var weather: OutboundServer? = WeatherTool.server
    /// Whether the agent may press keys.
    public var offersKeys = false
    /// Who is asked how a call is to be led; nil is nobody.
    public var preCall: OutboundURL?
    /// The key by which that question is signed; empty is not at all.
    public var preCallSecret = ""
    /// How long the answer may take, in milliseconds.
    public var preCallMilliseconds = 1_000

    /// The defaults.
    public init() {}

    init(_ reader: inout SettingsReader) {
        if reader.text("WEATHER_URL")?.lowercased() == "none" {
            weather = nil
        } else if let url = reader.url("WEATHER_URL") {
            weather = url.server
        }
        offersKeys = reader.flag("OFFER_KEYS") ?? offersKeys
        preCall = reader.url("PRE_CALL_URL")
        preCallSecret = reader.secret("PRE_CALL_SECRET") ?? ""
        preCallMilliseconds = reader.number("PRE_CALL_MS", 100...1_000) ?? preCallMilliseconds
    }
}
