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

    /// Young and unused it is the same one; used, or near its end, another: what the carrier is told always works.
    @Test func aRepeatedWebhookGetsATokenThatWorks() throws {
        var tokens = StreamTokens(key: Self.key)
        let first = try tokens.issue(call: Self.id(1), now: Self.start)
        #expect(try tokens.issue(call: Self.id(1), now: Self.start + 1_000) == first)
        let late = try tokens.issue(call: Self.id(1), now: Self.start + 59_000)
        #expect(late != first && tokens.redeem(late, call: Self.id(1), now: Self.start + 70_000) == .valid)
        #expect(tokens.redeem(first, call: Self.id(1), now: Self.start + 60_000) == .used)
        // In the very moment of the one that was used.
        let again = try tokens.issue(call: Self.id(1), now: Self.start + 59_000)
        #expect(again != late && tokens.redeem(again, call: Self.id(1), now: Self.start + 70_000) == .valid)
        #expect(tokens.count == 1)
    }

    /// A token that nobody used costs nothing; those that follow a used one are counted.
    @Test func aCallHasAFewTokens() throws {
        var tokens = StreamTokens(key: Self.key)
        for number in 0..<100 { _ = try tokens.issue(call: Self.id(1), now: Self.start + Int64(number) * 50_000) }
        var now = Self.start + 100 * 50_000
        for _ in 0..<6 {
            let token = try tokens.issue(call: Self.id(1), now: now)
            #expect(tokens.redeem(token, call: Self.id(1), now: now) == .valid)
            now += 10_000
        }
        #expect(throws: StreamTokenError.full) { try tokens.issue(call: Self.id(1), now: now) }
        #expect(tokens.counters.refused == 1)
    }

    /// A transfer comes back by another node's webhook, and its stream to the node that knows the first token.
    @Test func aLaterTokenOfAnotherNodeIsTaken() throws {
        var one = StreamTokens(key: Self.key)
        var other = StreamTokens(key: Self.key)
        let first = try one.issue(call: Self.id(1), now: Self.start)
        #expect(one.redeem(first, call: Self.id(1), now: Self.start + 10) == .valid)
        let second = try other.issue(call: Self.id(1), now: Self.start + 5_000)
        #expect(one.redeem(second, call: Self.id(1), now: Self.start + 5_010) == .valid)
        #expect(one.redeem(second, call: Self.id(1), now: Self.start + 5_020) == .used)
        #expect(one.redeem(first, call: Self.id(1), now: Self.start + 5_020) == .used)
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
