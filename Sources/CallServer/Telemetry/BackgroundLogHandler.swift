import CallBridge
import Glibc
public import Logging

/// Log lines by way of a `LogWriter`, with a level for each subsystem.
public struct BackgroundLogHandler: SubsystemLogHandler {
    private let label: String
    private let settings: LogSettings
    private let writer: LogWriter
    private let secrets: SecretWords
    /// The least level that is written.
    public var logLevel: Logger.Level
    /// What belongs to every line.
    public var metadata: Logger.Metadata = [:]
    /// What belongs to every line by where it is written.
    public var metadataProvider: Logger.MetadataProvider?

    /// A handler for a subsystem.
    ///
    /// - Parameters:
    ///   - label: The subsystem.
    ///   - settings: Format and levels.
    ///   - writer: Where the lines go.
    ///   - secrets: What must not get into a line.
    public init(label: String, settings: LogSettings, writer: LogWriter, secrets: SecretWords = SecretWords()) {
        self.label = label
        self.writer = writer
        self.secrets = secrets
        self.settings = settings
        logLevel = settings.level(of: label)
    }

    /// A handler for another subsystem, with its level.
    public func subsystem(_ label: String) -> any LogHandler {
        var handler = BackgroundLogHandler(label: label, settings: settings, writer: writer, secrets: secrets)
        handler.metadata = metadata
        handler.metadataProvider = metadataProvider
        return handler
    }

    /// Part of what belongs to every line.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line.
    public func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, later in later } }
        if let given = event.metadata { all.merge(given) { _, later in later } }
        if let error = event.error { all["error"] = "\(error)" }
        let line = LogLine(
            milliseconds: UnixTime.milliseconds,
            level: event.level,
            label: label,
            message: "\(event.message)",
            metadata: all
        )
        let (format, secrets) = (settings.format, secrets)
        writer.write(bytes: line.bytesAbout) { line.bytes(format, hiding: secrets.all) }
    }
}
