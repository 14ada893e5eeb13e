internal import CTrunk

/// One piece of what a call's two sides heard.
public struct TapRecord: Sendable, Hashable {
    /// What it is.
    public enum Kind: Int32, Sendable {
        /// The caller's audio.
        case caller = 1
        /// The agent's audio, at the time at which the phone plays it.
        case agent = 2
        /// Agent audio from this moment on that came before this record was never heard.
        case clear = 3
    }

    /// What it is.
    public var kind: Kind
    /// When its first sample is heard, in milliseconds since the carrier's stream began.
    public var milliseconds: Int

    /// A record, for tests and synthetic audio.
    public init(kind: Kind, milliseconds: Int) {
        self.kind = kind
        self.milliseconds = milliseconds
    }
}

/// A copy of what both sides of a call hear, for one reader on any thread.
///
/// The engine's loop writes into a ring of `EngineConfiguration.tapBytes` and never waits: a record that does not fit is
/// dropped and counted. Agent audio is sent ahead of real time, so a `clear` may take back what was read already. One
/// thread at a time may read. Letting the tap go detaches it.
public final class CallTap: @unchecked Sendable {
    // The core's ring is made for a reader on another thread; nothing here is changed after `init`.
    private let raw: OpaquePointer

    fileprivate init(_ raw: OpaquePointer) { self.raw = raw }

    deinit { trk_tap_release(raw) }

    /// Gives every record that waits to `body`, with its µ-law bytes (none for a `clear`), borrowed until it returns.
    public func drain(_ body: (TapRecord, RawSpan) throws -> Void) rethrows {
        try withUnsafeTemporaryAllocation(byteCount: Int(TRK_TAP_RECORD_MAX), alignment: 1) { buffer in
            guard let base = buffer.baseAddress else { return }
            var record = trk_tap_record()
            while trk_tap_read(raw, &record, base.assumingMemoryBound(to: UInt8.self)) {
                guard let kind = TapRecord.Kind(rawValue: record.kind.rawValue) else { continue }
                let bytes = UnsafeRawBufferPointer(start: base, count: Int(record.count))
                try body(TapRecord(kind: kind, milliseconds: Int(record.at_ms)), bytes.bytes)
            }
        }
    }

    /// Whether the call has ended. What waits can still be read; ask before the last `drain`.
    public var hasEnded: Bool { trk_tap_ended(raw) }

    /// Records that did not fit so far.
    public var dropped: Int { Int(clamping: trk_tap_dropped(raw)) }
}

extension CallEngine {
    /// Attaches a tap to a call, at any time; it hears what comes from now on. A call takes four at once.
    ///
    /// - Throws: `.staleCall` for a call that is gone, `.full` when it has four taps, `.outOfMemory`.
    public func tap(_ call: CallID) throws(TrunkError) -> CallTap {
        var tap: OpaquePointer?
        try check(trk_call_tap(raw, call.raw, &tap))
        guard let tap else { throw TrunkError(.outOfMemory) }
        return CallTap(tap)
    }
}
