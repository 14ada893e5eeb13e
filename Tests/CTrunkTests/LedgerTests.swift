import CTrunk.Codecs
import Testing

@Suite("Playback ledger")
struct LedgerTests {
    static let ms: Int64 = 1000

    @Test("A dry phone starts when the first audio is sent")
    func dryStart() {
        let ledger = TestLedger()
        let begin = 5000 * Self.ms
        ledger.receive("a", 1600)
        #expect(ledger.heard(at: begin) == 0)
        ledger.send(1600, at: begin)
        #expect(ledger.heard("a", at: begin) == 0)
        #expect(ledger.heard("a", at: begin + 50 * Self.ms) == 400)
        #expect(ledger.heard("a", at: begin + 200 * Self.ms) == 1600)
        #expect(ledger.heard("a", at: begin + 9000 * Self.ms) == 1600)
    }

    @Test("The lead is what the phone still has to play")
    func lead() {
        let ledger = TestLedger()
        ledger.receive("a", 8000)
        ledger.send(2400, at: 0)
        #expect(ledger.ahead(at: 0) == 300 * Self.ms)
        ledger.send(800, at: 100 * Self.ms)
        #expect(ledger.ahead(at: 100 * Self.ms) == 300 * Self.ms)
        #expect(ledger.ahead(at: 900 * Self.ms) == 0)
        #expect(ledger.next?.left == 4800)
    }

    @Test("A stall in mid-answer: the phone runs dry and starts anew")
    func stall() {
        let ledger = TestLedger()
        ledger.receive("a", 4800)
        ledger.send(1600, at: 0)
        #expect(ledger.heard(at: 500 * Self.ms) == 1600)
        ledger.send(1600, at: 500 * Self.ms)
        #expect(ledger.heard(at: 500 * Self.ms) == 1600)
        #expect(ledger.heard(at: 600 * Self.ms) == 2400)
        ledger.send(1600, at: 600 * Self.ms)
        #expect(ledger.heard(at: 800 * Self.ms) == 4000)
    }

    @Test("Padding is played, but is nobody's")
    func padding() {
        let ledger = TestLedger()
        ledger.receive("a", 100)
        ledger.complete("a")
        ledger.receive("b", 160)
        ledger.send(100, padding: 60, at: 0)
        ledger.send(160, at: 0)
        #expect(ledger.position == 320)
        #expect(ledger.heard("a", at: 20 * Self.ms) == 100)
        #expect(ledger.heard("b", at: 20 * Self.ms) == 0)
        #expect(ledger.heard("b", at: 30 * Self.ms) == 80)
    }

    @Test("A constant way back changes nothing", arguments: [0, 50, 200] as [Int64])
    func constantEchoDelay(delay: Int64) {
        let ledger = TestLedger()
        var phone = SimulatedPhone(echoDelay: delay * Self.ms)
        ledger.receive("a", 80000)
        for now in stride(from: Int64(0), to: 12_000 * Self.ms, by: 20_000) {
            for echo in phone.arrived(by: now) { #expect(ledger.echo(echo.name, at: echo.at)) }
            if ledger.ahead(at: now) <= 200 * Self.ms, ledger.next != nil {
                ledger.send(800, at: now)
                phone.audio(800, at: now)
                phone.mark(ledger.mark(), at: now)
            }
            #expect(ledger.heard(at: now) == phone.played(at: now))
        }
        #expect(ledger.heard("a", at: 12_000 * Self.ms) == 80000)
        #expect(!ledger.isUnproven)
    }

    @Test("A phone that falls behind holds the estimate back", arguments: [0.99, 0.95, 0.9])
    func fallingBehind(speed: Double) {
        let ledger = TestLedger()
        var phone = SimulatedPhone(echoDelay: 50 * Self.ms, speed: speed)
        ledger.receive("a", 80000)
        var worst = 0
        var clockAlone = 0
        for now in stride(from: Int64(0), to: 10_000 * Self.ms, by: 20_000) {
            for echo in phone.arrived(by: now) { ledger.echo(echo.name, at: echo.at) }
            if now % (200 * Self.ms) == 0, ledger.next != nil {
                ledger.send(1600, at: now)
                phone.audio(1600, at: now)
                phone.mark(ledger.mark(), at: now)
            }
            worst = max(worst, abs(ledger.heard(at: now) - phone.played(at: now)))
            clockAlone = max(clockAlone, Int(min(now / 125, 80000)) - phone.played(at: now))
        }
        // What the last two marks can not know yet: two mark intervals' growth, and the way back's.
        let unknowable = Int((1 / speed - 1) * Double(8 * (3 * 200 + 50 + 20))) + 8
        #expect(clockAlone > unknowable)
        #expect(worst <= unknowable + Int((1 - speed) * 8 * 1000))
    }

    @Test("Lost marks: the clock alone decides, and the grace ends the wait")
    func lostMarks() {
        let ledger = TestLedger()
        ledger.receive("a", 1600)
        ledger.complete("a")
        #expect(ledger.grace == .max)
        ledger.send(1600, at: 0)
        _ = ledger.mark()
        let end = 200 * Self.ms
        #expect(ledger.heard("a", at: end) == 1600)
        #expect(ledger.grace == end + Int64(TRK_LEDGER_ECHO_GRACE_MS) * Self.ms)
        #expect(ledger.finish(at: ledger.grace - 1) == [])
        #expect(ledger.isUnproven)
        #expect(ledger.finish(at: ledger.grace) == ["a"])
        #expect(ledger.grace == .max)
    }

    @Test("A later mark proves what stands before it")
    func laterMark() {
        let ledger = TestLedger()
        for id in ["a", "b", "c"] { ledger.receive(id, 160) }
        ledger.complete("c")
        var names: [String] = []
        for _ in 0..<3 {
            ledger.send(160, at: 0)
            names.append(ledger.mark())
        }
        #expect(Set(names).count == 3)
        #expect(ledger.echo(names[1], at: 45 * Self.ms))
        #expect(ledger.finish(at: 45 * Self.ms) == ["a", "b"])
        // The first comes late: it says nothing new.
        #expect(!ledger.echo(names[0], at: 46 * Self.ms))
        #expect(ledger.echo(names[2], at: 70 * Self.ms))
        #expect(!ledger.echo(names[2], at: 71 * Self.ms))
        #expect(ledger.finish(at: 71 * Self.ms) == ["c"])
    }

    @Test("An echo before its time moves the estimate on")
    func earlyEcho() {
        let ledger = TestLedger()
        ledger.receive("a", 1600)
        ledger.send(1600, at: 0)
        let name = ledger.mark()
        #expect(ledger.echo(name, at: 50 * Self.ms))
        #expect(ledger.heard("a", at: 50 * Self.ms) == 1600)
    }

    @Test(
        "Marks that are none of ours",
        arguments: [
            "", "g", "g0", "g0.", "g0.x", "g.160", "x0.160", "g0.160 ", "g1.160", "g0.161", "g0.0", "g-0.160",
            "g0.99999999999999999999", "g99999999999999999999.160", "g0.160.160", "00.160",
        ]
    )
    func foreignMarks(name: String) {
        let ledger = TestLedger()
        ledger.receive("a", 320)
        ledger.send(160, at: 0)
        #expect(ledger.mark() == "g0.160")
        #expect(!ledger.echo(name, at: 20 * Self.ms))
        #expect(ledger.isUnproven)
        #expect(ledger.echo("g0.160", at: 20 * Self.ms))
    }

    @Test("An interruption forgets the items and all marks under way")
    func interrupt() {
        let ledger = TestLedger()
        ledger.receive("a", 1600)
        ledger.send(1600, at: 0)
        let old = ledger.mark()
        #expect(ledger.isUnproven)
        ledger.interrupt(at: 100 * Self.ms)
        #expect(!ledger.isUnproven)
        #expect(ledger.next == nil)
        #expect(ledger.heard("a", at: 100 * Self.ms) == nil)
        #expect(ledger.ahead(at: 100 * Self.ms) == 0)
        #expect(!ledger.echo(old, at: 101 * Self.ms))
        // The same id may come again: a new answer of the same name is a new item.
        ledger.receive("a", 800)
        ledger.send(800, at: 150 * Self.ms)
        let new = ledger.mark()
        #expect(new != old)
        #expect(ledger.heard("a", at: 150 * Self.ms) == 0)
        #expect(ledger.heard("a", at: 200 * Self.ms) == 400)
        #expect(!ledger.echo(old, at: 210 * Self.ms))
        #expect(ledger.echo(new, at: 260 * Self.ms))
    }
}
