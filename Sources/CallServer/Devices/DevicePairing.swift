import RealtimeProtocol

/// Which devices may call, and which wait for an operator to type their code. Pure: time is a parameter.
struct DevicePairing: Sendable {
    /// Devices that may call.
    static let pairedMax = 10_000
    /// Devices that wait; the oldest gives way.
    static let pendingMax = 100
    /// A code is good for so long.
    static let codeMilliseconds: Int64 = 600_000

    /// A device that waits.
    struct Pending: Sendable, Hashable {
        var deviceID: String
        var code: String
        var at: Int64
    }

    private(set) var paired: [String] = []
    private(set) var pending: [Pending] = []

    func isPaired(_ deviceID: String) -> Bool { paired.contains(deviceID) }

    /// The code of a device that is not paired: six digits that no other waiting device has.
    mutating func code(for deviceID: String, now: Int64, random: () -> String) -> String {
        pending.removeAll { now - $0.at > Self.codeMilliseconds }
        if let known = pending.first(where: { $0.deviceID == deviceID }) { return known.code }
        var code = random()
        while pending.contains(where: { $0.code == code }) { code = random() }
        if pending.count >= Self.pendingMax { pending.removeFirst() }
        pending.append(Pending(deviceID: deviceID, code: code, at: now))
        return code
    }

    /// Pairs the device that shows this code; its name, or nil when none does, or too many are paired.
    mutating func pair(code: String, now: Int64) -> String? {
        pending.removeAll { now - $0.at > Self.codeMilliseconds }
        guard let index = pending.firstIndex(where: { $0.code == code }), paired.count < Self.pairedMax else {
            return nil
        }
        let device = pending.remove(at: index).deviceID
        paired.append(device)
        return device
    }

    /// False when it was not paired.
    mutating func unpair(_ deviceID: String) -> Bool {
        guard let index = paired.firstIndex(of: deviceID) else { return false }
        paired.remove(at: index)
        return true
    }

    /// What is kept over a restart.
    var json: JSONValue { .array(paired.map(JSONValue.string)) }

    /// What was kept.
    mutating func restore(_ json: JSONValue) {
        paired = (json.arrayValue ?? []).compactMap(\.stringValue).prefix(Self.pairedMax).map { $0 }
    }
}
