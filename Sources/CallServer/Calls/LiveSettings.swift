import CallPolicy
import RealtimeProtocol
import Trunk

/// The settings in force, the tools that follow from them, and what an operator changed of them; for new calls.
final class LiveSettings: Sendable {
    /// What an operator changed, and whether it outlives the server.
    struct Saved: Sendable {
        var overrides: SessionOverrides
        var at: Int64
        var who: String
        var isInDatabase = false
    }

    private struct State {
        var settings: Settings
        var tools: ToolRegistry
        var saved: Saved?
        /// The settings' calls with what was changed.
        var call: CallConfiguration

        mutating func apply() {
            call = settings.call
            // What does not go together with new settings waits until it does again.
            if let saved, let changed = try? saved.overrides.applied(to: settings.call) { call = changed }
        }
    }

    private let state: Locked<State>

    init(_ settings: Settings, tools: ToolRegistry) {
        state = Locked(State(settings: settings, tools: tools, saved: nil, call: settings.call))
    }

    var settings: Settings { state.withLock { $0.settings } }
    /// All tools there are.
    var tools: ToolRegistry { state.withLock { $0.tools } }
    var caps: CapSettings { state.withLock { $0.settings.caps } }
    /// How calls are led, before routing.
    var call: CallConfiguration { state.withLock { $0.call } }
    var saved: Saved? { state.withLock { $0.saved } }

    /// Tools that are offered, before routing.
    var offeredTools: ToolRegistry {
        state.withLock { state in
            guard let names = state.saved?.overrides.tools else { return state.tools }
            return state.tools.only(names)
        }
    }

    func replace(_ settings: Settings, tools: ToolRegistry) {
        state.withLock { state in
            state.settings = settings
            state.tools = tools
            state.apply()
        }
    }

    func override(_ saved: Saved?) {
        state.withLock { state in
            state.saved = saved
            state.apply()
        }
    }
}
