import RealtimeProtocol

/// Which devices may call, and which wait for an operator to type their code. Pure: time is a parameter.
struct DevicePairing: Sendable {
    /// Devices that may call.
    static let pairedMax = 10_000
    /// Devices that wait...
    static let pendingMax = 100
    /// ...and those of them that one network brings: who invents devices keeps out their own only.
    static let pendingPerNetwork = 10
    /// A code is good for so long.
    static let codeMilliseconds: Int64 = 600_000

    /// Digits of a code.
    static let codeDigits = 6

    /// Whether a text is shaped as codes are.
    static func isCode(_ text: String) -> Bool {
        text.utf8.count == codeDigits && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// A device that waits.
    struct Pending: Sendable, Hashable {
        var deviceID: String
        var clientID: String
        var network: String
        var code: String
        var at: Int64
    }

    /// A device that may call.
    struct Paired: Sendable, Hashable {
        /// A hardware address can be read off a network, this one only off the device.
        var clientID: String
        /// Random: tokens of an earlier pairing are good for nothing.
        var nonce: String
    }

    /// By their names.
    private(set) var paired: [String: Paired] = [:]
    private(set) var pending: [Pending] = []

    /// The code of a device that is not paired: six digits that no other waiting device has; nil when too many wait.
    mutating func code(
        for deviceID: String,
        _ clientID: String,
        network: String,
        now: Int64,
        random: () -> String
    ) -> String? {
        pending.removeAll { now - $0.at > Self.codeMilliseconds }
        let isTheirs = { (pending: Pending) in pending.deviceID == deviceID && pending.clientID == clientID }
        if let known = pending.first(where: isTheirs) { return known.code }
        let neighbours = pending.count { $0.network == network }
        guard pending.count < Self.pendingMax, neighbours < Self.pendingPerNetwork else { return nil }
        var code = random()
        while pending.contains(where: { $0.code == code }) { code = random() }
        pending.append(Pending(deviceID: deviceID, clientID: clientID, network: network, code: code, at: now))
        return code
    }

    /// Pairs the device that shows this code; its name, or nil when none does, or too many are paired.
    mutating func pair(code: String, nonce: String, now: Int64) -> String? {
        pending.removeAll { now - $0.at > Self.codeMilliseconds }
        guard let index = pending.firstIndex(where: { $0.code == code }),
            paired.count < Self.pairedMax || paired[pending[index].deviceID] != nil
        else { return nil }
        let device = pending.remove(at: index)
        paired[device.deviceID] = Paired(clientID: device.clientID, nonce: nonce)
        return device.deviceID
    }

    /// False when it was not paired.
    mutating func unpair(_ deviceID: String) -> Bool { paired.removeValue(forKey: deviceID) != nil }

    /// What is kept over a restart.
    var json: JSONValue {
        .object(
            JSONObject(
                paired.sorted { $0.key < $1.key }.map { device, paired in
                    .init(key: device, value: ["client": .string(paired.clientID), "nonce": .string(paired.nonce)])
                }
            )
        )
    }

    /// What was kept. False when it is not what `json` says: then nothing is paired.
    mutating func restore(_ json: JSONValue) -> Bool {
        paired = [:]
        guard let members = json.objectValue?.members else { return false }
        for member in members.prefix(Self.pairedMax) {
            guard let client = member.value["client"]?.stringValue, let nonce = member.value["nonce"]?.stringValue
            else {
                return false
            }
            paired[member.key] = Paired(clientID: client, nonce: nonce)
        }
        return true
    }
}
