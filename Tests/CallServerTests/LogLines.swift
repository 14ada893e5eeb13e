import CallServer
import Logging
import Trunk

/// A logger that keeps what is said, for tests.
final class LogLines: Sendable {
    private struct Handler: SubsystemLogHandler {
        let label: String
        let keep: @Sendable (String) -> Void
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func subsystem(_ label: String) -> any LogHandler {
            Handler(label: label, keep: keep, logLevel: logLevel, metadata: metadata)
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            let words = all.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            keep("\(event.level) \(label) \(words) \(event.message)")
        }
    }

    private let kept = Locked<[String]>([])

    /// Level, label, metadata and words of each line.
    var lines: [String] { kept.withLock { $0 } }

    /// A logger of this label that writes here.
    func logger(_ label: String) -> Logger {
        Logger(label: label) { label in
            Handler(label: label) { line in self.kept.withLock { $0.append(line) } }
        }
    }

    var logger: Logger { logger("trunkline") }
}
