import CallBridge
import HTTPTypes
import Trunk
import WebServer

/// Sends phones to the bridge, and those who watch to where they watch. Lives on an engine.
final class PathAcceptor: LegAcceptor {
    static let mediaPaths = ["/media-stream", "/ws/call", "/call"]
    static let logPaths = ["/ws/logs", "/logs"]
    static let livePath = "/ws/live"
    static let paths = mediaPaths + logPaths + [livePath, ListenAcceptor.path] + DeviceAcceptor.paths

    private let phones: any LegAcceptor
    private let devices: any LegAcceptor
    private let viewers: any LegAcceptor
    private let dashboards: any LegAcceptor
    private let listeners: any LegAcceptor
    private let carrier: CarrierGuard
    private let caps: Locked<CallCaps>
    private let drain: DrainState

    init(
        phones: any LegAcceptor,
        devices: any LegAcceptor,
        viewers: any LegAcceptor,
        dashboards: any LegAcceptor,
        listeners: any LegAcceptor,
        carrier: CarrierGuard,
        caps: Locked<CallCaps>,
        drain: DrainState
    ) {
        self.phones = phones
        self.devices = devices
        self.viewers = viewers
        self.dashboards = dashboards
        self.listeners = listeners
        self.carrier = carrier
        self.caps = caps
        self.drain = drain
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        let path = Self.paths[request.pathIndex]
        if path == Self.livePath { return dashboards.requested(leg, request, on: engine) }
        if path == ListenAcceptor.path { return listeners.requested(leg, request, on: engine) }
        if Self.logPaths.contains(path) { return viewers.requested(leg, request, on: engine) }
        if drain.isDraining { return engine.refuse(leg, status: 503) }
        let seen = WebRequest(request)
        let isDevice = DeviceAcceptor.paths.contains(path)
        if !isDevice, let refusal = carrier.refusal(ofUpgrade: seen) {
            return engine.refuse(leg, status: refusal.status.code)
        }
        let address = carrier.address(of: seen)
        if caps.withLock({ $0.mustWait(address, now: UnixTime.milliseconds) }) {
            return engine.refuse(leg, status: 429)
        }
        (isDevice ? devices : phones).requested(leg, request, on: engine)
    }
}
