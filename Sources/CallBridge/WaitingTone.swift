import Glibc
import Trunk

/// What a caller hears while no model has answered: two soft beeps.
enum WaitingTone {
    /// The frequency: that of many European dial and waiting tones (ITU-T E.180), Hz.
    private static let frequency = 425.0
    /// Of a beep and of the silence behind it, milliseconds: whole frames of 20.
    private static let (soundMilliseconds, silenceMilliseconds) = (120, 60)
    /// Rise and fall of a beep, so that it does not click, milliseconds.
    private static let slopeMilliseconds = 15.0
    /// The peak: 24 dB below the largest that µ-law has.
    private static let peak = 32_124 * 0.063

    /// 360 ms of µ-law.
    static let audio: [UInt8] = {
        let samples = (0..<soundMilliseconds * MuLaw.bytesPerMillisecond).map { index -> Int16 in
            let time = Double(index) / 8_000
            let left = Double(soundMilliseconds) / 1_000 - time
            let slope = min(1, min(time, left) * 1_000 / slopeMilliseconds)
            return Int16(peak * slope * sin(2 * .pi * frequency * time))
        }
        let silence = [UInt8](repeating: MuLaw.silence, count: silenceMilliseconds * MuLaw.bytesPerMillisecond)
        let beep = MuLaw.encode(samples) + silence
        return beep + beep
    }()
}
