import CallBridge
import CallRecords
import Crypto
import HTTPTypes
import Logging
import RealtimeProtocol
import Trunk
import WebServer

/// Decides which devices may open a call that the owner of the key pays for.
final class DeviceAccess: Sendable {
    /// Under which name the paired devices are kept.
    private static let keptName = "devices"
    /// Bytes of a device's name; a hardware address has 17.
    private static let nameMax = 64

    private let settings: DeviceSettings
    private let key: SymmetricKey
    private let pairing = Locked(DevicePairing())
    private let refused = Locked<[Refusal: Int]>([:])
    /// Whether what was kept was read: otherwise writing would lose it.
    private let isRestored = Locked(true)
    private let records: RecordKeeping?

    init(_ settings: Settings, _ records: RecordKeeping?) {
        self.settings = settings.devices
        self.records = records
        // Known to all nodes and after a restart, and to nobody else.
        let secret = settings.key
        key =
            secret.isEmpty
            ? SymmetricKey(size: .bits256)
            : SymmetricKey(data: SHA256.hash(data: Array("trunkline device tokens:\(secret)".utf8)))
    }

    /// Reads which devices were paired.
    func restore(_ logger: Logger) async {
        do {
            guard let kept = try await records?.ask({ try $0.kept(Self.keptName) }) else { return }
            let json = try JSONValue(parsing: kept.value)
            if pairing.withLock({ $0.restore(json) }) { return }
            logger.error("the list of paired devices in the database is damaged: pairings are not kept")
        } catch {
            logger.error("which devices are paired cannot be read from the database, pairings are not kept: \(error)")
        }
        isRestored.withLock { $0 = false }
    }

    /// Why a device was turned away; the names are those of the metric.
    enum Refusal: String, CaseIterable {
        /// Its upgrade brought no token, or none that fits.
        case token = "device_token"
        /// Too many devices wait for their code.
        case waiting = "device_waiting"
    }

    /// Devices that were turned away.
    var refusals: [Refusal: Int] { refused.withLock { $0 } }

    /// Whether devices may call at all.
    var isOn: Bool { settings.trust != .off }

    /// A name as devices have: printable, without quotes, not too long.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= nameMax
            && text.utf8.allSatisfy {
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
    }

    /// What a device must bring to its stream.
    func token(for deviceID: String, _ paired: DevicePairing.Paired?) -> String {
        // None of the three has a line break.
        let text = [deviceID, paired?.clientID ?? "", paired?.nonce ?? ""].joined(separator: "\n")
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        return code.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// Whether a device is let in: by its token, or because it is on this machine.
    func admits(_ request: WebRequest, deviceID: String, token: String?) -> Bool {
        let isAdmitted: Bool
        switch settings.trust {
        case .off: isAdmitted = false
        case .open: isAdmitted = request.headers[.origin] == nil
        case .paired:
            let paired = pairing.withLock { $0.paired[deviceID] }
            let fits = paired.map { ConstantTime.isEqual(token ?? "", self.token(for: deviceID, $0)) } ?? false
            isAdmitted = fits || request.isFromThisMachine
        }
        if !isAdmitted { refused.withLock { $0[.token, default: 0] += 1 } }
        return isAdmitted
    }

    /// What the bootstrap tells a device.
    enum Answer: Sendable, Hashable {
        /// It may call, with this token.
        case token(String)
        /// It shows this code and waits.
        case code(String)
        /// Too many wait already, in all or in its network.
        case full
        /// Its Client-Id is missing, by which it would be known again.
        case nameless
    }

    /// What a device is told that asks for its stream.
    ///
    /// - Parameters:
    ///   - deviceID: Its name.
    ///   - clientID: The program on it.
    ///   - address: Where it asks from; nil for this machine, which needs no pairing.
    func answer(to deviceID: String, _ clientID: String, from address: String?) -> Answer {
        guard settings.trust != .open, let address else { return .token(token(for: deviceID, nil)) }
        return pairing.withLock { pairing -> Answer in
            if let known = pairing.paired[deviceID], ConstantTime.isEqual(known.clientID, clientID) {
                return .token(token(for: deviceID, known))
            }
            guard !clientID.isEmpty else { return .nameless }
            let network = HostText.network(address)
            let code = pairing.code(for: deviceID, clientID, network: network, now: UnixTime.milliseconds) {
                let number = String(UInt32.random(in: 0..<1_000_000))
                return String(repeating: "0", count: DevicePairing.codeDigits - number.count) + number
            }
            if let code { return .code(code) }
            refused.withLock { $0[.waiting, default: 0] += 1 }
            return .full
        }
    }

    /// Paired devices, and those that wait.
    var devices: DevicePairing { pairing.withLock { $0 } }

    /// Pairs the device that shows a code; its name, and whether that is kept.
    func pair(code: String, by who: String) async -> (deviceID: String, isKept: Bool)? {
        let nonce = String(UInt64.random(in: .min ... .max), radix: 16)
        let device = pairing.withLock { $0.pair(code: code, nonce: nonce, now: UnixTime.milliseconds) }
        guard let device else { return nil }
        return (device, await keep(who))
    }

    /// Nil when it was not paired; else whether that is kept.
    func unpair(_ deviceID: String, by who: String) async -> Bool? {
        guard pairing.withLock({ $0.unpair(deviceID) }) else { return nil }
        return await keep(who)
    }

    private func keep(_ who: String) async -> Bool {
        guard let records, isRestored.withLock({ $0 }) else { return false }
        let text = pairing.withLock { $0.json.text }
        return (try? await records.ask { try $0.keep(text, as: Self.keptName, who: who, now: UnixTime.milliseconds) })
            != nil
    }
}

extension HTTPField.Name {
    /// A device's name.
    static let deviceID = HTTPField.Name("Device-Id")!
    /// The program on it.
    static let clientID = HTTPField.Name("Client-Id")!
    /// The version of its protocol.
    static let protocolVersion = HTTPField.Name("Protocol-Version")!
    /// Telnyx's proof.
    static let telnyxToken = HTTPField.Name("X-Telnyx-Streaming-Auth-Token")!
}
