import CallBridge
import CallPolicy
import HTTPTypes
import Trunk
import WebServer

/// Takes the streams of those who are no Twilio: devices, our own page, Telnyx and Asterisk. Lives on an engine.
final class DeviceAcceptor: LegAcceptor {
    static let devicePaths = ["/xiaozhi/v1/", "/xiaozhi/v1"]
    static let talkPath = "/ws/talk"
    static let telnyxPath = "/telnyx"
    static let asteriskPath = "/asterisk"
    /// What Asterisk offers.
    private static let asteriskProtocol = "media"
    static let paths = devicePaths + [talkPath, telnyxPath, asteriskPath]
    /// Of the ids of calls that devices and pages open.
    static let sessionPrefix = "DV"
    /// Parameters that travel from a request's query to its call, and the bytes of one.
    private static let parametersMax = 8
    private static let parameterBytes = 256

    private let bridge: Bridge
    private let devices: DeviceAccess
    private let guardian: any RequestGuard
    private let settings: DeviceSettings

    init(_ bridge: Bridge, _ devices: DeviceAccess, _ guardian: any RequestGuard, _ settings: DeviceSettings) {
        self.bridge = bridge
        self.devices = devices
        self.guardian = guardian
        self.settings = settings
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        let seen = WebRequest(request)
        let path = seen.target.prefix { $0 != "?" }
        let carrier: Carrier
        switch path {
        case Self.talkPath:
            if let refusal = guardian.refusal(of: seen, access: .operate) {
                return engine.refuse(leg, status: refusal.status.code)
            }
            guard let visitor = guardian.visitor(of: seen) else { return engine.refuse(leg, status: 401) }
            var device = Self.device(seen)
            if !DeviceAccess.isName(device.deviceID) { device.deviceID = "page" }
            device.parameters["user"] = visitor.name
            carrier = .binary(DeviceDialect(device, session: Self.sessionID()))
        case Self.telnyxPath:
            guard isAllowed(seen, settings.telnyxToken, seen.headers[.telnyxToken]) else {
                return engine.refuse(leg, status: 403)
            }
            carrier = .telnyx
        case Self.asteriskPath:
            guard isAllowed(seen, settings.asteriskToken, nil) else { return engine.refuse(leg, status: 403) }
            engine.choose(protocol: Self.asteriskProtocol, for: leg)
            carrier = .binary(AsteriskDialect(parameters: Self.parameters(seen)))
        default:
            let device = Self.device(seen)
            guard DeviceAccess.isName(device.deviceID) else { return engine.refuse(leg, status: 400) }
            guard devices.admits(seen, deviceID: device.deviceID, token: Self.token(seen)) else {
                return engine.refuse(leg, status: 401)
            }
            carrier = .binary(DeviceDialect(device, session: Self.sessionID()))
        }
        bridge.requested(leg, request, of: carrier, on: engine)
    }

    /// Devices and browsers say who they are in headers, or in the query.
    private static func device(_ request: WebRequest) -> DeviceDialect.Device {
        DeviceDialect.Device(
            deviceID: request.headers[.deviceID] ?? request.query["device-id"] ?? "",
            clientID: String((request.headers[.clientID] ?? request.query["client-id"] ?? "").prefix(64)),
            version: (request.headers[.protocolVersion] ?? request.query["protocol-version"]).flatMap { Int($0) }
        )
    }

    private static func token(_ request: WebRequest) -> String? {
        guard let given = request.headers[.authorization] ?? request.query["authorization"] else { return nil }
        let parts = given.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return given }
        switch parts[0].lowercased() {
        case "bearer": return String(parts[1])
        case "basic": return password(parts[1])
        default: return given
        }
    }

    /// Of a name and a password (RFC 7617), as Asterisk's `username` and `password` become; the name may be any.
    private static func password(_ credentials: Substring) -> String? {
        guard let pair = Base64.decode(String(credentials)), let colon = pair.firstIndex(of: UInt8(ascii: ":")) else {
            return nil
        }
        return String(decoding: pair[(colon + 1)...], as: UTF8.self)
    }

    /// A token that was set must come along; without one only this machine may.
    private func isAllowed(_ request: WebRequest, _ secret: String, _ header: String?) -> Bool {
        if secret.isEmpty { return request.isFromThisMachine }
        guard let given = header ?? Self.token(request) ?? request.query["token"] else { return false }
        return ConstantTime.isEqual(given, secret)
    }

    private static func parameters(_ request: WebRequest) -> [String: String] {
        let all = request.query.filter { $0.key != "token" && $0.key != "authorization" }.sorted { $0.key < $1.key }
        let few = all.prefix(parametersMax).filter { $0.key.utf8.count + $0.value.utf8.count <= parameterBytes }
        return Dictionary(few.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// Unique, and shaped as ids of calls are: letters and digits.
    private static func sessionID() -> String {
        let half = { String(UInt64.random(in: .min ... .max), radix: 16) }
        return sessionPrefix + (half() + half()).suffix(32)
    }
}
