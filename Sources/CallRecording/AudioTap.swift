public import Trunk

/// Where a recorder gets both sides of a call from: a call's tap, or synthetic audio in tests.
public protocol AudioTap: AnyObject, Sendable {
    /// Gives every record that waits to `body`, with its µ-law bytes, borrowed until it returns. One thread at a time.
    func drain(_ body: (TapRecord, RawSpan) throws -> Void) rethrows
    /// Whether the call has ended; what waits can still be read.
    var hasEnded: Bool { get }
    /// Records that were lost on the way.
    var dropped: Int { get }
}

extension CallTap: AudioTap {}
