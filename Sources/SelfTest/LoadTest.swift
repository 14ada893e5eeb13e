import CallBridge
import CallPolicy
import Foundation
import Simulators
import Trunk

/// Many calls at once through a real server, with audio that tells each lost, repeated or reordered frame.
public enum LoadTest {
    /// How many calls, and for how long.
    public struct Options: Sendable {
        /// Calls at once.
        public var calls = 100
        /// How long each talks, seconds.
        public var seconds = 20
        /// Callers interrupt every second answer.
        public var interrupts = true
        /// After so much silence a caller takes an answer for ended, milliseconds: a machine that stalls makes gaps in answers.
        public var silenceMilliseconds = 500
        /// Calls begin spread over this time, milliseconds.
        public var rampMilliseconds = 2_000

        /// The defaults.
        public init() {}
    }

    /// Runs the calls and reviews them.
    public static func run(_ options: Options) async throws -> LoadReport {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 2_400
        setup.keepsRecords = false
        // A stalled machine must not look like lost audio: what waits is counted, not dropped.
        setup.engine.waitingMillisecondsMax = 30_000
        let rig = try await Rig(setup)
        var report = LoadReport(calls: options.calls, seconds: options.seconds)
        let before = await LoadProbe(rig.server)
        var phones: [PhoneSimulator.Outcome] = []
        let pause = UInt64(options.rampMilliseconds) * 1_000_000 / UInt64(max(1, options.calls))
        for index in 0..<options.calls {
            phones.append(try await rig.call(script(index, options)))
            try await Task.sleep(nanoseconds: pause)
        }
        report.residentBytes = LoadProbe.residentBytes() - before.residentBytes
        for phone in phones { await phone.ended() }
        let after = await LoadProbe(rig.server)
        report.take(before: before, after: after)
        await rig.stop()
        for (index, phone) in phones.enumerated() {
            report.take(phone.report, stream: stream(index), model: rig.modelLog)
        }
        report.take(rig.modelLog)
        return report
    }

    /// After so long a caller goes on without an answer, milliseconds.
    private static let patience = 30_000

    private static func stream(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: index + 1) }

    private static func script(_ index: Int, _ options: Options) -> PhoneScript {
        var steps: [PhoneScript.Step] = []
        // One round: 1 s of speech, an answer of 2.4 s heard in full or interrupted after 0.7 s.
        let rounds = max(1, options.seconds * 1_000 / 4_500)
        for round in 0..<rounds {
            steps.append(.pause(milliseconds: 200 + index * 37 % 200))
            steps.append(.speakPattern(milliseconds: 1_000))
            if options.interrupts, round % 2 == 1, round + 1 < rounds {
                steps.append(.waitUntilHeard(milliseconds: 500 + index * 53 % 700, atMost: patience))
            } else {
                steps.append(.waitForSilence(milliseconds: options.silenceMilliseconds, atMost: patience))
            }
        }
        steps.append(.hangUp(.stop))
        var script = PhoneScript(steps)
        script.patternStream = stream(index)
        script.recordsAudio = false
        let number = String(index + 1)
        let fill = String(repeating: "0", count: 32 - number.count)
        script.callID = "CA" + fill + number
        script.streamID = "MZ" + fill + number
        return script
    }
}
