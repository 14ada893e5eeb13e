import CallPolicy
import Trunk

/// The settings in force, and the tools that follow from them; a reload replaces both for new calls.
final class LiveSettings: Sendable {
    private struct State {
        var settings: Settings
        var tools: ToolRegistry
    }

    private let state: Locked<State>

    init(_ settings: Settings, tools: ToolRegistry) {
        state = Locked(State(settings: settings, tools: tools))
    }

    var settings: Settings { state.withLock { $0.settings } }
    var tools: ToolRegistry { state.withLock { $0.tools } }
    var caps: CapSettings { state.withLock { $0.settings.caps } }

    func replace(_ settings: Settings, tools: ToolRegistry) {
        state.withLock { $0 = State(settings: settings, tools: tools) }
    }
}
