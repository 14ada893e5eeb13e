import Testing

@testable import CallServer

/// Caps: calls of one caller and one address, the day's money, strangers, calls that we make.
@Suite struct CallCapsTests {
    private static let day: Int64 = 24 * 3_600_000

    private static func caps(_ change: (inout CapSettings) -> Void) -> CapSettings {
        var caps = CapSettings()
        change(&caps)
        return caps
    }

    @Test func aCallerHasSoManyCalls() {
        let settings = Self.caps { $0.callsPerCaller = 2 }
        var caps = CallCaps()
        func enter(_ id: String, _ caller: String) -> Bool {
            caps.enter(id, caller: caller, address: "192.0.2.1", settings, now: 0)
        }
        #expect(enter("1", "+15550100") && enter("2", "+15550100") && !enter("3", "+15550100"))
        #expect(enter("4", "+15550101"))
        // Withheld numbers are many people.
        for id in ["5", "6", "7"] { #expect(enter(id, "anonymous")) }
        for id in ["8", "9", "10"] { #expect(enter(id, "")) }
        caps.leave("1")
        caps.leave("1")
        #expect(enter("3", "+15550100") && !enter("11", "+15550100"))
        #expect(caps.refusals == [.caller: 2])
    }

    @Test func anAddressHasSoManyCalls() {
        let settings = Self.caps { $0.callsPerAddress = 2 }
        var caps = CallCaps()
        for (id, address, isTaken) in [("1", "a", true), ("2", "a", true), ("3", "a", false), ("4", "b", true)] {
            let taken = caps.enter(id, caller: "", address: address, settings, now: 0)
            #expect(taken == isTaken)
        }
        #expect(caps.refusals == [.address: 1])
    }

    @Test func aDayCostsSoMuch() {
        let settings = Self.caps { $0.dayMicrodollars = 1_000_000 }
        var caps = CallCaps()
        func spend(_ microdollars: Int64, _ now: Int64) -> Bool { caps.spend(microdollars, settings, now: now) }
        func enter(_ id: String, _ now: Int64) -> Bool {
            caps.enter(id, caller: "", address: "a", settings, now: now)
        }
        #expect(!spend(999_999, 10) && enter("1", 10))
        // It is said once, when it happens.
        #expect(spend(1, 10) && !spend(1, 10))
        #expect(!enter("2", Self.day - 1) && enter("2", Self.day))
        #expect(caps.dayMicrodollars == 0)
        // What a model reports cannot break the sum.
        #expect(spend(.max, Self.day) && !spend(.max, Self.day))
        #expect(!spend(-5, Self.day) && caps.dayMicrodollars == .max)
    }

    @Test func anAddressOfManyWrongTokensMustWait() {
        let settings = Self.caps { $0.refusalsPerAddress = 3 }
        var caps = CallCaps()
        func mustWait(_ address: String, _ now: Int64) -> Bool { caps.mustWait(address, now: now) }
        for moment in [0, 1, 70_000] as [Int64] { caps.turnedAway("a", settings, now: moment) }
        #expect(!mustWait("a", 70_001))
        for moment in [70_001, 70_002] as [Int64] { caps.turnedAway("a", settings, now: moment) }
        #expect(mustWait("a", 130_001) && !mustWait("b", 70_003) && !mustWait("a", 130_002))
        // Those that came first give way, not those that come: the last one is still counted.
        for number in 0..<(CallCaps.addressesMaximum + 1_000) { caps.turnedAway("\(number)", settings, now: 200_000) }
        for _ in 0..<3 { caps.turnedAway("new", settings, now: 200_000) }
        #expect(mustWait("new", 200_001))
        // A network of somebody's own is one address.
        for number in 1...3 { caps.turnedAway("2001:db8:1:2::\(number)", settings, now: 200_000) }
        #expect(mustWait("2001:db8:1:2:9::9", 200_001) && !mustWait("2001:db8:1:3::1", 200_001))
    }

    @Test func weCallSoManyAMinute() {
        let settings = Self.caps { $0.outboundPerMinute = 2 }
        var caps = CallCaps()
        let made = ([0, 59_999, 59_999, 60_000, 60_000] as [Int64]).map { caps.mayCallOut(settings, now: $0) }
        #expect(made == [true, true, false, true, false])
    }

    @Test(
        arguments: [
            ("+15550100", nil), ("+15559", "is our own number"), ("15550100", "is no number such as +15550100"),
            ("+1900555", "is none of those in OUTBOUND_ALLOW"), ("+1555 0100", "is no number such as +15550100"),
            ("+155501001234567890", "is no number such as +15550100"), ("", "is no number such as +15550100"),
        ] as [(String, String?)]
    )
    func onlyAllowedNumbersAreCalled(number: String, refusal: String?) throws {
        let settings = try Settings(
            environment: ["OUTBOUND_ALLOW": "+1555,+49", "TWILIO_NUMBER": "+15559"],
            prompt: nil
        )
        #expect(settings.carrier.refusal(of: number) == refusal)
        #expect(try Settings(environment: [:], prompt: nil).carrier.refusal(of: "+15550100") != nil)
    }
}
