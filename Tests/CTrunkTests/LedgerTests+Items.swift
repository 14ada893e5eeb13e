import CTrunk.Codecs
import Testing

@Suite("Playback ledger, items and comparison")
struct LedgerItemTests {
    static let ms: Int64 = 1000

    @Test("Only the newest item grows, and a new one completes the one before")
    func growth() {
        let ledger = TestLedger()
        #expect(ledger.receive("", 1) == .TRK_EINVALID)
        #expect(ledger.receive(String(repeating: "x", count: 65), 1) == .TRK_EINVALID)
        #expect(ledger.receive(String(repeating: "x", count: 64), 160) == .TRK_OK)
        #expect(ledger.receive("a", 160) == .TRK_OK)
        #expect(ledger.receive("a", 160) == .TRK_OK)
        #expect(ledger.receive("b", 160) == .TRK_OK)
        #expect(ledger.receive("a", 160) == .TRK_EINVALID)
        ledger.complete("b")
        #expect(ledger.receive("b", 160) == .TRK_EINVALID)
        ledger.complete("unknown")
        ledger.complete("")
    }

    @Test("Items of a model leg are completed together")
    func epochs() {
        let ledger = TestLedger()
        ledger.receive("a", 160, epoch: 1)
        ledger.receive("b", 160, epoch: 2)
        ledger.complete(epoch: 1)
        #expect(ledger.receive("b", 160, epoch: 2) == .TRK_OK)
        ledger.complete(epoch: 2)
        #expect(ledger.receive("b", 160, epoch: 2) == .TRK_EINVALID)
    }

    @Test("Sixteen items, and no seventeenth until one is finished")
    func full() {
        let ledger = TestLedger()
        for index in 0..<16 { #expect(ledger.receive("i\(index)", 160) == .TRK_OK) }
        #expect(ledger.receive("i16", 160) == .TRK_EFULL)
        // What was refused is nowhere, and what is there still grows.
        #expect(ledger.receive("i15", 160) == .TRK_OK)
        ledger.send(160, at: 0)
        #expect(ledger.echo(ledger.mark(), at: 20 * Self.ms))
        #expect(ledger.finish(at: 20 * Self.ms) == ["i0"])
        #expect(ledger.receive("i16", 160) == .TRK_OK)
        #expect(ledger.next?.id == "i1")
    }

    @Test("Items play and finish in the order in which they came")
    func order() {
        let ledger = TestLedger()
        ledger.receive("a", 320)
        ledger.receive("b", 320)
        #expect(ledger.next?.id == "a")
        ledger.send(160, at: 0)
        #expect(ledger.next?.id == "a")
        ledger.send(160, at: 0)
        #expect(ledger.next?.id == "b")
        ledger.send(320, at: 0)
        #expect(ledger.next == nil)
        let last = ledger.mark()
        #expect(ledger.heard("a", at: 60 * Self.ms) == 320)
        #expect(ledger.heard("b", at: 60 * Self.ms) == 160)
        #expect(ledger.echo(last, at: 80 * Self.ms))
        // b is heard but may grow: it is not finished.
        #expect(ledger.finish(at: 80 * Self.ms) == ["a"])
        ledger.complete("b")
        #expect(ledger.finish(at: 80 * Self.ms) == ["b"])
    }

    @Test("An item waits with its grace for its own end, not for what follows")
    func graceBehind() {
        let ledger = TestLedger()
        ledger.receive("a", 800)
        ledger.receive("b", 8000)
        ledger.send(800, at: 0)
        ledger.send(8000, at: 0)
        #expect(ledger.grace == (100 + Int64(TRK_LEDGER_ECHO_GRACE_MS)) * Self.ms)
        #expect(ledger.finish(at: ledger.grace) == ["a"])
        #expect(ledger.grace == .max)
    }

    /// One call: random sends, stalls, lost marks and interruptions; the estimate against the phone itself.
    func compare(seed: UInt64) {
        var random = CodecRandom(seed: seed)
        let ledger = TestLedger()
        var phone = SimulatedPhone(echoDelay: Int64.random(in: 0...400, using: &random) * Self.ms)
        let keepsMarks = Int.random(in: 1...10, using: &random)
        var item = 0
        var last = 0
        var now: Int64 = 0
        for _ in 0..<400 {
            now += Int64.random(in: 0...60_000, using: &random)
            for echo in phone.arrived(by: now) { ledger.echo(echo.name, at: echo.at) }
            switch Int.random(in: 0..<40, using: &random) {
            case 0:
                ledger.interrupt(at: now)
                phone.clear(at: now)
                last = phone.given
            case 1...2: item += 1
            case 3: now += 900 * Self.ms
            case 4...20 where ledger.ahead(at: now) < 400 * Self.ms:
                let count = Int.random(in: 1...10, using: &random) * 160
                let id = "item\(item)"
                if ledger.receive(id, count) != .TRK_OK {
                    item += 1
                } else {
                    ledger.send(count, at: now); phone.audio(count, at: now)
                }
                if Int.random(in: 0..<10, using: &random) < keepsMarks { phone.mark(ledger.mark(), at: now) }
            default: _ = ledger.finish(at: now)
            }
            let heard = ledger.heard(at: now)
            #expect(abs(heard - phone.played(at: now)) <= 20 * 8, "seed \(seed)")
            #expect(heard <= ledger.position, "seed \(seed)")
            #expect(heard >= last, "seed \(seed)")
            last = heard
            if let mine = ledger.heard("item\(item)", at: now), let sent = ledger.sent("item\(item)") {
                #expect(mine <= sent, "seed \(seed)")
            }
        }
    }

    @Test("Random calls: the estimate is the phone's own place")
    func randomCalls() {
        for seed in UInt64(1)...300 { compare(seed: seed) }
    }

    @Test("Jitter on the way back: never beyond what was sent, and near the phone's place")
    func jitter() {
        var random = CodecRandom(seed: 77)
        for _ in 0..<100 {
            let ledger = TestLedger()
            var phone = SimulatedPhone()
            ledger.receive("a", 80000)
            for now in stride(from: Int64(0), to: 10_000 * Self.ms, by: 20_000) {
                for echo in phone.arrived(by: now) { ledger.echo(echo.name, at: echo.at) }
                if now % (200 * Self.ms) == 0 {
                    ledger.send(1600, at: now)
                    phone.audio(1600, at: now)
                    phone.echoDelay = Int64.random(in: 30...90, using: &random) * Self.ms
                    phone.mark(ledger.mark(), at: now)
                }
                let heard = ledger.heard(at: now)
                #expect(heard <= ledger.position)
                #expect(abs(heard - phone.played(at: now)) <= 60 * 8)
            }
        }
    }
}
