import Foundation
import Trunk

/// A plain tone, for models without words.
enum ToneVoice {
    private static let frequency = 440.0
    private static let amplitude = 8_000.0

    /// µ-law of a 440 Hz tone.
    static func tone(milliseconds: Int) -> [UInt8] {
        let count = milliseconds * MuLaw.bytesPerMillisecond
        return MuLaw.encode(
            (0..<count).map {
                Int16(amplitude * sin(2 * Double.pi * frequency * Double($0) / Double(WaveFile.sampleRate)))
            }
        )
    }
}
