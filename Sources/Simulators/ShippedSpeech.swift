import Foundation

/// Two short utterances that ship with the project, spoken by espeak-ng, for machines without telephone recordings.
public enum ShippedSpeech {
    /// The utterances, µ-law at 8 kHz.
    public static func utterances() throws -> (first: [UInt8], second: [UInt8]) {
        (try audio("question"), try audio("interruption"))
    }

    private static func audio(_ name: String) throws -> [UInt8] {
        guard let path = Bundle.module.path(forResource: "Resources/\(name)", ofType: "wav") else {
            throw WaveFile.Failure(description: "\(name).wav is missing from the package's resources")
        }
        return try WaveFile.readMuLaw(path)
    }
}
