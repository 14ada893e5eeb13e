import CallBridge
import CallPolicy
import Foundation
import Simulators
import Trunk

/// One call through a real server: a caller speaks, the model answers, the caller interrupts it.
public enum Demo {
    /// What is said, and where the recording goes.
    public struct Options: Sendable {
        /// What the caller says first, µ-law.
        public var first: [UInt8]
        /// What the caller says to interrupt the answer.
        public var second: [UInt8]
        /// The recording: caller left, agent right; nil writes none.
        public var recording: String?
        /// How much of the answer is heard before the caller interrupts, milliseconds.
        public var interruptAfter = 1_500

        /// A demo with these utterances.
        public init(first: [UInt8], second: [UInt8], recording: String?) {
            self.first = first
            self.second = second
            self.recording = recording
        }
    }

    /// What came out.
    public struct Outcome: Sendable {
        /// What happened when, ready to print.
        public var timeline: [String]
        /// Figures, ready to print.
        public var figures: [String]
        /// What did not go as it must; empty when all did.
        public var failures: [String]
    }

    /// Largest difference between what was reported as heard and what was heard, milliseconds.
    public static let truncationTolerance = 40

    /// Runs the call; it takes as long as a call takes.
    public static func run(_ options: Options) async throws -> Outcome {
        var setup = Rig.Setup()
        setup.model.voice = .parrot
        let rig = try await Rig(setup)
        var script = PhoneScript([
            .pause(milliseconds: 600), .speak(options.first),
            .waitUntilHeard(milliseconds: options.interruptAfter, atMost: 15_000), .speak(options.second),
            .waitForSilence(milliseconds: 900, atMost: 30_000), .hangUp(.stop),
        ])
        script.callID = "CAdemo00000000000000000000000000001"
        let phone = try await rig.call(script)
        await phone.ended()
        // The server hears of the end by its own socket: its last records come a moment later.
        for _ in 0..<200 where !rig.callRecords.contains(where: \.isEnd) { try await Task.sleep(for: .milliseconds(1)) }
        await rig.stop()
        let report = phone.report
        if let path = options.recording {
            try WaveFile.writeStereo(path, left: report.said, right: report.heard)
        }
        return DemoReview(records: rig.callRecords, phone: report, model: rig.modelLog.entries).outcome
    }

    // MARK: - What is said

    /// Real telephone speech of Debian's asterisk-core-sounds-en-wav, where it is installed.
    static let installed = [
        ("/usr/share/asterisk/sounds/en/demo-thanks.wav", "/usr/share/asterisk/sounds/en/tt-weasels.wav"),
        (
            "/usr/share/asterisk/sounds/en_US_f_Allison/demo-thanks.wav",
            "/usr/share/asterisk/sounds/en_US_f_Allison/tt-weasels.wav"
        ),
    ]

    /// The utterances: the user's own file first, then installed telephone speech, then what ships with the project.
    ///
    /// - Parameter wav: A WAV file of the user's, or nil.
    public static func utterances(wav: String?) throws -> (first: [UInt8], second: [UInt8], source: String) {
        if let wav {
            let audio = try WaveFile.readMuLaw(wav)
            return (audio, Array(audio.prefix(2_000 * MuLaw.bytesPerMillisecond)), wav)
        }
        for (first, second) in installed where FileManager.default.fileExists(atPath: first) {
            return (try WaveFile.readMuLaw(first), try WaveFile.readMuLaw(second), first)
        }
        let shipped = try ShippedSpeech.utterances()
        return (shipped.first, shipped.second, "the speech that ships with Trunkline")
    }
}

extension CallRecord {
    /// Whether this is the last record of a call.
    var isEnd: Bool {
        if case .ended = kind { return true }
        return false
    }
}
