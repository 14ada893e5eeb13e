import RealtimeProtocol

/// Which devices may call, and which wait for an operator to type their code. Pure: time is a parameter.
struct DevicePairing: Sendable {
    /// Devices that may call.
    static let pairedMax = 10_000
    /// Devices that wait; the oldest gives way.
    static let pendingMax = 100
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
        var code: String
        var at: Int64
    }

    /// The client id that each paired device had: a hardware address can be read off a network, this one only off the
    /// device.
    private(set) var paired: [String: String] = [:]
    private(set) var pending: [Pending] = []

    /// The code of a device that is not paired: six digits that no other waiting device has.
    mutating func code(for deviceID: String, _ clientID: String, now: Int64, random: () -> String) -> String {
        pending.removeAll { now - $0.at > Self.codeMilliseconds }
        let isTheirs = { (pending: Pending) in pending.deviceID == deviceID && pending.clientID == clientID }
        if let known = pending.first(where: isTheirs) { return known.code }
        var code = random()
        while pending.contains(where: { $0.code == code }) { code = random() }
        if pending.count >= Self.pendingMax { pending.removeFirst() }
        pending.append(Pending(deviceID: deviceID, clientID: clientID, code: code, at: now))
        return code
    }

    /// Pairs the device that shows this code; its name, or nil when none does, or too many are paired.
    mutating func pair(code: String, now: Int64) -> String? {
        pending.removeAll { now - $0.at > Self.codeMilliseconds }
        guard let index = pending.firstIndex(where: { $0.code == code }),
            paired.count < Self.pairedMax || paired[pending[index].deviceID] != nil
        else { return nil }
        let device = pending.remove(at: index)
        paired[device.deviceID] = device.clientID
        return device.deviceID
    }

    /// False when it was not paired.
    mutating func unpair(_ deviceID: String) -> Bool { paired.removeValue(forKey: deviceID) != nil }

    /// What is kept over a restart.
    var json: JSONValue {
        .object(JSONObject(paired.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }))
    }

    /// What was kept.
    mutating func restore(_ json: JSONValue) {
        paired = [:]
        for member in (json.objectValue?.members ?? []).prefix(Self.pairedMax) {
            if let client = member.value.stringValue { paired[member.key] = client }
        }
    }
}
