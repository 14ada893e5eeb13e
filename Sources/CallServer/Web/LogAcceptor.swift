import CallPolicy
import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// Takes viewers on the log paths, and what they say. Lives on an engine.
final class LogAcceptor: LegAcceptor, LegHandler {
    private let hub: LogHub
    private let directory: CallDirectory
    private let guardian: any RequestGuard
    private let isBetaByDefault: Bool
    /// Who is here.
    private var viewers: [LegID: (viewer: Viewer, visitor: Visitor)] = [:]

    init(_ hub: LogHub, _ directory: CallDirectory, _ guardian: any RequestGuard, isBetaByDefault: Bool) {
        self.hub = hub
        self.directory = directory
        self.guardian = guardian
        self.isBetaByDefault = isBetaByDefault
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        let seen = WebRequest(request)
        if let refusal = guardian.refusal(of: seen, access: .viewer) {
            return engine.refuse(leg, status: refusal.status.code)
        }
        var wish = Viewer.Wish(callSID: seen.query["call"])
        wish.isBeta = seen.query["shape"].map { $0 == "beta" } ?? isBetaByDefault
        wish.withAudio = ["1", "yes", "true"].contains(seen.query["audio"])
        let viewer = Viewer(engine, leg, wish)
        guard hub.enter(viewer) else { return engine.refuse(leg, status: 503) }
        do throws(TrunkError) { try engine.accept(leg, handler: self) } catch { return hub.leave(viewer) }
        viewers[leg] = (viewer, guardian.visitor(of: seen) ?? Visitor("unknown", .viewer))
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {}
    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        if let viewer = viewers.removeValue(forKey: leg)?.viewer { hub.leave(viewer) }
    }

    // MARK: - What viewers say

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        guard let (viewer, visitor) = viewers[leg] else { return }
        let parsed = message.withUnsafeBytes { try? JSONValue(parsing: $0) }
        guard isText, let json = parsed, let type = json["type"]?.stringValue else {
            return notice(viewer, "error", "a message is a JSON object with a type")
        }
        let mayOperate = visitor.may(.operate)
        switch type {
        case "test": notice(viewer, "notice", "test received")
        case "session.update" where mayOperate: updateSession(json, viewer, visitor)
        case "conversation.item.create" where mayOperate: answerTool(json, viewer, visitor)
        case "response.create" where mayOperate:
            notice(viewer, "notice", "the server asks for responses itself, when all function calls are answered")
        case "session.update", "conversation.item.create", "response.create":
            notice(viewer, "error", "\(visitor.name) may look, but not act")
        default: notice(viewer, "error", "this message is not accepted here")
        }
    }

    private func notice(_ viewer: Viewer, _ type: String, _ words: String) {
        hub.tell(viewer, JSONValue.object(["type": .string(type), "message": .string(words)]).encode())
    }

    /// The watched call, or the only one.
    private func call(of viewer: Viewer) -> String? {
        if let callSID = viewer.wish.callSID { return callSID }
        let live = directory.liveIDs
        return live.count == 1 ? live[0] : nil
    }

    private func give(_ command: CallCommand, to callSID: String, _ what: String, _ visitor: Visitor) {
        directory.act(what, by: visitor.name, on: callSID)
        let directory = directory
        Task { _ = await directory.command(command, to: callSID) }
    }

    /// Keeps the session for the next calls, and changes the watched call, or the only one.
    private func updateSession(_ message: JSONValue, _ viewer: Viewer, _ visitor: Visitor) {
        let update: SessionUpdate
        do throws(SessionUpdate.Failure) {
            update = try SessionUpdate(message["session"] ?? .null)
        } catch {
            let problems = error.problems.joined(separator: "; ")
            return notice(viewer, "error", "this session.update is not taken: \(problems)")
        }
        hub.save(update.session, by: visitor.name)
        notice(viewer, "notice", "session saved for the next calls")
        guard let callSID = call(of: viewer) else { return }
        if update.hasVoice {
            notice(viewer, "notice", "the voice of a call in progress stays: it cannot change")
        }
        give(.updateSession(update.forCallInProgress), to: callSID, "changed the session", visitor)
    }

    /// A person answers a function call, as in OpenAI's demo.
    private func answerTool(_ message: JSONValue, _ viewer: Viewer, _ visitor: Visitor) {
        guard let item = message["item"], item["type"] == "function_call_output",
            let id = item["call_id"]?.stringValue, let output = item["output"].map({ $0.stringValue ?? $0.text })
        else { return notice(viewer, "error", "only a function_call_output with call_id and output is taken here") }
        let callSID =
            call(of: viewer)
            ?? directory.entries.first { entry in entry.seat != nil && entry.runs.contains { $0.id == id } }?.callSID
        guard let callSID else { return notice(viewer, "error", "no call in progress knows this call_id") }
        give(.answerTool(callID: id, output: output), to: callSID, "answered a function call", visitor)
    }
}
