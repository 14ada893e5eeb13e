import CTrunk.Codecs
import Foundation
import Testing

/// A state of `trk_opus` at 24,000 or 8,000 samples a second, in memory of its exact size.
final class TestOpus {
    private let memory: UnsafeMutableRawPointer
    private let raw: OpaquePointer
    let rate: Int

    static var isBuiltIn: Bool { trk_opus_size() > 0 }

    init(rate: Int = 24_000, bitrate: Int = 32_000, complexity: Int = 5, loss: Int = 0, fec: Bool = true) {
        memory = .allocate(byteCount: trk_opus_size(), alignment: 16)
        raw = OpaquePointer(memory)
        self.rate = rate
        var config = trk_opus_config()
        config.rate = UInt32(rate)
        config.bitrate = UInt32(bitrate)
        config.complexity = UInt32(complexity)
        config.loss_percent = UInt32(loss)
        config.fec = fec
        precondition(trk_opus_init(raw, &config) == .TRK_OK)
    }

    deinit { memory.deallocate() }

    func encode(_ samples: [Int16]) -> [UInt8] {
        var packet = [UInt8](repeating: 0, count: Int(TRK_OPUS_ENCODED_MAX))
        let count = trk_opus_encode(raw, &packet, packet.count, samples, samples.count)
        return Array(packet.prefix(max(0, count)))
    }

    /// The packets of a signal, each of so many milliseconds; what is left over at the end is left out.
    func packets(_ samples: [Int16], milliseconds: Int) -> [[UInt8]] {
        let count = rate * milliseconds / 1_000
        return stride(from: 0, through: samples.count - count, by: count).map {
            encode(Array(samples[$0..<$0 + count]))
        }
    }

    func decode(_ packet: [UInt8]) -> [Int16] {
        let input = ExactBuffer(packet)
        return made { trk_opus_decode(raw, $0, rate * Int(TRK_OPUS_MS_MAX) / 1_000, input.start, input.count) }
    }

    func conceal(_ samples: Int) -> [Int16] { made { trk_opus_conceal(raw, $0, samples) } }

    func recover(_ samples: Int, from next: [UInt8]) -> [Int16] {
        let input = ExactBuffer(next)
        return made { trk_opus_recover(raw, $0, samples, input.start, input.count) }
    }

    private func made(_ body: (UnsafeMutablePointer<Int16>) -> Int) -> [Int16] {
        var samples = [Int16](repeating: 0, count: rate * Int(TRK_OPUS_MS_MAX) / 1_000)
        let count = body(&samples)
        return Array(samples.prefix(max(0, count)))
    }
}

/// Signals, and how alike two are.
enum Signal {
    /// The speech that ships with the project, at 24,000 samples a second: its 8,000 on straight lines.
    static func speech(file: String = #filePath) throws -> [Int16] {
        let root = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = root.appendingPathComponent("Sources/Simulators/Resources/question.wav")
        let bytes = Array(try Data(contentsOf: path))
        let data = try #require(bytes.firstRange(of: Array("data".utf8))).upperBound + 4
        let codes = Array(bytes[data...])
        let samples = codes.map { trk_ulaw_decode_sample($0) }
        return (0..<3 * (samples.count - 1)).map { index in
            let (before, part) = (index / 3, index % 3)
            return Int16((Int(samples[before]) * (3 - part) + Int(samples[before + 1]) * part) / 3)
        }
    }

    /// From one frequency to another, at 24,000 samples a second.
    static func sweep(_ seconds: Int, from low: Double, to high: Double, amplitude: Double) -> [Int16] {
        let length = Double(seconds)
        return (0..<24_000 * seconds).map { index in
            let time = Double(index) / 24_000
            return Int16(amplitude * sin(2 * .pi * (low * time + (high - low) / (2 * length) * time * time)))
        }
    }

    /// A voice without pauses: the harmonics of a pitch that wanders.
    static func voice(_ seconds: Int) -> [Int16] {
        var phase = 0.0
        return (0..<24_000 * seconds).map { index in
            let time = Double(index) / 24_000
            phase += 2 * .pi * (140 + 25 * sin(2 * .pi * 0.7 * time)) / 24_000
            let sum = (1...12).reduce(0.0) { $0 + sin(Double($1) * phase) / Double($1) }
            return Int16(6_000 * sum)
        }
    }

    static func tone(_ frequency: Double, rate: Double, seconds: Double = 1, amplitude: Double = 8_000) -> [Int16] {
        (0..<Int(rate * seconds)).map { Int16(amplitude * sin(2 * .pi * frequency * Double($0) / rate)) }
    }

    static func rms(_ samples: some Collection<Int16>) -> Double {
        guard !samples.isEmpty else { return 0 }
        return (samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count)).squareRoot()
    }

    static func decibels(_ ratio: Double) -> Double { 20 * log10(max(ratio, 1e-9)) }

    /// By how many samples `late` is behind `first`, up to 30 ms, and how alike they are then, 0...1. The place is looked
    /// for in a second of the middle.
    static func alignment(_ first: [Int16], _ late: [Int16]) -> (delay: Int, likeness: Double) {
        let start = max(0, min(first.count, late.count) / 2 - 12_000)
        let (piece, other) = (Array(first.dropFirst(start).prefix(24_000)), Array(late.dropFirst(start).prefix(24_720)))
        let all = (0..<720).map { correlation(piece, other, $0) }
        let delay = all.indices.max { all[$0] < all[$1] } ?? 0
        return (delay, correlation(first, late, delay))
    }

    /// Loudness does not count.
    static func correlation(_ first: [Int16], _ late: [Int16], _ delay: Int) -> Double {
        let count = min(first.count, late.count - delay)
        var (product, one, other) = (0.0, 0.0, 0.0)
        for index in 0..<count {
            let (a, b) = (Double(first[index]), Double(late[index + delay]))
            product += a * b
            one += a * a
            other += b * b
        }
        return product / max(1, (one * other).squareRoot())
    }

    /// The mean ratio of signal to error, dB, of pieces of 20 ms that are no silence; each counts -10...35 dB. The
    /// error is taken once the loudness fits.
    static func segmentalSNR(_ first: [Int16], _ late: [Int16], delay: Int) -> Double {
        let count = min(first.count, late.count - delay)
        var (product, power) = (0.0, 0.0)
        for index in 0..<count {
            product += Double(first[index]) * Double(late[index + delay])
            power += Double(late[index + delay]) * Double(late[index + delay])
        }
        let gain = product / max(1, power)
        var ratios: [Double] = []
        for start in stride(from: 0, through: count - 480, by: 480) {
            var (signal, error) = (0.0, 0.0)
            for index in start..<start + 480 {
                let (a, b) = (Double(first[index]), gain * Double(late[index + delay]))
                signal += a * a
                error += (a - b) * (a - b)
            }
            if (signal / 480).squareRoot() < 100 { continue }
            ratios.append(min(35, max(-10, 10 * log10(signal / max(error, 1)))))
        }
        return ratios.reduce(0, +) / Double(max(1, ratios.count))
    }

    /// The longest run of samples that nobody hears.
    static func longestSilence(_ samples: [Int16]) -> Int {
        var (longest, run) = (0, 0)
        for sample in samples {
            run = abs(Int(sample)) < 32 ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }
}
