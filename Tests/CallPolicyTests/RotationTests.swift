import CallPolicy
import RealtimeProtocol
import Testing

@Suite struct RotationTests {
    private func old(_ configure: (inout CallConfiguration) -> Void = { _ in }) -> TestCall {
        var call = TestCall {
            $0.rotation.afterMilliseconds = 600_000
            configure(&$0)
        }
        call.begin()
        return call
    }

    @Test func theNextSessionIsMadeReadyBeforeTheOldOneIsLeft() {
        var call = old()
        call.callerSays("Hello.", item: "u1")
        call.responseBegins("resp_1")
        call.responseEnds("resp_1")
        #expect(call.wait(599_999) == [])
        #expect(call.wait(1) == ["dial 2"])
        #expect(
            call.ready(2) == ["2 < session.update", "2 < item user: Hello.", "open 2", "close 1 1000 rotated"]
        )
        #expect(
            call.records.contains(
                .rotated(from: ModelLeg(1), to: ModelLeg(2), forced: false, restoredItems: 1)
            )
        )
    }

    @Test func itIsLeftInASilentMoment() {
        var call = old()
        call.wait(600_000)
        call.leg = ModelLeg(1)
        call.callerSays("Hello.", item: "u1")
        call.responseBegins("resp_1", items: ["a1"])
        call.says("Good morning.", item: "a1", response: "resp_1")
        call.plays([("a1", 1_000, 0)])
        #expect(call.ready(2) == ["2 < session.update", "2 < item user: Hello."])
        call.leg = ModelLeg(1)
        #expect(call.responseEnds("resp_1") == [])
        #expect(
            call.heardAll(["a1"]) == ["2 < item assistant: Good morning.", "open 2", "close 1 1000 rotated"]
        )
    }

    @Test func whenNoSilentMomentComesItIsLeftAnyway() {
        var call = old()
        call.wait(600_000)
        call.leg = ModelLeg(1)
        call.model(.speechStarted(itemID: "u1", audioStartMilliseconds: 0))
        call.ready(2)
        #expect(call.wait(59_999) == [])
        #expect(call.wait(1) == ["open 2", "close 1 1000 rotated"])
    }

    @Test func theWaitIsShorterForYoungSessions() {
        var call = old { $0.rotation.afterMilliseconds = 8_000 }
        call.wait(8_000)
        call.leg = ModelLeg(1)
        call.model(.speechStarted(itemID: "u1", audioStartMilliseconds: 0))
        call.ready(2)
        #expect(call.wait(2_000) == ["open 2", "close 1 1000 rotated"])
    }

    @Test func aLossWhileTheNextSessionStandsByIsNoOutage() {
        var call = old()
        call.wait(600_000)
        call.leg = ModelLeg(1)
        call.model(.speechStarted(itemID: "u1", audioStartMilliseconds: 0))
        call.ready(2)
        #expect(call.give(.modelClosed(ModelLeg(1), LegClose(cause: .transportLost))) == ["hold", "open 2"])
    }

    @Test func aNextSessionThatFailsIsTriedAgainWhileTheOldOneServes() {
        var call = old()
        call.wait(600_000)
        #expect(call.give(.modelClosed(ModelLeg(2), LegClose(cause: .connectFailed))) == [])
        #expect(call.wait(10_000) == ["dial 3"])
        #expect(call.ready(3) == ["3 < session.update", "open 3", "close 1 1000 rotated"])
    }

    @Test func theSessionIsRotatedAgainAndAgain() {
        var call = old { $0.rotation.afterMilliseconds = 2_000 }
        for number in 2...5 {
            call.wait(2_000)
            #expect(call.lines.last == "dial \(number)")
            call.ready(number)
        }
        #expect(call.machine.counters.rotations == 4)
    }

    @Test func aCommandRotates() {
        var call = old()
        #expect(call.give(.command(.rotate, .silent)) == ["dial 2"])
    }
}
