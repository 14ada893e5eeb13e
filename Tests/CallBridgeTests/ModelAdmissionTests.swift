import CallBridge
import Testing

/// Whether new calls are taken, by what is known of the model. The time is given, in microseconds.
@Suite struct ModelAdmissionTests {
    @Test func aProbeGoesWhenItsTimeHasComeAndTheTimeBeginsAnew() {
        let admission = ModelAdmission(probeAfterMilliseconds: 700)
        #expect(admission.admits(at: 0) && !admission.isRefusing)
        #expect(admission.modelRefused(at: 1_000_000))
        #expect(!admission.admits(at: 1_000_000) && !admission.admits(at: 1_699_999))
        #expect(admission.stats == .init(openings: 1, refusedCalls: 2))
        // One call is let through; others wait for what it finds.
        #expect(admission.admits(at: 1_700_000))
        #expect(!admission.admits(at: 1_700_001))
        #expect(admission.stats == .init(openings: 1, refusedCalls: 3, probes: 1))
        // It is refused as well: the time begins anew, and the alert was given before.
        #expect(!admission.modelRefused(at: 1_800_000))
        #expect(!admission.admits(at: 2_499_999))
        #expect(admission.admits(at: 2_500_000))
        // This one is served: all are taken again, and a new refusal is told anew.
        #expect(admission.modelServes())
        #expect(!admission.modelServes())
        #expect(admission.admits(at: 2_500_000) && admission.admits(at: 2_500_001) && !admission.isRefusing)
        #expect(admission.stats == .init(openings: 1, refusedCalls: 4, probes: 2))
        #expect(admission.modelRefused(at: 3_000_000))
        #expect(admission.stats.openings == 2)
    }

    @Test func aProbeThatTellsNothingIsFollowedByTheNext() {
        let admission = ModelAdmission(probeAfterMilliseconds: 100)
        _ = admission.modelRefused(at: 0)
        for round in 1...5 {
            #expect(!admission.admits(at: Int64(round) * 100_000 - 1))
            #expect(admission.admits(at: Int64(round) * 100_000))
        }
        #expect(admission.stats == .init(openings: 1, refusedCalls: 5, probes: 5))
    }

    @Test(
        arguments: [
            (5, 5_000_000), (0.25, 250_000), (3_600, 60_000_000), (0, 1_000_000), (-7, 1_000_000),
            (.nan, 1_000_000), (.infinity, 1_000_000), (1e300, 60_000_000),
        ] as [(Double, Int64)]
    )
    func aUsedUpLimitHoldsCallsForATimeThatIsBounded(seconds: Double, until: Int64) {
        let admission = ModelAdmission()
        admission.hold(seconds: seconds, at: 0)
        #expect(!admission.admits(at: until - 1))
        #expect(admission.admits(at: until))
        #expect(admission.stats == .init(heldCalls: 1))
        // A shorter hold does not end a longer one.
        admission.hold(seconds: 10, at: until)
        admission.hold(seconds: 0.001, at: until)
        #expect(!admission.admits(at: until + 9_999_999))
    }
}
