import CallBridge
import CallPolicy
import RealtimeProtocol
import Trunk

/// Tells viewers what the models of all calls say. A viewer that does not read is dropped, never a call.
final class LogHub: CallWatcher {
    typealias Stats = Viewers.Stats

    /// What viewers have asked the next calls' sessions to be, and who was the last of them.
    struct SavedSession: Sendable {
        var session: SessionObject
        var who: String
        var at: Int64

        /// As `/configuration` tells it.
        var json: JSONValue {
            var told = session.json.objectValue ?? [:]
            if let tools = session.tools { told["tools"] = .array(tools.map(\.told)) }
            return ["session": .object(told), "by": .string(who), "at": .string(UnixTime.text(at))]
        }
    }

    private let state: Locked<(viewers: Viewers, saved: SavedSession?)>
    /// Hears whether anybody wants audio, when that changes.
    private let audioWanted: @Sendable (Bool) -> Void

    /// What must not be told, whoever says it.
    private let secrets: SecretWords

    init(
        viewersMax: Int,
        secrets: SecretWords = SecretWords(),
        audioWanted: @escaping @Sendable (Bool) -> Void = { _ in }
    ) {
        state = Locked((Viewers(max: viewersMax), nil))
        self.secrets = secrets
        self.audioWanted = audioWanted
    }

    var stats: Stats { state.withLock { $0.viewers.stats } }

    var savedSession: SavedSession? { state.withLock { $0.saved } }

    func save(_ session: SessionObject, by who: String) {
        state.withLock { state in
            let merged = state.saved?.session.merging(session) ?? session
            state.saved = SavedSession(session: merged, who: who, at: UnixTime.milliseconds)
        }
    }

    func forgetSession() { state.withLock { $0.saved = nil } }

    /// Lets one more in; false when there is no room.
    func enter(_ viewer: Viewer) -> Bool { change { $0.enter(viewer) } }

    func leave(_ viewer: Viewer) { change { $0.leave(viewer) } }

    private func change<Result>(_ body: (inout Viewers) -> Result) -> Result {
        let (result, before, after) = state.withLock { state in
            let before = state.viewers.all.contains { $0.wish.withAudio }
            let result = body(&state.viewers)
            return (result, before, state.viewers.all.contains { $0.wish.withAudio })
        }
        if before != after { audioWanted(after) }
        return result
    }

    // MARK: - What is told

    var isWatching: Bool { state.withLock { !$0.viewers.all.isEmpty } }

    func modelSaid(_ message: [UInt8], callSID: String) {
        tell(viewers(of: callSID), message, callSID)
    }

    func modelSpoke(_ message: [UInt8], callSID: String) {
        tell(viewers(of: callSID).filter(\.wish.withAudio), message, callSID)
    }

    private func tell(_ viewers: [Viewer], _ message: [UInt8], _ callSID: String) {
        if viewers.isEmpty { return }
        // A server may repeat our key in its words.
        if secrets.all.contains(where: { message.firstRange(of: $0.utf8) != nil }) { return }
        let marked = Self.mark(message, callSID)
        // Translated once, however many want it.
        let beta = viewers.contains { $0.wish.isBeta } ? Self.beta(marked) : marked
        for viewer in viewers { tell(viewer, viewer.wish.isBeta ? beta : marked) }
    }

    /// Tells whether a call's model is there, in the words that monitoring pages know.
    func note(_ record: CallRecord) {
        guard case .event(let event) = record.kind else { return }
        let status: (name: String, words: String)
        switch event {
        case .modelServing: status = ("openai_connected", "OpenAI connection established")
        case .modelLost(_, _, lost: true): status = ("openai_disconnected", "OpenAI connection lost, reconnecting...")
        default: return
        }
        let message: JSONValue = [
            "type": "connection_status", "status": .string(status.name), "message": .string(status.words),
            "call_sid": .string(record.callSID),
        ]
        for viewer in viewers(of: record.callSID) { tell(viewer, message.encode()) }
    }

    private func viewers(of callSID: String) -> [Viewer] {
        state.withLock { state in state.viewers.all.filter { $0.watches(callSID) } }
    }

    /// Tells one viewer something; it is let go when it does not read.
    func tell(_ viewer: Viewer, _ message: [UInt8]) {
        if viewer.tell(message) { return state.withLock { $0.viewers.told(viewer, fits: true) } }
        change { $0.told(viewer, fits: false) }
    }

    /// The event with the call's id in front; the rest stays as it came.
    static func mark(_ message: [UInt8], _ callSID: String) -> [UInt8] {
        guard let brace = message.firstIndex(of: UInt8(ascii: "{")) else { return message }
        let rest = message[(brace + 1)...]
        let isEmpty = rest.first { $0 > 0x20 } == UInt8(ascii: "}")
        return Array("{\"call_sid\":".utf8) + JSONValue.string(callSID).encode() + (isEmpty ? [] : [UInt8(ascii: ",")])
            + rest
    }

    /// The event by its older name, for pages that were written for it.
    private static func beta(_ message: [UInt8]) -> [UInt8] {
        guard let event = try? JSONValue(parsing: message) else { return message }
        return BetaTranslation.betaEvent(fromServer: event)?.encode() ?? message
    }
}
