import WebServer

/// Counts calls by caller and by address, and what a day costs; says when one more is too many. Time is given from
/// outside: milliseconds since 1970.
struct CallCaps: Sendable {
    /// What one more call would be too much of. The raw value is a metric's label.
    enum Refusal: String, Sendable, CaseIterable {
        case caller = "caller_cap"
        case address = "address_cap"
        case budget = "day_budget"
        case addressRefused = "address_refused"
        case outboundRate = "outbound_rate"
    }

    /// Networks of addresses whose refusals are remembered; beyond that the one that came first is forgotten.
    static let addressesMaximum = 10_000
    static let minute: Int64 = 60_000
    private static let day: Int64 = 24 * 3_600_000

    private struct Entry: Sendable {
        var caller: String
        var address: String
    }

    private struct Refused: Sendable {
        var count = 0
        var since: Int64 = 0
        var until: Int64 = 0
    }

    /// By call: bounded by the calls that may be open.
    private var calls: [String: Entry] = [:]
    private var byCaller: [String: Int] = [:]
    private var byAddress: [String: Int] = [:]
    private var refused: [String: Refused] = [:]
    /// Networks in the order in which they came; those before `oldest` are forgotten.
    private var order: [String] = []
    private var oldest = 0
    private var outbound: [Int64] = []
    private var dayNumber: Int64 = 0
    /// What this day has cost so far, in millionths of a dollar.
    private(set) var dayMicrodollars: Int64 = 0
    /// How often each refusal was given.
    private(set) var refusals: [Refusal: Int] = [:]

    /// Why a caller would not be taken now; nil when they would. Counts nothing but the refusal.
    mutating func refusal(caller: String, address: String?, _ caps: CapSettings, now: Int64) -> Refusal? {
        let reason: Refusal?
        if isSpent(caps, now: now) {
            reason = .budget
        } else if Self.isKnown(caller), byCaller[caller, default: 0] >= caps.callsPerCaller {
            reason = .caller
        } else if let address, byAddress[address, default: 0] >= caps.callsPerAddress {
            reason = .address
        } else {
            reason = nil
        }
        if let reason { refusals[reason, default: 0] += 1 }
        return reason
    }

    /// Takes a call in; false when it is one too many.
    mutating func enter(_ call: String, caller: String, address: String, _ caps: CapSettings, now: Int64) -> Bool {
        if refusal(caller: caller, address: address, caps, now: now) != nil { return false }
        guard calls[call] == nil else { return true }
        calls[call] = Entry(caller: caller, address: address)
        byCaller[caller, default: 0] += 1
        byAddress[address, default: 0] += 1
        return true
    }

    mutating func leave(_ call: String) {
        guard let entry = calls.removeValue(forKey: call) else { return }
        Self.lower(&byCaller, entry.caller)
        Self.lower(&byAddress, entry.address)
    }

    private static func lower(_ counts: inout [String: Int], _ key: String) {
        let count = counts[key, default: 1] - 1
        counts[key] = count > 0 ? count : nil
    }

    /// Withheld numbers are many people.
    private static func isKnown(_ caller: String) -> Bool { caller.hasPrefix("+") && caller != "+266696687" }

    // MARK: - Money

    /// Adds what a call has cost; true when the day's budget is spent with it.
    mutating func spend(_ microdollars: Int64, _ caps: CapSettings, now: Int64) -> Bool {
        let wasSpent = isSpent(caps, now: now)
        let (sum, overflow) = dayMicrodollars.addingReportingOverflow(max(0, microdollars))
        dayMicrodollars = overflow ? .max : sum
        return !wasSpent && isSpent(caps, now: now)
    }

    /// What this day has cost before the server was started.
    mutating func begin(_ microdollars: Int64, now: Int64) {
        dayNumber = now / Self.day
        dayMicrodollars = max(0, microdollars)
    }

    /// The moment at which the day of this one began, in milliseconds since 1970.
    static func dayStart(_ now: Int64) -> Int64 { now / day * day }

    mutating func isSpent(_ caps: CapSettings, now: Int64) -> Bool {
        if now / Self.day != dayNumber {
            dayNumber = now / Self.day
            dayMicrodollars = 0
        }
        return caps.dayMicrodollars.map { dayMicrodollars >= $0 } ?? false
    }

    // MARK: - Strangers

    /// A stream of this address was turned away for its token or signature.
    mutating func turnedAway(_ address: String, _ caps: CapSettings, now: Int64) {
        let network = HostText.network(address)
        if refused[network] == nil {
            if refused.count >= Self.addressesMaximum { forgetOldest() }
            order.append(network)
        }
        var entry = refused[network] ?? Refused(since: now)
        if now - entry.since > Self.minute { entry = Refused(since: now, until: entry.until) }
        entry.count += 1
        if entry.count >= caps.refusalsPerAddress { entry.until = now + Self.minute }
        refused[network] = entry
    }

    private mutating func forgetOldest() {
        refused[order[oldest]] = nil
        oldest += 1
        // Each is moved once for each time the array halves.
        if oldest * 2 > order.count {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    /// Whether an address must wait, since too many of its streams were turned away.
    mutating func mustWait(_ address: String, now: Int64) -> Bool {
        guard let entry = refused[HostText.network(address)], now < entry.until else { return false }
        refusals[.addressRefused, default: 0] += 1
        return true
    }

    // MARK: - Calls that we make

    /// Whether one more may be made within this minute.
    mutating func mayCallOut(_ caps: CapSettings, now: Int64) -> Bool {
        outbound.removeAll { now - $0 >= Self.minute }
        guard outbound.count < caps.outboundPerMinute else {
            refusals[.outboundRate, default: 0] += 1
            return false
        }
        outbound.append(now)
        return true
    }
}
