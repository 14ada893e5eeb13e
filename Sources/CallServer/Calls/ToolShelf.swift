import CallPolicy
import RealtimeProtocol

/// Brings together what the model of a call can ask for: tools of the program, of the settings, and of the file.
struct ToolShelf: Sendable {
    /// Tools that the program registered.
    let base: ToolRegistry
    /// Asks other servers; nil when the program cannot.
    let runner: HTTPToolRunner?
    /// Gives calls away; nil without an account of the carrier's.
    let transfer: CallTransfer?
    /// Presses keys.
    let keys: KeyTool

    /// The tools for these settings.
    func tools(_ settings: Settings) -> ToolRegistry {
        var registry = base
        if let runner {
            if let server = settings.tools.weather {
                WeatherTool.register(in: &registry, runner: runner, server: server)
            }
            runner.register(settings.httpTools, in: &registry)
        }
        if settings.tools.offersKeys { keys.register(in: &registry) }
        transfer?.register(in: &registry, settings.carrier.transfers)
        return registry
    }
}
