import CTrunk.Codecs
import Testing

/// Opus as the core uses it: what it costs the sound, and what is heard when packets are lost.
@Suite("Opus", .enabled(if: TestOpus.isBuiltIn, "needs Opus")) struct OpusTests {
    /// Speech to a peer and back: encoded and decoded once, then once more, as a call does.
    @Test("Speech stays speech", arguments: [(20, 32_000), (60, 32_000), (60, 16_000)])
    func roundTrip(milliseconds: Int, bitrate: Int) throws {
        let speech = try Signal.speech()
        let once = TestOpus(bitrate: bitrate)
        let heard = once.packets(speech, milliseconds: milliseconds).flatMap { once.decode($0) }
        let twice = TestOpus(bitrate: bitrate)
        let back = twice.packets(heard, milliseconds: milliseconds).flatMap { twice.decode($0) }
        let whole = speech.count / (24 * milliseconds) * (24 * milliseconds)
        #expect(heard.count == whole && back.count == whole)
        // Floors well below what was measured: segmental SNR in dB, and likeness once aligned.
        for (name, samples, floor, likeness) in [("once", heard, 6.5, 0.9), ("twice", back, 3.5, 0.8)] {
            let aligned = Signal.alignment(speech, samples)
            let snr = Signal.segmentalSNR(speech, samples, delay: aligned.delay)
            print(
                "opus \(milliseconds) ms, \(bitrate) bit/s, \(name): segmental SNR \(snr) dB, likeness "
                    + "\(aligned.likeness), delay \(Double(aligned.delay) / 24) ms"
            )
            #expect(snr > floor)
            #expect(aligned.likeness > likeness)
            #expect(aligned.delay <= 24 * 30)
            #expect(abs(Signal.decibels(Signal.rms(samples) / Signal.rms(speech))) < 1)
        }
    }

    /// A click is a jump that no sample beside it has.
    @Test("Packets join without clicks", arguments: [20, 40, 60])
    func joins(milliseconds: Int) {
        let sweep = Signal.sweep(3, from: 200, to: 3_000, amplitude: 10_000)
        let opus = TestOpus()
        let heard = opus.packets(sweep, milliseconds: milliseconds).flatMap { opus.decode($0) }
        let length = 24 * milliseconds
        func bend(_ index: Int) -> Double {
            abs(Double(heard[index - 1]) - 2 * Double(heard[index]) + Double(heard[index + 1]))
        }
        var worst = 0.0
        // The first half second is left to the codec to find the tone.
        for join in stride(from: 12_000 / length * length, to: heard.count - length, by: length) {
            let at = (join - 2...join + 1).map(bend).max() ?? 0
            let elsewhere =
                ((join - length / 2..<join - 2).map(bend) + (join + 2..<join + length / 2).map(bend)).max() ?? 1
            worst = max(worst, at / elsewhere)
        }
        print("opus \(milliseconds) ms: bend at joins at most \(worst) of the greatest beside them")
        #expect(worst < 1.5)
    }

    /// As `line.c` leads a lost packet: guessed, but for the last before one that came, which may have a copy.
    private func hearing(_ packets: [[UInt8]], lost: Set<Int>, length: Int, usesCopies: Bool) -> [Int16] {
        let opus = TestOpus()
        return packets.indices.flatMap { index -> [Int16] in
            if !lost.contains(index) { return opus.decode(packets[index]) }
            let next = index + 1
            guard usesCopies, next < packets.count, !lost.contains(next) else { return opus.conceal(length) }
            return opus.recover(length, from: packets[next])
        }
    }

    private func losses(_ percent: Int, of count: Int) -> (lost: Set<Int>, longest: Int) {
        var random = CodecRandom(seed: UInt64(percent))
        // The first packets are never lost: there is nothing to guess from.
        let lost = Set((10..<count).filter { _ in random.next() % 100 < UInt64(percent) })
        var (longest, run) = (0, 0)
        for index in 0..<count {
            run = lost.contains(index) ? run + 1 : 0
            longest = max(longest, run)
        }
        return (lost, longest)
    }

    @Test("Lost packets are concealed: no hole, no sample too many", arguments: [1, 5, 20])
    func loss(percent: Int) {
        let voice = Signal.voice(10)
        let length = 480
        let packets = TestOpus(loss: percent).packets(voice, milliseconds: 20)
        let (lost, longest) = losses(percent, of: packets.count)
        #expect(!lost.isEmpty)
        // The codec keeps what is heard of a voice, not its shape: likeness counts against that without loss.
        let whole = Signal.alignment(voice, hearing(packets, lost: [], length: length, usesCopies: false)).likeness
        for usesCopies in [false, true] {
            let heard = hearing(packets, lost: lost, length: length, usesCopies: usesCopies)
            #expect(heard.count == packets.count * length)
            let silence = Signal.longestSilence(Array(heard.dropFirst(4_800)))
            let aligned = Signal.alignment(voice, heard)
            print(
                "opus \(percent) % lost (\(lost.count) of \(packets.count), up to \(longest) in a row), "
                    + "\(usesCopies ? "copies" : "guesses"): longest silence \(silence) samples, "
                    + "likeness \(aligned.likeness) of \(whole)"
            )
            #expect(silence < length * longest, "a hole")
            #expect(silence < length, "a lost packet is heard as a hole")
            #expect(aligned.likeness > whole * (percent > 5 ? 0.8 : 0.95))
        }
    }

    @Test("A copy in the next packet is better than a guess")
    func copies() throws {
        let speech = try Signal.speech()
        let packets = TestOpus(loss: 20).packets(speech, milliseconds: 20)
        let lost = Set(stride(from: 10, to: packets.count - 1, by: 5))
        let (guessed, copied) = (
            hearing(packets, lost: lost, length: 480, usesCopies: false),
            hearing(packets, lost: lost, length: 480, usesCopies: true)
        )
        let delay = Signal.alignment(speech, copied).delay
        let (before, after) = (
            Signal.segmentalSNR(speech, guessed, delay: delay), Signal.segmentalSNR(speech, copied, delay: delay)
        )
        print("opus every fifth packet lost: segmental SNR \(before) dB by guesses, \(after) dB by copies")
        #expect(after > before + 0.5)
    }

    @Test("What is no Opus is refused, what is odd is not")
    func packets() {
        let opus = TestOpus()
        let good = opus.encode(Signal.tone(300, rate: 24_000, seconds: 0.06))
        #expect(opus.decode([]) == [])
        // Code 3 with no frame, with 49 frames of 2.5 ms, and with padding that never ends (RFC 6716, 3.2.5).
        #expect(opus.decode([0x83, 0x00]) == [] && opus.decode([0x83, 49]) == [])
        #expect(opus.decode([0x83, 0x41] + [UInt8](repeating: 0xFF, count: 40)) == [])
        // Two frames of 60 ms are as much as there may be; three are not.
        #expect(opus.decode([0x18 | 3, 3]) == [])
        #expect(opus.decode([UInt8](repeating: 0, count: Int(TRK_OPUS_PACKET_MAX) + 1)) == [])
        #expect(opus.decode(good).count == 1_440, "the state outlives them all")
        var config = trk_opus_config()
        config.rate = 24_000
        config.bitrate = 5_999
        var memory = [UInt64](repeating: 0, count: trk_opus_size() / 8 + 1)
        memory.withUnsafeMutableBytes { bytes in
            let state = bytes.baseAddress.map { OpaquePointer($0) }
            guard let state else { return }
            #expect(trk_opus_init(state, &config) == .TRK_EINVALID)
            config.bitrate = 6_000
            config.complexity = 11
            #expect(trk_opus_init(state, &config) == .TRK_EINVALID)
            config.complexity = 10
            config.rate = 44_100
            #expect(trk_opus_init(state, &config) == .TRK_EINVALID)
            config.rate = 24_000
            #expect(trk_opus_init(state, &config) == .TRK_OK)
        }
    }

    @Test("Extremes come out as they may", arguments: [8_000, 24_000])
    func extremes(rate: Int) {
        let opus = TestOpus(rate: rate)
        let count = rate / 50
        let inputs: [[Int16]] = [
            Array(repeating: .max, count: count), Array(repeating: .min, count: count),
            (0..<count).map { $0 % 2 == 0 ? .max : .min }, (0..<count).map { $0 / 24 % 2 == 0 ? .max : .min },
        ]
        for input in inputs {
            for _ in 0..<20 {
                let packet = opus.encode(input)
                #expect(packet.count > 0 && packet.count <= Int(TRK_OPUS_ENCODED_MAX))
                #expect(opus.decode(packet).count == count)
            }
        }
        #expect(opus.encode(Array(repeating: 0, count: count - 1)) == [], "no length of a packet")
    }
}

/// Numbered packets put in order.
@Suite("Reorder window") struct ReorderTests {
    /// A window, and what came out of it: the number of each packet, negative numbers for lost ones.
    private final class Window {
        private let raw: UnsafeMutablePointer<trk_reorder>
        private(set) var out: [Int] = []

        init() {
            raw = .allocate(capacity: 1)
            trk_reorder_init(raw)
        }

        deinit { raw.deallocate() }

        var late: Int { Int(raw.pointee.late) }
        var waiting: Int { Int(raw.pointee.waiting) }

        func put(_ number: Int, bytes count: Int = 2) {
            var bytes = [UInt8](repeating: 0, count: count)
            if count >= 2 {
                (bytes[0], bytes[1]) = (UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number))
            }
            bytes.withUnsafeBufferPointer { buffer in
                var out = trk_reorder_out()
                var isNext = trk_reorder_put(
                    raw,
                    Int64(number),
                    trk_bytes(data: buffer.baseAddress, count: count),
                    &out
                )
                while isNext || trk_reorder_next(raw, &out) {
                    isNext = false
                    for _ in 0..<out.lost { self.out.append(-1) }
                    #expect(out.bytes.count >= 2)
                    self.out.append(out.bytes.data.map { Int($0[0]) << 8 | Int($0[1]) } ?? -2)
                }
            }
        }
    }

    private func order(_ numbers: [Int]) -> Window {
        let window = Window()
        for number in numbers { window.put(number) }
        return window
    }

    @Test("Order is kept and made")
    func order() {
        #expect(order([1, 2, 3, 4]).out == [1, 2, 3, 4])
        #expect(order([1, 3, 2, 4]).out == [1, 2, 3, 4])
        #expect(order([1, 5, 4, 3, 2]).out == [1, 2, 3, 4, 5])
        // It begins with whatever comes first.
        #expect(order([7, 8]).out == [7, 8])
        #expect(order([0, 1]).out == [0, 1])
    }

    @Test("Duplicates and late ones are dropped and counted")
    func duplicates() {
        let twice = order([1, 1, 2, 2, 4, 4, 3])
        #expect(twice.out == [1, 2, 3, 4] && twice.late == 3)
        let late = order([5, 6, 4, 7])
        #expect(late.out == [5, 6, 7] && late.late == 1)
    }

    @Test("A lost packet is waited for until five others came")
    func lost() {
        let window = order([1, 3, 4, 5, 6])
        #expect(window.out == [1] && window.waiting == 4)
        window.put(7)
        #expect(window.out == [1, -1, 3, 4, 5, 6, 7] && window.waiting == 0)
        window.put(2)
        #expect(window.late == 1)
        let three = order([1, 5, 6, 7, 8, 9])
        #expect(three.out == [1, -1, -1, -1, 5, 6, 7, 8, 9])
        let apart = order([1, 3, 5, 7, 9, 11])
        // The first gap is given up; the others are waited for.
        #expect(apart.out == [1, -1, 3] && apart.waiting == 4)
    }

    @Test("A jump is a new beginning and no loss")
    func jump() {
        #expect(order([1, 2, 1_000, 1_001]).out == [1, 2, 1_000, 1_001])
        #expect(order([1_000, 1, 2]).out == [1_000, 1, 2])
        // 50 numbers beyond the one whose turn it is are no jump yet.
        #expect(order([1, 48, 49, 50, 51, 52]).out.filter { $0 == -1 }.count == 46)
        let waiting = order([1, 3, 4, 500])
        #expect(waiting.out == [1, 500] && waiting.waiting == 0)
        #expect(waiting.late == 2, "what waited is dropped, and counted")
    }

    @Test("A number that cannot be counted on from is none")
    func largest() {
        // The test's packets hold the last 16 bits of their number.
        #expect(order([Int.max, Int.max, 1, 2]).out == [65_535, 65_535, 1, 2])
        #expect(order([1, Int.max, 2]).out == [1, 65_535, 2])
        // In the order of arrival, with none that is waited for.
        #expect(order([Int.max - 10, Int.max - 8, Int.max - 9]).out == [65_525, 65_527, 65_526])
    }

    @Test("A packet that is too large to wait takes its turn at once")
    func large() {
        let window = order([1, 3])
        window.put(4, bytes: Int(TRK_REORDER_BYTES) + 1)
        #expect(window.out == [1, -1, -1, 4] && window.late == 1)
        window.put(5)
        #expect(window.out.last == 5)
        let fits = order([1])
        fits.put(3, bytes: Int(TRK_REORDER_BYTES))
        #expect(fits.out == [1])
    }

    @Test("Whatever comes: nothing twice, nothing backwards, never more than the window")
    func anything() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = CodecRandom(seed: seed)
            let window = Window()
            var number = 100
            for _ in 0..<300 {
                number += Int(random.next() % 5) - 1
                window.put(number)
                #expect(window.waiting < Int(TRK_REORDER_PACKETS))
            }
            let heard = window.out.filter { $0 >= 0 }
            #expect(zip(heard, heard.dropFirst()).allSatisfy { $0 < $1 })
            #expect(heard.count + window.late + window.waiting == 300)
            // Every number between the first and the last was heard or told as lost.
            if let first = heard.first, let last = heard.last { #expect(window.out.count == last - first + 1) }
        }
    }

    @Test("Without a number packets pass as they come")
    func unnumbered() {
        let window = order([1, 2])
        window.put(-1)
        window.put(3)
        #expect(window.out == [1, 2, 0xFFFF, 3])
    }
}

/// Between 8,000 and 24,000 samples a second.
@Suite("Rates") struct PCMTests {
    private func down(_ samples: [Int16], pieces: [Int] = []) -> [UInt8] {
        var memory = trk_pcm_memory()
        var codes: [UInt8] = []
        var at = 0
        for piece in pieces.isEmpty ? [samples.count / 3] : pieces {
            let output = ExactBuffer(count: piece)
            samples.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                trk_pcm_to_ulaw(output.start, base + 3 * at, piece, &memory)
            }
            codes += output.bytes
            at += piece
        }
        return codes
    }

    private func up(_ codes: [UInt8], last: inout Int16) -> [Int16] {
        var samples = [Int16](repeating: 0, count: 3 * codes.count)
        trk_pcm_from_ulaw(&samples, codes, codes.count, &last)
        return samples
    }

    private func decoded(_ codes: [UInt8]) -> [Int16] {
        var samples = [Int16](repeating: 0, count: codes.count)
        trk_ulaw_decode(&samples, codes, codes.count)
        return samples
    }

    /// How loud a tone comes out of the low pass, dB.
    private func gain(_ frequency: Double) -> Double {
        let tone = Signal.tone(frequency, rate: 24_000)
        let heard = decoded(down(tone)).dropFirst(100)
        return Signal.decibels(Signal.rms(heard) / Signal.rms(tone))
    }

    @Test("What a telephone hears passes, what it would hear as something else does not")
    func lowPass() {
        for frequency in [300.0, 1_000, 2_000, 3_000, 5_000, 6_000, 7_000, 8_000, 10_000] {
            print("pcm \(frequency) Hz: \(gain(frequency)) dB")
        }
        #expect(abs(gain(300)) < 1 && abs(gain(1_000)) < 1)
        #expect(gain(8_000) < -20 && gain(7_000) < -20 && gain(10_000) < -20)
    }

    @Test("Pieces of any length are the same as the whole")
    func pieces() {
        let tone = Signal.tone(700, rate: 24_000, seconds: 0.5)
        let whole = down(tone)
        #expect(down(tone, pieces: [1, 2, 159, 160, 161, 320, 1, 500]) == Array(whole.prefix(1_304)))
        var (last, parts) = (Int16(0), [Int16]())
        for piece in [whole[..<1], whole[1..<2], whole[2..<700], whole[700...]] {
            parts += up(Array(piece), last: &last)
        }
        var zero = Int16(0)
        #expect(parts == up(whole, last: &zero))
    }

    @Test("Up and down again")
    func upAndDown() {
        var last = Int16(0)
        let codes = (0..<8_000).map { index -> UInt8 in
            trk_ulaw_encode_sample(Signal.tone(1_000, rate: 8_000)[index % 8])
        }
        let back = down(up(codes, last: &last))
        #expect(back.count == codes.count)
        let ratio = Signal.decibels(Signal.rms(decoded(back).dropFirst(100)) / Signal.rms(decoded(codes)))
        print("pcm up and down, 1000 Hz: \(ratio) dB")
        #expect(abs(ratio) < 1)
        #expect(down(up([UInt8](repeating: 0xFF, count: 800), last: &last)).dropFirst(10).allSatisfy { $0 == 0xFF })
    }

    @Test("The loudest input does not wrap around")
    func loud() {
        let square = (0..<2_400).map { $0 / 120 % 2 == 0 ? Int16.max : Int16.min }
        let heard = decoded(down(square))
        // Beside the edges the low pass swings beyond what fits; a code's middle tap stands eight samples back.
        for index in 3..<800 where (3...116).contains((3 * index - 8) % 120) {
            #expect((heard[index] > 0) == (square[3 * index - 8] > 0), "at \(index)")
        }
    }
}

/// The ledger of a call that is no telephone's.
@Suite("Ledger of other lines") struct LineLedgerTests {
    private static let ms: Int64 = 1_000

    @Test("At 48 bytes a millisecond")
    func pcm() {
        let ledger = TestLedger()
        ledger.setLine(bytesPerMillisecond: 48, hasMarks: true)
        ledger.receive("a", 48_000)
        ledger.send(9_600, at: 0)
        #expect(ledger.ahead(at: 0) == 200 * Self.ms)
        #expect(ledger.heard("a", at: 50 * Self.ms) == 2_400)
        #expect(ledger.heard("a", at: 900 * Self.ms) == 9_600)
        let mark = ledger.mark()
        #expect(ledger.echo(mark, at: 230 * Self.ms))
        #expect(!ledger.isUnproven)
        ledger.send(4_800, at: 1_000 * Self.ms)
        #expect(ledger.ahead(at: 1_050 * Self.ms) == 50 * Self.ms)
        ledger.interrupt(at: 1_050 * Self.ms)
        #expect(ledger.ahead(at: 1_050 * Self.ms) == 0 && ledger.next == nil)
    }

    @Test("Without marks the clock alone tells, and nothing waits for an echo")
    func withoutMarks() {
        let ledger = TestLedger()
        ledger.setLine(bytesPerMillisecond: 48, hasMarks: false)
        ledger.receive("a", 4_800)
        ledger.complete("a")
        ledger.send(4_800, at: 0)
        #expect(ledger.finish(at: 99 * Self.ms) == [])
        #expect(ledger.grace == 100 * Self.ms)
        #expect(ledger.finish(at: ledger.grace) == ["a"])
        // With marks the same item waits for its own, up to the grace.
        let marked = TestLedger()
        marked.setLine(bytesPerMillisecond: 48, hasMarks: true)
        marked.receive("a", 4_800)
        marked.complete("a")
        marked.send(4_800, at: 0)
        _ = marked.mark()
        #expect(marked.finish(at: 100 * Self.ms) == [])
        #expect(marked.finish(at: 2_200 * Self.ms) == ["a"])
    }
}
