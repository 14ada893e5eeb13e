import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// Takes dashboards on `/ws/live`. Lives on an engine.
final class LiveAcceptor: LegAcceptor, LegHandler {
    private let feed: LiveFeed
    private let ears: CallEars
    private let guardian: any RequestGuard
    private var viewers: [LegID: Viewer] = [:]

    init(_ feed: LiveFeed, _ ears: CallEars, _ guardian: any RequestGuard) {
        self.feed = feed
        self.ears = ears
        self.guardian = guardian
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        let seen = WebRequest(request)
        if let refusal = guardian.refusal(of: seen, access: .viewer) {
            return engine.refuse(leg, status: refusal.status.code)
        }
        let viewer = Viewer(engine, leg, Viewer.Wish(callSID: seen.query["call"]))
        guard feed.enter(viewer) else { return engine.refuse(leg, status: 503) }
        do throws(TrunkError) { try engine.accept(leg, handler: self) } catch { return feed.leave(viewer) }
        viewers[leg] = viewer
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        guard let viewer = viewers[leg] else { return }
        feed.welcome(viewer)
        if let callSID = viewer.wish.callSID { ears.attend(viewer, to: callSID, listens: false) }
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    /// Dashboards act by HTTP: what they say here is nothing to us.
    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        guard let viewer = viewers.removeValue(forKey: leg) else { return }
        ears.leave(viewer)
        feed.leave(viewer)
    }
}
