internal import CTrunk

/// What the core refused to do, and why.
public struct TrunkError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of refusal; the raw values are the core's.
    public enum Code: Int32, Sendable {
        /// An argument breaks the rules.
        case invalid = -1
        /// A named limit is reached; nothing was changed.
        case full = -2
        /// The leg or call is gone: ordinary when two sides end at once.
        case stale = -3
        /// The leg is closing, or the engine is stopping.
        case closing = -4
        /// The system gave no memory.
        case outOfMemory = -5
        /// A system call failed; `systemError` holds its errno.
        case system = -6
        /// OpenSSL refused a certificate, key or CA file.
        case tls = -7
        /// Not possible in this state.
        case unsupported = -8
    }

    /// The kind of refusal.
    public let code: Code
    /// The errno of a `system` error, else 0.
    public let systemError: Int32

    /// Makes an error.
    public init(_ code: Code, systemError: Int32 = 0) {
        self.code = code
        self.systemError = systemError
    }

    /// One line for a log.
    public var description: String {
        switch code {
        case .invalid: "invalid argument"
        case .full: "a limit is reached"
        case .stale: "the leg or call is gone"
        case .closing: "closing"
        case .outOfMemory: "out of memory"
        case .system: "system error \(systemError)"
        case .tls: "TLS: the certificate, key or CA file cannot be used"
        case .unsupported: "not possible in this state"
        }
    }
}

/// Throws unless the core said TRK_OK.
func check(_ status: trk_status, detail: Int32 = 0) throws(TrunkError) {
    if status == .TRK_OK { return }
    throw TrunkError(TrunkError.Code(rawValue: status.rawValue) ?? .invalid, systemError: -detail)
}
