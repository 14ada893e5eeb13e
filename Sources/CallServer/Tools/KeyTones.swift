import Foundation
import Trunk

/// Tones of telephone keys (DTMF, ITU-T Q.23 and Q.24), as a caller's line or a menu behind it hears them.
enum KeyTones {
    /// The keys that there are.
    static let keys = "0123456789ABCD*#"
    /// Of a key and of the silence behind it, milliseconds: whole frames of 20, and more than the 40 that receivers need.
    static let (soundMilliseconds, silenceMilliseconds) = (80, 60)
    /// The most keys of one piece of audio: less than a second.
    static let keysAtOnce = 7

    /// Frequencies of rows and columns, Hz.
    private static let rows = [697.0, 770, 852, 941]
    private static let columns = [1_209.0, 1_336, 1_477, 1_633]
    private static let layout = Array("123A456B789C*0#D")
    /// The peak of each of the two: 9 dB below the largest that µ-law has, so that both together do not clip.
    private static let peak = 32_124 * 0.35

    /// µ-law of one key and the silence behind it; nil when there is no such key.
    static func audio(_ key: Character) -> [UInt8]? {
        guard let place = layout.firstIndex(of: key) else { return nil }
        let (low, high) = (rows[place / 4], columns[place % 4])
        let samples = (0..<soundMilliseconds * MuLaw.bytesPerMillisecond).map { index -> Int16 in
            let turn = 2 * Double.pi * Double(index) / 8_000
            return Int16(peak * (sin(low * turn) + sin(high * turn)))
        }
        let silence = silenceMilliseconds * MuLaw.bytesPerMillisecond
        return MuLaw.encode(samples) + [UInt8](repeating: MuLaw.silence, count: silence)
    }
}
