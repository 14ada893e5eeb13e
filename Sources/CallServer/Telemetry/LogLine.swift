import CallBridge
import Glibc
public import Logging
import RealtimeProtocol

/// One line of a log, from what was said to its bytes.
public struct LogLine: Sendable {
    /// Bytes of a line; longer messages are cut.
    public static let bytesMaximum = 16 * 1024

    /// Milliseconds since 1970.
    public var milliseconds: Int64
    /// The level.
    public var level: Logger.Level
    /// The subsystem.
    public var label: String
    /// The sentence.
    public var message: String
    /// What belongs to it, such as the call's id; sorted by name.
    public var metadata: [(name: String, value: Logger.MetadataValue)]

    /// A line.
    public init(
        milliseconds: Int64,
        level: Logger.Level,
        label: String,
        message: String,
        metadata: Logger.Metadata = [:]
    ) {
        self.milliseconds = milliseconds
        self.level = level
        self.label = label
        self.message = message
        self.metadata = metadata.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// About how many bytes it will have.
    public var bytesAbout: Int {
        metadata.reduce(64 + message.utf8.count) { $0 + $1.name.utf8.count + Self.bytesAbout($1.value) }
    }

    private static func bytesAbout(_ value: Logger.MetadataValue) -> Int {
        switch value {
        case .string(let text): text.utf8.count + 2
        // Numbers and other short things; to know, it would have to be made.
        case .stringConvertible: 32
        case .array(let values): values.reduce(2) { $0 + bytesAbout($1) }
        case .dictionary(let values): values.reduce(2) { $0 + $1.key.utf8.count + bytesAbout($1.value) }
        }
    }

    /// The line with its line end. Keys of the model's server, and these secrets, do not get into it.
    public func bytes(_ format: LogSettings.Format, hiding secrets: [String] = []) -> [UInt8] {
        let text = format == .json ? json(secrets) : plain(secrets)
        return Array(text.utf8) + [UInt8(ascii: "\n")]
    }

    private func plain(_ secrets: [String]) -> String {
        let details = metadata.map { " \(clean($0.name, secrets))=\(clean("\($0.value)", secrets))" }.joined()
        return "\(Self.timestamp(milliseconds)) \(level.rawValue) \(label)\(details): \(clean(message, secrets))"
    }

    private func json(_ secrets: [String]) -> String {
        var object: JSONObject = [
            "time": .string(Self.timestamp(milliseconds)), "level": .string(level.rawValue), "label": .string(label),
            "message": .string(clean(message, secrets)),
        ]
        for (name, value) in metadata {
            // A name of ours that is taken gets another one: both are kept.
            object.append(object[name] == nil ? clean(name, secrets) : "\(name)_", json(value, secrets))
        }
        return JSONValue.object(object).text
    }

    private func json(_ value: Logger.MetadataValue, _ secrets: [String]) -> JSONValue {
        switch value {
        case .string(let text): .string(clean(text, secrets))
        case .stringConvertible(let value): .string(clean("\(value)", secrets))
        case .array(let values): .array(values.map { json($0, secrets) })
        case .dictionary(let values):
            .object(
                JSONObject(
                    values.sorted { $0.key < $1.key }.map {
                        .init(key: clean($0.key, secrets), value: json($0.value, secrets))
                    }
                )
            )
        }
    }

    private func clean(_ text: String, _ secrets: [String]) -> String {
        var result = text
        for secret in secrets where !secret.isEmpty && result.contains(secret) {
            result = result.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "[secret]")
        }
        // What is too long is cut after secrets were found: half a secret would not be.
        if result.utf8.count > Self.bytesMaximum / 4 {
            result = String(result.prefix(Self.bytesMaximum / 16)) + " [cut]"
        }
        return Redaction.clean(result)
    }

    /// RFC 3339, UTC, with milliseconds.
    public static func timestamp(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let fraction = String(1_000 + milliseconds % 1_000).dropFirst()
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) + ".\(fraction)Z"
    }
}
