import CallPolicy
import RealtimeProtocol
import Trunk

/// The settings in force, the tools that follow from them, and what an operator changed of them; for new calls.
final class LiveSettings: Sendable {
    /// What an operator changed, and whether it outlives the server.
    struct Saved: Sendable {
        /// Nil: what was kept cannot be read any more.
        var overrides: SessionOverrides?
        var at: Int64
        var who: String
        var isInDatabase = false
        /// Why new calls are led without it; nil when they are led with it.
        fileprivate(set) var problem: String?

        init(overrides: SessionOverrides?, at: Int64, who: String, isInDatabase: Bool = false) {
            self.overrides = overrides
            self.at = at
            self.who = who
            self.isInDatabase = isInDatabase
        }
    }

    private struct State {
        var settings: Settings
        var tools: ToolRegistry
        var saved: Saved?
        /// The settings' calls with what was changed.
        var call: CallConfiguration

        mutating func apply() {
            call = settings.call
            guard let saved else { return }
            guard let overrides = saved.overrides else {
                self.saved?.problem = "it cannot be read any more"
                return
            }
            do throws(SessionOverrides.Failure) {
                call = try overrides.applied(to: settings.call)
                self.saved?.problem = nil
            } catch {
                // What does not go together with new settings waits until it does again.
                self.saved?.problem = error.problems.joined(separator: "; ")
            }
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
            guard let saved = state.saved, saved.problem == nil, let names = saved.overrides?.tools else {
                return state.tools
            }
            return state.tools.only(names)
        }
    }

    /// What a log says when an operator's changes are not in use; nil when they are, or there are none.
    var overrideProblem: String? {
        guard let saved, let problem = saved.problem else { return nil }
        return "what \(saved.who) saved on /configuration is not in use: \(problem)"
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
