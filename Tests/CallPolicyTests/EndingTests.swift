import CallPolicy
import RealtimeProtocol
import Testing

@Suite struct EndingTests {
    private func talking(_ configure: (inout CallConfiguration) -> Void = { _ in }) -> TestCall {
        var call = TestCall(configure)
        call.begin()
        call.callerSays("Goodbye.", item: "u1")
        call.responseBegins("resp_1", items: ["a1"])
        return call
    }

    private let end = ["close 1 1000 agent_hung_up", "hang up 1000 agent_hung_up", "ended agent_hung_up by agent"]

    @Test func aGoodbyeThatWasSaidWithTheCallIsHeardToItsEnd() {
        var call = talking()
        call.says("Goodbye!", item: "a1", response: "resp_1")
        call.plays([("a1", 1_000, 0)])
        #expect(call.calls("end_call", "{}", id: "c1", response: "resp_1") == [#"1 < item output c1 {"ok":true}"#])
        #expect(call.responseEnds("resp_1") == [])
        #expect(call.heardAll(["a1"]) == end)
    }

    @Test func aStreamThatIsNoTelephoneIsClosedBeforeAModelIsDialled() {
        var call = TestCall()
        var start = CarrierStart(streamID: "MZ1", callID: "CA1", encoding: "audio/x-alaw")
        start.droppedParameters = 3
        let actions = call.give(.carrierStarted(start))
        #expect(actions == ["hang up 1003 format_mismatch", "ended format_mismatch by system"])
        #expect(call.machine.counters.parametersDropped == 3)
    }

    @Test func withoutWordsTheModelIsAskedForAGoodbye() {
        var call = talking()
        call.calls("end_call", "{}", id: "c1", response: "resp_1")
        #expect(call.responseEnds("resp_1") == ["1 < create goodbye"])
        call.responseBegins("resp_2", ours: true, items: ["a2"])
        call.says("Goodbye!", item: "a2", response: "resp_2")
        call.plays([("a2", 1_000, 0)])
        #expect(call.responseEnds("resp_2") == [])
        #expect(call.heardAll(["a2"]) == end)
    }

    @Test func givenWordsAreSaidInAnyCase() {
        var call = talking { $0.goodbye.words = .exactly("Thank you for calling.") }
        call.says("Goodbye!", item: "a1", response: "resp_1")
        call.calls("end_call", "{}", id: "c1", response: "resp_1")
        #expect(call.responseEnds("resp_1") == ["1 < create goodbye"])
        guard case .responseCreate(let options, _)? = call.lastSent("response.create") else { return }
        #expect(options?.instructions?.hasSuffix("Thank you for calling.") == true)
    }

    @Test func theWaitForTheGoodbyeIsBounded() {
        var call = talking()
        call.says("Goodbye!", item: "a1", response: "resp_1")
        call.plays([("a1", 60_000, 0)])
        call.calls("end_call", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        #expect(call.wait(9_999) == [])
        #expect(call.wait(1) == end)
    }

    @Test func aGoodbyeThatNeverComesEndsTheCallToo() {
        var call = talking()
        call.calls("end_call", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        #expect(call.wait(14_999).filter { !$0.hasPrefix("1 < create") } == [])
        #expect(call.wait(1) == end)
    }

    @Test func aCallerWhoSpeaksKeepsTheCallAliveOnce() {
        var call = talking()
        call.says("Goodbye!", item: "a1", response: "resp_1")
        call.plays([("a1", 1_000, 200)])
        call.calls("end_call", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        #expect(
            call.model(.speechStarted(itemID: "u2", audioStartMilliseconds: 0))
                == ["clear", "1 < truncate a1 200"]
        )
        call.playing = .silent
        #expect(call.records.contains(.goodbyeCancelled))
        call.model(.speechStopped(itemID: "u2", audioEndMilliseconds: 0))
        call.responseBegins("resp_2", items: ["a2"])
        call.says("Bye!", item: "a2", response: "resp_2")
        call.plays([("a2", 1_000, 0)])
        call.calls("end_call", "{}", id: "c2", response: "resp_2")
        call.responseEnds("resp_2")
        #expect(call.model(.speechStarted(itemID: "u3", audioStartMilliseconds: 0)) == [])
        #expect(call.heardAll(["a2"]) == end)
    }

    @Test func aCallerWhoAlreadySpeaksIsNotHungUpOn() {
        var call = talking()
        call.model(.speechStarted(itemID: "u2", audioStartMilliseconds: 0))
        #expect(
            call.calls("end_call", "{}", id: "c1", response: "resp_1")
                == [#"1 < item output c1 {"error":"Error running function end_call: the caller is speaking"}"#]
        )
        #expect(call.responseEnds("resp_1") == [])
        #expect(call.wait(60_000) == [])
    }

    @Test func anOperatorEndsTheCallWithAGoodbyeThatIsHeard() {
        var call = TestCall()
        call.begin()
        #expect(
            call.give(.command(.endAfterGoodbye(.operator, .operatorHungUp), .silent))
                == ["1 < session.update uninterruptible", "1 < create goodbye"]
        )
        call.responseBegins("resp_1", ours: true, items: ["a1"])
        call.plays([("a1", 1_000, 100)])
        #expect(call.model(.speechStarted(itemID: "u1", audioStartMilliseconds: 0)) == [])
        call.responseEnds("resp_1")
        #expect(call.heardAll(["a1"]).last == "ended operator_hung_up by operator")
    }

    @Test func anOperatorEndsTheCallAtOnce() {
        var call = TestCall()
        call.begin()
        #expect(
            call.give(.command(.hangUp(.operator, .operatorHungUp), .silent)) == [
                "close 1 1000 operator_hung_up", "hang up 1000 operator_hung_up",
                "ended operator_hung_up by operator",
            ]
        )
    }

    @Test func aCallWithoutAModelDoesNotWaitForAGoodbye() {
        var call = TestCall()
        call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        call.give(.command(.endAfterGoodbye(.system, .draining), .silent))
        #expect(call.lines.suffix(3) == ["close 1 1000 draining", "hang up 1000 draining", "ended draining by system"])
    }

    @Test func theCarriersEndsAreToldApart() {
        func end(_ input: CallInput) -> String? {
            var call = TestCall()
            call.begin()
            return call.give(input).last
        }
        #expect(end(.carrierStopped) == "ended caller_hung_up by caller")
        #expect(end(.carrierClosed(LegClose(code: 1000, cause: .peerClosed))) == "ended caller_hung_up by caller")
        #expect(end(.carrierClosed(LegClose(cause: .transportLost))) == "ended carrier_lost by system")
        #expect(end(.carrierClosed(LegClose(cause: .timedOut))) == "ended carrier_lost by system")
        #expect(end(.carrierSilent) == "ended no_media by system")
    }

    @Test func nothingHappensAfterTheEnd() {
        var call = TestCall()
        call.begin()
        call.give(.carrierStopped)
        #expect(call.timer == nil)
        #expect(call.give(.carrierStopped) == [])
        #expect(call.give(.timer(.silent)) == [])
        #expect(call.model(.speechStarted(itemID: "u", audioStartMilliseconds: 0)) == [])
        #expect(call.lines.filter { $0.hasPrefix("ended") }.count == 1)
        #expect(call.machine.hasEnded)
    }

    // MARK: Silence, duration, cost

    @Test func aSilentCallerIsAskedTwiceThenTheCallEnds() {
        let step = IdleLadder.Step(afterMilliseconds: 8_000, text: .exactly("Are you there?"))
        var call = TestCall { $0.idle = IdleLadder(steps: [step, step], endAfterMilliseconds: 5_000) }
        call.begin()
        for number in 1...2 {
            #expect(call.wait(7_999) == [])
            #expect(call.wait(1) == ["1 < create idle_prompt"])
            call.responseBegins("resp_\(number)", ours: true, items: ["a\(number)"])
            call.plays([("a\(number)", 1_000, 0)])
            call.responseEnds("resp_\(number)")
            call.wait(60_000)
            #expect(call.count("1 < create idle_prompt") == number)
            call.heardAll(["a\(number)"])
        }
        #expect(call.wait(4_999) == [])
        #expect(call.wait(1).last == "ended idle by system")
    }

    @Test func speakingStartsTheLadderAnew() {
        let step = IdleLadder.Step(afterMilliseconds: 8_000, text: .exactly("Are you there?"))
        var call = TestCall { $0.idle = IdleLadder(steps: [step], endAfterMilliseconds: 5_000) }
        call.begin()
        for number in 1...3 {
            call.wait(8_000)
            call.responseBegins("resp_\(number)a", ours: true)
            call.responseEnds("resp_\(number)a")
            call.callerSays("Yes.", item: "u\(number)")
            call.responseBegins("resp_\(number)b")
            call.responseEnds("resp_\(number)b")
        }
        #expect(call.count("1 < create idle_prompt") == 3)
        #expect(!call.machine.hasEnded)
    }

    @Test func aRunningToolIsNotSilence() {
        let step = IdleLadder.Step(afterMilliseconds: 2_000, text: .exactly("Are you there?"))
        var call = TestCall(
            { $0.idle = IdleLadder(steps: [step], endAfterMilliseconds: 2_000) },
            tools: [ToolDefinition(name: "slow", description: "Is slow.")]
        )
        call.begin()
        call.responseBegins("resp_1")
        call.calls("slow", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        #expect(call.wait(19_000) == [])
    }

    @Test func aCallHasAMaximumDurationWithAWarning() {
        var call = TestCall {
            $0.limits.durationMilliseconds = 60_000
            $0.limits.durationWarning = .init(beforeMilliseconds: 10_000, text: .exactly("Ten seconds left."))
        }
        call.begin()
        #expect(call.wait(50_000) == ["1 < create duration_warning"])
        #expect(call.wait(9_999).filter { !$0.contains("create") } == [])
        #expect(call.wait(1).last == "ended maximum_duration by system")
    }

    @Test func theCostIsSummedAndBounded() {
        var call = TestCall { $0.limits.costMicrodollars = 10_000 }
        call.begin()
        var usage = TokenUsage()
        usage.inputText = 1_000
        usage.cachedText = 400
        usage.inputAudio = 100
        usage.outputAudio = 50
        usage.outputText = 10
        var response = Response(id: "resp_1", status: .completed)
        response.usage = usage
        call.responseBegins("resp_1")
        #expect(call.model(.responseDone(response)) == [])
        // 600 x 4 + 400 x 0.4 + 100 x 32 + 50 x 64 + 10 x 24 millionths of a dollar.
        #expect(call.machine.usage.costMicrodollars == 2_400 + 160 + 3_200 + 3_200 + 240)
        response.id = "resp_2"
        call.responseBegins("resp_2")
        #expect(call.model(.responseDone(response)).last == "1 < create goodbye")
    }

    @Test func theSummaryTellsWhatHappened() {
        var call = TestCall()
        call.begin()
        call.callerSays("Hello.", item: "u1")
        call.responseBegins("resp_1", items: ["a1"])
        call.says("Hi.", item: "a1", response: "resp_1")
        call.plays([("a1", 500, 0)])
        call.responseEnds("resp_1")
        call.heardAll(["a1"])
        call.wait(4_000)
        call.give(.carrierStopped)
        guard case .summary(let summary)? = call.records.last else {
            Issue.record("no summary")
            return
        }
        #expect(summary.durationMilliseconds == 4_000)
        #expect(summary.callerTurns == 1)
        #expect(summary.agentTurns == 1)
    }

    // MARK: Keys and commands

    @Test func keysAreToldTogether() {
        var call = TestCall()
        call.begin()
        for key in ["1", "2", "3"] {
            #expect(call.give(.dtmf(key, .silent)) == [])
            call.wait(500)
        }
        #expect(
            call.give(.dtmf("#", .silent))
                == ["1 < item user: The caller pressed these keys on the telephone: 123", "1 < create keys"]
        )
        call.responseBegins("resp_1", ours: true)
        call.responseEnds("resp_1")
        call.give(.dtmf("7", .silent))
        #expect(call.wait(2_000).last == "1 < create keys")
    }

    @Test func aSessionChangedByHandStaysChanged() {
        var call = TestCall()
        call.begin()
        var update = SessionObject()
        update.instructions = "Speak like a pirate."
        update.output = SessionObject.AudioOutput()
        update.output?.format = .pcm24000
        #expect(call.give(.command(.updateSession(update), .silent)) == ["1 < session.update"])
        call.give(.modelClosed(ModelLeg(1), LegClose(cause: .transportLost)))
        call.ready(2)
        #expect(call.negotiated().instructions == "Speak like a pirate.")
        #expect(call.negotiated().output?.voice == "marin")
        // The media core passes one format on.
        #expect(call.negotiated().output?.format == .pcmu)
    }

    @Test func theModelCanBeToldSomething() {
        var call = TestCall()
        call.begin()
        #expect(
            call.give(.command(.instruct("The caller is a member."), .silent))
                == ["1 < item system: The caller is a member."]
        )
        #expect(
            call.give(.command(.instruct("Offer help.", respond: true), .silent))
                == ["1 < item system: Offer help.", "1 < create instruct"]
        )
        #expect(call.give(.command(.muteAgent(true), .silent)) == ["mute agent"])
    }
}
