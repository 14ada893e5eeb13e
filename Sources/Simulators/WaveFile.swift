import Foundation
import Trunk

/// Reads and writes WAV files: telephone audio for callers, recordings of calls.
public enum WaveFile {
    /// What can be wrong with a file.
    public struct Failure: Error, CustomStringConvertible {
        /// What is wrong, and with which file.
        public let description: String
    }

    /// Samples per second of a telephone.
    public static let sampleRate = 8_000
    private static let maximumBytes = 64 << 20

    /// Reads a WAV file as µ-law at 8 kHz: PCM 16 bit or µ-law, any rate, any number of channels (the first is taken).
    public static func readMuLaw(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(description: "\(path): cannot be read")
        }
        guard data.count <= maximumBytes else { throw Failure(description: "\(path): larger than 64 MiB") }
        let bytes = [UInt8](data)
        guard let chunks = chunks(of: bytes), let format = chunks["fmt "], let audio = chunks["data"],
            format.count >= 16
        else { throw Failure(description: "\(path): not a WAV file") }
        let kind = little16(format, 0)
        let channels = max(1, little16(format, 2))
        let rate = little16(format, 4) | little16(format, 6) << 16
        let bits = little16(format, 14)
        if kind == 7, bits == 8 {
            return resample(MuLaw.decode(stride(from: 0, to: audio.count, by: channels).map { audio[$0] }), rate)
        }
        guard kind == 1 || kind == 0xFFFE, bits == 16, rate > 0 else {
            throw Failure(description: "\(path): only 16-bit PCM and µ-law are read")
        }
        let frame = 2 * channels
        let samples = stride(from: 0, to: audio.count / frame * frame, by: frame).map { index in
            Int16(truncatingIfNeeded: little16(audio, index))
        }
        return resample(samples, rate)
    }

    /// Writes two µ-law channels as a stereo 16-bit PCM file; the shorter one is filled with silence.
    public static func writeStereo(_ path: String, left: [UInt8], right: [UInt8]) throws {
        let count = max(left.count, right.count)
        func padded(_ channel: [UInt8]) -> [Int16] {
            MuLaw.decode(channel + [UInt8](repeating: MuLaw.silence, count: count - channel.count))
        }
        let (left, right) = (padded(left), padded(right))
        var bytes = header(dataBytes: count * 4, channels: 2)
        bytes.reserveCapacity(bytes.count + count * 4)
        for index in 0..<count {
            for sample in [left[index], right[index]] {
                bytes.append(UInt8(truncatingIfNeeded: sample))
                bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
        }
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        } catch {
            throw Failure(description: "\(path): cannot be written: \(error.localizedDescription)")
        }
    }

    // MARK: - Parts

    private static func header(dataBytes: Int, channels: Int) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) } }
        let blockBytes = 2 * channels
        return Array("RIFF".utf8) + little(36 + dataBytes, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + little(1, 2)
            + little(channels, 2) + little(sampleRate, 4) + little(sampleRate * blockBytes, 4) + little(blockBytes, 2)
            + little(16, 2) + Array("data".utf8) + little(dataBytes, 4)
    }

    private static func little16(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> Int {
        let at = bytes.startIndex + offset
        return Int(bytes[at]) | Int(bytes[at + 1]) << 8
    }

    private static func little16(_ bytes: [UInt8], _ offset: Int) -> Int { little16(bytes[...], offset) }

    private static func chunks(of bytes: [UInt8]) -> [String: [UInt8]]? {
        guard bytes.count >= 12, bytes[0..<4].elementsEqual("RIFF".utf8), bytes[8..<12].elementsEqual("WAVE".utf8)
        else { return nil }
        var found: [String: [UInt8]] = [:]
        var at = 12
        while at + 8 <= bytes.count {
            let name = String(decoding: bytes[at..<at + 4], as: UTF8.self)
            let size = little16(bytes, at + 4) | little16(bytes, at + 6) << 16
            let end = min(bytes.count, at + 8 + size)
            found[name] = found[name] ?? Array(bytes[at + 8..<end])
            at += 8 + size + size % 2
        }
        return found
    }

    /// Linear interpolation: enough for speech that goes over a telephone.
    private static func resample(_ samples: [Int16], _ rate: Int) -> [UInt8] {
        guard rate != sampleRate, rate > 0, samples.count > 1 else { return MuLaw.encode(samples) }
        let count = samples.count * sampleRate / rate
        let resampled = (0..<count).map { index -> Int16 in
            let position = Double(index) * Double(rate) / Double(sampleRate)
            let before = min(Int(position), samples.count - 2)
            let fraction = position - Double(before)
            return Int16(Double(samples[before]) * (1 - fraction) + Double(samples[before + 1]) * fraction)
        }
        return MuLaw.encode(resampled)
    }
}
