import CallPolicy
import RealtimeProtocol
import Testing

/// What a caller hears until the model has answered for the first time.
@Suite struct WaitingToneTests {
    private func started(_ configure: (inout CallConfiguration) -> Void = { _ in }) -> TestCall {
        var call = TestCall(configure)
        call.give(.carrierStarted(CarrierStart(streamID: "MZ1", callID: "CA1")))
        return call
    }

    @Test func aQuickModelIsAnsweredInSilence() {
        var call = started()
        call.wait(1_499)
        call.ready(1)
        call.wait(60_000)
        #expect(call.count("tone") == 0)
        #expect(call.machine.counters.waitingTones == 0)
    }

    @Test func aSlowModelIsWaitedForWithTones() {
        var call = started()
        #expect(call.wait(1_499) == [])
        #expect(call.wait(1) == ["tone"])
        #expect(call.wait(2_999) == [])
        #expect(call.wait(1) == ["tone"])
        call.ready(1)
        call.wait(60_000)
        #expect(call.count("tone") == 2)
        #expect(call.machine.counters.waitingTones == 2)
    }

    @Test func aModelThatNeverAnswersIsGivenUpAndTheToneWithIt() {
        var call = started { $0.reconnect.setupDelaysMilliseconds = [] }
        let done = call.wait(20_000)
        // 1.5, 4.5 and 7.5 s; the dial is given up after 10 s.
        #expect(done.count { $0 == "tone" } == 3)
        #expect(call.machine.hasEnded && call.timer == nil)
    }

    @Test func anOutageLaterHasNone() {
        var call = started()
        call.ready(1)
        call.give(.modelClosed(call.leg, LegClose(cause: .transportLost)))
        call.wait(9_000)
        #expect(call.count("tone") == 0)
    }

    @Test func silenceIsAChoice() {
        var call = started { $0.waitingTone = nil }
        call.wait(9_000)
        #expect(call.count("tone") == 0)
    }
}
