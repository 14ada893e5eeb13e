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
    /// Who is here, and whether they may change sessions.
    private var viewers: [LegID: (viewer: Viewer, mayOperate: Bool)] = [:]

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
        let shape = seen.query["shape"]
        let viewer = Viewer(
            engine,
            leg,
            callSID: seen.query["call"],
            isBeta: shape.map { $0 == "beta" } ?? isBetaByDefault
        )
        guard hub.enter(viewer) else { return engine.refuse(leg, status: 503) }
        do throws(TrunkError) { try engine.accept(leg, handler: self) } catch { return hub.leave(viewer) }
        viewers[leg] = (viewer, guardian.refusal(of: seen, access: .operate) == nil)
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {}
    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        if let viewer = viewers.removeValue(forKey: leg)?.viewer { hub.leave(viewer) }
    }

    // MARK: - What viewers say

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        guard let (viewer, mayOperate) = viewers[leg] else { return }
        let parsed = message.withUnsafeBytes { try? JSONValue(parsing: $0) }
        guard isText, let json = parsed, let type = json["type"]?.stringValue else {
            return notice(viewer, "error", "a message is a JSON object with a type")
        }
        switch type {
        case "test": notice(viewer, "notice", "test received")
        case "session.update" where mayOperate: updateSession(json, viewer)
        default: notice(viewer, "error", "this message is not accepted here")
        }
    }

    private func notice(_ viewer: Viewer, _ type: String, _ words: String) {
        hub.tell(viewer, JSONValue.object(["type": .string(type), "message": .string(words)]).encode())
    }

    /// Keeps the session for the next calls, and changes the watched call, or the only one.
    private func updateSession(_ message: JSONValue, _ viewer: Viewer) {
        let current = BetaTranslation.gaMessage(fromClient: message)
        guard let json = current["session"], let session = try? SessionObject(json: json) else {
            return notice(viewer, "error", "this session.update cannot be read")
        }
        hub.save(session)
        notice(viewer, "notice", "session saved for the next calls")
        let live = directory.entries.filter { $0.endedAt == nil }.map(\.callSID)
        guard let callSID = viewer.callSID ?? (live.count == 1 ? live.first : nil) else { return }
        // A voice cannot change once it has spoken: the model would refuse the whole update.
        var now = session
        now.output?.voice = nil
        let directory = directory
        Task { _ = await directory.command(.updateSession(now), to: callSID) }
    }
}

extension WebRequest {
    /// An upgrade request, for whoever guards the other requests.
    init(_ upgrade: UpgradeRequest) {
        let lines = upgrade.head.split(separator: "\r\n", omittingEmptySubsequences: true)
        let first = lines.first?.split(separator: " ") ?? []
        var headers = HTTPFields()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else {
                continue
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append(HTTPField(name: name, value: String(value)))
        }
        self.init(
            method: .get,
            target: first.count > 1 ? String(first[1]) : "/",
            host: upgrade.header("host") ?? "",
            headers: headers,
            peer: upgrade.peer
        )
    }
}

/// Sends phones to the bridge and viewers to the logs. Lives on an engine.
final class PathAcceptor: LegAcceptor {
    static let mediaPaths = ["/media-stream", "/ws/call", "/call"]
    static let logPaths = ["/ws/logs", "/logs"]
    static let paths = mediaPaths + logPaths

    private let phones: any LegAcceptor
    private let carrier: CarrierGuard
    private let viewers: any LegAcceptor
    private let drain: DrainState

    init(phones: any LegAcceptor, carrier: CarrierGuard, viewers: any LegAcceptor, drain: DrainState) {
        self.phones = phones
        self.carrier = carrier
        self.viewers = viewers
        self.drain = drain
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        if request.pathIndex >= Self.mediaPaths.count { return viewers.requested(leg, request, on: engine) }
        if drain.isDraining { return engine.refuse(leg, status: 503) }
        if let refusal = carrier.refusal(ofUpgrade: WebRequest(request)) {
            return engine.refuse(leg, status: refusal.status.code)
        }
        phones.requested(leg, request, on: engine)
    }
}

/// Whether the server takes no new calls any more.
final class DrainState: Sendable {
    private let draining = Locked(false)

    var isDraining: Bool { draining.withLock { $0 } }

    func begin() { draining.withLock { $0 = true } }
}
