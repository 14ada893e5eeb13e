import SelfTest
import Testing

/// A witness that nobody disturbs.
@Suite(.timeLimit(.minutes(3))) struct WitnessTests {
    @Test func aWitnessAloneIsUnharmed() async throws {
        let rig = try await Witness.rig()
        let witness = try await Witness(on: rig, turns: 2)
        await witness.isUnharmed(turns: 2)
        await rig.stop()
    }
}
