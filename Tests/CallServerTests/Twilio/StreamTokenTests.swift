import CallServer
import Testing

/// Tokens that tie a stream to the call of a webhook.
@Suite struct StreamTokenTests {
    static let start: Int64 = 1_800_000_000_000
    static let key = Array("a secret".utf8)

    static func id(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "CA" + String(repeating: "0", count: 32 - digits.count) + digits
    }

    @Test func opensOneStream() throws {
        var tokens = StreamTokens(key: Self.key)
        let token = try tokens.issue(call: Self.id(1), now: Self.start)
        #expect(tokens.redeem(token, call: Self.id(1), now: Self.start + 500) == .valid)
        #expect(tokens.redeem(token, call: Self.id(1), now: Self.start + 501) == .used)
    }

    @Test(arguments: [
        (0 as Int64, StreamTokenVerdict.valid), (60_000, .valid), (60_001, .expired), (3_600_000, .expired),
        (-5_000, .valid), (-5_001, .expired),
    ])
    func holdsAMinute(age: Int64, verdict: StreamTokenVerdict) throws {
        var tokens = StreamTokens(key: Self.key)
        let token = try tokens.issue(call: Self.id(1), now: Self.start)
        #expect(tokens.redeem(token, call: Self.id(1), now: Self.start + age) == verdict)
    }

    @Test func belongsToItsCallAndItsKey() throws {
        var tokens = StreamTokens(key: Self.key)
        var others = StreamTokens(key: Array("another".utf8))
        let token = try tokens.issue(call: Self.id(1), now: Self.start)
        #expect(tokens.redeem(token, call: Self.id(2), now: Self.start) == .wrong)
        #expect(others.redeem(token, call: Self.id(1), now: Self.start) == .wrong)
        for text in ["x", ".", "1.", "-1.00", token + "0", "\(Self.start + 1)" + token.dropFirst(13), token + ".a"] {
            #expect(tokens.redeem(text, call: Self.id(1), now: Self.start) == .wrong)
        }
        #expect(tokens.redeem("", call: Self.id(1), now: Self.start) == .missing)
        #expect(tokens.redeem(nil, call: Self.id(1), now: Self.start) == .missing)
        #expect(tokens.redeem(token, call: Self.id(1), now: Self.start) == .valid)
    }

    @Test func aReplayedWebhookGetsTheFirstTokenAgain() throws {
        var tokens = StreamTokens(key: Self.key)
        let first = try tokens.issue(call: Self.id(1), now: Self.start)
        #expect(try tokens.issue(call: Self.id(1), now: Self.start + 1_000) == first)
        #expect(tokens.redeem(first, call: Self.id(1), now: Self.start + 2_000) == .valid)
        for _ in 0..<100 { #expect(try tokens.issue(call: Self.id(1), now: Self.start + 3_600_000) == first) }
        #expect(tokens.redeem(first, call: Self.id(1), now: Self.start + 3_600_000) == .expired)
        #expect(tokens.count == 1)
    }

    @Test func anotherNodeOfTheSameKeyTakesIt() throws {
        var one = StreamTokens(key: Self.key)
        var other = StreamTokens(key: Self.key)
        let token = try one.issue(call: Self.id(1), now: Self.start)
        #expect(other.redeem(token, call: Self.id(1), now: Self.start + 10) == .valid)
        #expect(other.redeem(token, call: Self.id(1), now: Self.start + 20) == .used)
    }

    @Test(arguments: [
        "", " ", "CA1", "MZ00000000000000000000000000000001", id(1) + "0", "CA0000000000000000000000000000000g",
    ])
    func onlyCallsGetOne(id: String) {
        var tokens = StreamTokens(key: Self.key)
        #expect(throws: StreamTokenError.notACall) { try tokens.issue(call: id, now: Self.start) }
        #expect(tokens.count == 0)
    }

    @Test func itsMemoryIsBounded() throws {
        var limits = StreamTokenLimits()
        limits.calls = 3
        var tokens = StreamTokens(key: Self.key, limits: limits)
        for number in 1...3 { _ = try tokens.issue(call: Self.id(number), now: Self.start) }
        #expect(throws: StreamTokenError.full) { try tokens.issue(call: Self.id(4), now: Self.start + 60_000) }
        #expect(tokens.counters.refused == 1)
        for number in 4...10 { _ = try tokens.issue(call: Self.id(number), now: Self.start + Int64(number) * 70_000) }
        #expect(tokens.count == 3)
        #expect(tokens.counters.forgottenEarly == 7)
        _ = try tokens.issue(call: Self.id(11), now: Self.start + 6 * 3_600_000)
        #expect(tokens.count == 1)
        #expect(tokens.counters.forgottenEarly == 7)
    }
}
