import HTTPTypes
import Trunk
import WebServer

/// Takes those who want to hear a call, on `/ws/listen?call=`. Lives on an engine.
final class ListenAcceptor: LegAcceptor, LegHandler {
    static let path = "/ws/listen"
    private static let hello = Array(#"{"type":"hello","encoding":"mulaw","rate":8000}"#.utf8)

    private let ears: CallEars
    private let directory: CallDirectory
    private let guardian: any RequestGuard
    private let viewers: Locked<Viewers>
    private var listeners: [LegID: Viewer] = [:]

    init(_ ears: CallEars, _ directory: CallDirectory, _ guardian: any RequestGuard, _ viewers: Locked<Viewers>) {
        self.ears = ears
        self.directory = directory
        self.guardian = guardian
        self.viewers = viewers
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        let seen = WebRequest(request)
        if let refusal = guardian.refusal(of: seen, access: .viewer) {
            return engine.refuse(leg, status: refusal.status.code)
        }
        guard let callSID = seen.query["call"], directory.entry(callSID)?.seat != nil else {
            return engine.refuse(leg, status: 404)
        }
        let viewer = Viewer(engine, leg, Viewer.Wish(callSID: callSID))
        guard viewers.withLock({ $0.enter(viewer) }) else { return engine.refuse(leg, status: 503) }
        do throws(TrunkError) { try engine.accept(leg, handler: self) } catch {
            return viewers.withLock { $0.leave(viewer) }
        }
        listeners[leg] = viewer
        directory.act("listened", by: guardian.visitor(of: seen)?.name ?? "unknown", on: callSID)
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        guard let viewer = listeners[leg], let callSID = viewer.wish.callSID else { return }
        _ = viewer.tell(Self.hello)
        ears.attend(viewer, to: callSID, listens: true)
    }

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {}
    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        guard let viewer = listeners.removeValue(forKey: leg) else { return }
        ears.leave(viewer)
        viewers.withLock { $0.leave(viewer) }
    }
}
