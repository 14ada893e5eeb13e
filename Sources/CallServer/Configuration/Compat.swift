/// Which server's ways to follow where they differ.
public enum Compat: String, Sendable, Hashable, CaseIterable {
    /// Our own.
    case trunkline
    /// The bridge on Twilio's sample: one page of Python.
    case bridge
    /// The bridge with FastAPI, a health page and a log socket.
    case fastapi
    /// OpenAI's demo with its web page.
    case demo

    /// The port when none is given.
    public var port: Int {
        switch self {
        case .trunkline, .bridge: 5050
        case .fastapi, .demo: 8081
        }
    }

    /// The voice when none is given.
    public var voice: String {
        switch self {
        case .trunkline: "marin"
        case .bridge: "alloy"
        case .fastapi, .demo: "ash"
        }
    }

    /// What is said around the stream when nothing else is given.
    public var texts: SpokenTexts {
        switch self {
        case .trunkline: SpokenTexts()
        case .bridge:
            SpokenTexts(before: ["Please wait while we connect your call to the assistant.", "You can start talking."])
        case .fastapi, .demo: SpokenTexts(before: ["Connected"], after: "Disconnected")
        }
    }
}
