import SelfTest
import Simulators
import Testing
import Trunk

/// A call beside the hostile ones that must not notice them: it speaks, is answered, and every frame of both ways is
/// told by its number.
struct Witness {
    /// The number by which the model's log knows it.
    static let number = 9
    private let number: Int
    private let outcome: PhoneSimulator.Outcome
    private let rig: Rig

    /// A rig whose model answers in patterns, as a witness needs it.
    static func rig(_ change: (inout Rig.Setup) -> Void = { _ in }) async throws -> Rig {
        var setup = Rig.Setup()
        setup.model.voice = .pattern
        setup.model.answerMilliseconds = 1_000
        // Peers made of raw bytes do not answer pings, and are silent for as long as a test lasts.
        setup.engine.pingIntervalMilliseconds = 600_000
        change(&setup)
        return try await Rig(setup)
    }

    /// Calls the rig's server, or the one at another address, and speaks `turns` times, each time until it was answered.
    init(on rig: Rig, number: Int = Self.number, at address: DialTarget? = nil, turns: Int = 1) async throws {
        self.number = number
        self.rig = rig
        let turn: [PhoneScript.Step] = [
            .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 9_000),
        ]
        let steps = (0..<turns).flatMap { _ in turn } + [.hangUp(.stop)]
        outcome = try await rig.call(.pattern(number, steps), at: address)
    }

    /// Waits for the end of the call, and expects it unharmed: nothing lost, repeated or reordered, either way.
    func isUnharmed(turns: Int = 1) async {
        await outcome.ended()
        let report = outcome.report
        #expect(report.checks.values.allSatisfy { $0.isPerfect })
        #expect(report.heardItems.values.reduce(0, +) == turns * 1_000 * 8)
        #expect(rig.modelLog.checks[UInt16(number)]?.isPerfect == true)
    }
}
