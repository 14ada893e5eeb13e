/// Why a file of call records cannot be used, and what to do about it.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What was wrong.
    public let reason: String
    /// What to do.
    public let advice: String

    /// One line for a log.
    public var description: String { "call records in \(path): \(reason); \(advice)" }
}
