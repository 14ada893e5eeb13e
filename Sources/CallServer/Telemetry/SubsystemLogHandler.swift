public import Logging

/// A handler that can write for a subsystem, with that one's level.
public protocol SubsystemLogHandler: LogHandler {
    /// The same handler under another label.
    func subsystem(_ label: String) -> any LogHandler
}

extension Logger {
    /// The logger of a subsystem; the same one when its handler knows of none.
    func subsystem(_ label: String) -> Logger {
        guard let own = handler as? any SubsystemLogHandler else { return self }
        return Logger(label: label) { own.subsystem($0) }
    }
}

extension LogSettings {
    /// Labels of our loggers: the program itself; calls and the model; requests; what is kept; webhooks and the carrier.
    public static let subsystems = ["trunkline", "bridge", "http", "records", "carrier"]
}
