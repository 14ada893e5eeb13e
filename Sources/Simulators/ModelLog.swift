import Trunk

/// What a simulated model saw and did, for tests and reports; read it anywhere.
public final class ModelLog: Sendable {
    /// One thing that happened.
    public enum Entry: Sendable, Hashable {
        /// A connection asked for an upgrade.
        case connected(connection: Int, target: String, authorization: String?)
        /// A connection ended.
        case disconnected(connection: Int, code: Int)
        /// `session.update` was accepted.
        case configured(connection: Int)
        /// The caller began to speak; microseconds of the loop.
        case speechStarted(connection: Int, at: Int64)
        /// `response.create` was accepted.
        case responseRequested(connection: Int)
        /// A response ended.
        case responseEnded(connection: Int, status: String)
        /// Audio of an item is out, in all.
        case audioSent(connection: Int, itemID: String, milliseconds: Int)
        /// An item was truncated; `generated` is its length until then.
        case truncated(connection: Int, itemID: String, milliseconds: Int, generated: Int)
        /// A truncation was refused.
        case truncationRejected(connection: Int, itemID: String, milliseconds: Int, message: String)
        /// A function was called.
        case toolCalled(connection: Int, callID: String, name: String)
        /// A function call was answered.
        case toolAnswered(connection: Int, callID: String, output: String)
        /// A client created an item; its words.
        case itemCreated(connection: Int, text: String)
        /// An error event was sent.
        case failed(connection: Int, code: String, message: String)
        /// A whole client event, by type.
        case received(connection: Int, type: String)
    }

    private struct State {
        var entries: [Entry] = []
        var dropped = 0
        var numbers: [String: UInt16] = [:]
        var checks: [UInt16: PatternCheck] = [:]
        var streams: [Int: UInt16] = [:]
        var audio: [Int: [UInt8]] = [:]
        /// Bytes of a frame whose rest comes with the next append: appends need not end with a frame.
        var partial: [Int: [UInt8]] = [:]
        var early = 0
        var connections = 0
        var sentMilliseconds: [String: Int] = [:]
    }

    /// Entries that are kept; more are counted only.
    public static let capacity = 100_000
    private let state = Locked(State())

    /// An empty log.
    public init() {}

    /// All entries, oldest first.
    public var entries: [Entry] { state.withLock { $0.entries } }

    /// Frames of callers, checked, by their stream number.
    public var checks: [UInt16: PatternCheck] { state.withLock { $0.checks } }

    /// Entries that were not kept.
    public var dropped: Int { state.withLock { $0.dropped } }

    /// The pattern item number of each item.
    public var itemNumbers: [String: UInt16] { state.withLock { $0.numbers } }

    /// Audio of each item that was sent, milliseconds.
    public var sentMilliseconds: [String: Int] { state.withLock { $0.sentMilliseconds } }

    /// Bytes of audio that came before the session was configured; they would have been noise.
    public var earlyBytes: Int { state.withLock { $0.early } }

    /// What a connection heard, when the script records it.
    public func audio(of connection: Int) -> [UInt8] { state.withLock { $0.audio[connection] ?? [] } }

    /// The number of a new connection, from 1; goes on when a model is stopped and started again.
    func nextConnection() -> Int {
        state.withLock { state in
            state.connections += 1
            return state.connections
        }
    }

    /// How many connections there were.
    public var connections: Int { state.withLock { $0.connections } }

    func note(_ entry: Entry) {
        state.withLock { state in
            if case .disconnected(let connection, _) = entry { state.partial[connection] = nil }
            if case .audioSent(_, let itemID, let milliseconds) = entry {
                if state.sentMilliseconds.count < Self.capacity { state.sentMilliseconds[itemID] = milliseconds }
                return
            }
            if state.entries.count < Self.capacity {
                state.entries.append(entry)
            } else {
                state.dropped += 1
            }
        }
    }

    /// Numbers a pattern item, and tells the stream of its caller.
    func numberItem(_ id: String, connection: Int) -> (item: UInt16, stream: UInt16) {
        state.withLock { state in
            let number = UInt16(truncatingIfNeeded: state.numbers.count + 1)
            state.numbers[id] = number
            return (number, state.streams[connection] ?? 0)
        }
    }

    func heard(_ audio: [UInt8], connection: Int, isConfigured: Bool, keeps: Bool) {
        state.withLock { state in
            if !isConfigured { state.early += audio.count }
            if keeps { state.audio[connection, default: []].append(contentsOf: audio) }
            let bytes = state.partial[connection, default: []] + audio
            let whole = bytes.count / PatternFrame.byteCount * PatternFrame.byteCount
            state.partial[connection] = Array(bytes[whole...])
            for start in stride(from: 0, to: whole, by: PatternFrame.byteCount) {
                let frame = PatternFrame(bytes[start..<start + PatternFrame.byteCount])
                guard let stream = frame?.stream ?? state.streams[connection] else { continue }
                state.streams[connection] = stream
                state.checks[stream, default: PatternCheck()].take(frame, stream: stream)
            }
        }
    }
}
