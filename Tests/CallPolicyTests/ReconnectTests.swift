import CallPolicy
import RealtimeProtocol
import Testing

@Suite struct ReconnectTests {
    private func talking(_ configure: (inout CallConfiguration) -> Void = { _ in }) -> TestCall {
        var call = TestCall(configure)
        call.begin()
        call.callerSays("My name is Alice.", item: "u1")
        call.responseBegins("resp_1", items: ["a1"])
        call.says("Hello Alice how are you", item: "a1", response: "resp_1")
        call.plays([("a1", 1_000, 0)])
        call.responseEnds("resp_1")
        return call
    }

    private let lost = LegClose(cause: .transportLost)

    @Test func theFirstAttemptIsMadeAtOnceAndTheConversationIsRestored() {
        var call = talking()
        call.plays([("a1", 1_000, 1_000)])
        call.heardAll(["a1"])
        #expect(call.give(.modelClosed(ModelLeg(1), lost)) == ["hold", "dial 2"])
        #expect(
            call.ready(2) == [
                "2 < session.update", "2 < item user: My name is Alice.",
                "2 < item assistant: Hello Alice how are you", "open 2",
            ]
        )
        #expect(call.records.contains(.reconnected(ModelLeg(2), outageMilliseconds: 0, restoredItems: 2)))
    }

    @Test func onlyWhatWasHeardIsRestored() {
        var call = talking()
        call.plays([("a1", 1_000, 500)])
        call.model(.speechStarted(itemID: "u2", audioStartMilliseconds: 0))
        call.playing = .silent
        call.give(.modelClosed(ModelLeg(1), lost))
        #expect(call.ready(2).contains("2 < item assistant: Hello Alice"))
    }

    @Test func anAnswerThatWasLostUnheardIsAskedForAgain() {
        var call = TestCall()
        call.begin()
        call.callerSays("My name is Alice.", item: "u1")
        call.responseBegins("resp_1", items: ["a1"])
        call.give(.modelClosed(ModelLeg(1), lost))
        #expect(
            call.ready(2)
                == ["2 < session.update", "2 < item user: My name is Alice.", "open 2", "2 < create lost_turn"]
        )
    }

    @Test func anAnswerThatWasHeardInPartIsNotAskedForAgain() {
        var call = TestCall()
        call.begin()
        call.callerSays("My name is Alice.", item: "u1")
        call.responseBegins("resp_1", items: ["a1"])
        call.says("Hello Alice how are you", item: "a1", response: "resp_1")
        call.plays([("a1", 1_000, 500)], complete: false)
        call.give(.playback(call.playing))
        call.give(.modelClosed(ModelLeg(1), lost))
        let done = call.ready(2)
        #expect(done.contains("2 < item assistant: Hello Alice"))
        #expect(done.last == "open 2")
    }

    @Test func audioOfALostAnswerThatWasNotHeardYetIsDropped() {
        var call = TestCall()
        call.begin()
        call.callerSays("My name is Alice.", item: "u1")
        call.responseBegins("resp_1", items: ["a1"])
        call.says("Hello Alice", item: "a1", response: "resp_1")
        call.plays([("a1", 200, 0)], complete: false)
        call.give(.playback(call.playing))
        #expect(call.give(.modelClosed(ModelLeg(1), lost)) == ["hold", "clear", "dial 2"])
        call.playing = .silent
        #expect(call.ready(2).last == "2 < create lost_turn")
    }

    @Test func aTurnWhoseWordsAreUnknownIsAskedForOnceMore() {
        var call = TestCall()
        call.begin()
        call.callerSays(nil, item: "u1")
        call.give(.modelClosed(ModelLeg(1), lost))
        #expect(call.ready(2).last == "2 < create lost_turn")
        guard case .responseCreate(let options, _)? = call.lastSent("response.create") else { return }
        #expect(options?.instructions?.contains("repeat") == true)
    }

    @Test func aCallerWhoWasSpeakingHasTimeToGoOn() {
        var call = TestCall()
        call.begin()
        call.model(.speechStarted(itemID: "u1", audioStartMilliseconds: 0))
        call.give(.modelClosed(ModelLeg(1), lost))
        #expect(call.ready(2).last == "open 2")
        var silent = call
        #expect(silent.wait(1_500) == ["2 < create lost_turn"])
        call.model(.speechStarted(itemID: "u2", audioStartMilliseconds: 0))
        call.model(.speechStopped(itemID: "u2", audioEndMilliseconds: 0))
        call.responseBegins("resp_2")
        #expect(call.wait(5_000) == [])
    }

    @Test func wordsThatWereNotCommittedYetAreLostToo() {
        var call = TestCall()
        call.begin()
        call.model(.speechStarted(itemID: "u1", audioStartMilliseconds: 0))
        call.model(.speechStopped(itemID: "u1", audioEndMilliseconds: 0))
        call.give(.modelClosed(ModelLeg(1), lost))
        #expect(call.ready(2).last == "open 2")
        #expect(call.wait(1_500) == ["2 < create lost_turn"])
    }

    @Test func attemptsBackOffUntilTheBudgetIsSpent() {
        var call = TestCall { $0.reconnect.callerWaitMaximumMilliseconds = 60_000 }
        call.begin()
        call.give(.modelClosed(ModelLeg(1), lost))
        var dials: [Int64] = []
        for number in 2...9 {
            guard call.lines.last == "dial \(number)" else { break }
            dials.append(call.now)
            call.give(.modelClosed(ModelLeg(number), LegClose(cause: .connectFailed)))
            while call.lines.last?.hasPrefix("dial \(number + 1)") == false, !call.machine.hasEnded { call.wait(50) }
        }
        let pauses = zip(dials, dials.dropFirst()).map { $1 - $0 }
        #expect(dials.first == 0)
        for (pause, full) in zip(pauses, [2_000, 4_000, 8_000, 16_000] as [Int64]) {
            #expect(pause >= full / 2 - 50 && pause <= full + 50)
        }
        #expect(call.lines.last == "ended model_unreachable by model")
        #expect(call.now >= 30_000 && call.now <= 30_100)
    }

    @Test func onlySoManyAttemptsAreMade() {
        var call = TestCall {
            $0.reconnect.maximumAttempts = 3
            $0.reconnect.initialDelayMilliseconds = 1
        }
        call.begin()
        for number in 1...4 {
            call.give(.modelClosed(ModelLeg(number), lost))
            call.wait(1_000)
        }
        #expect(call.lines.filter { $0.hasPrefix("dial") }.count == 4)
        #expect(call.lines.last == "ended model_unreachable by model")
    }

    @Test func aSessionThatComesAndGoesIsNotDialledInALoop() {
        var call = TestCall()
        call.begin()
        call.give(.modelClosed(ModelLeg(1), lost))
        call.ready(2)
        #expect(call.give(.modelClosed(ModelLeg(2), lost)) == ["hold"])
        call.wait(2_000)
        call.ready(3)
        call.wait(10_000)
        // It served for ten seconds: the next loss is a new one.
        #expect(call.give(.modelClosed(ModelLeg(3), lost)) == ["hold", "dial 4"])
    }

    @Test(arguments: [
        LegClose(cause: .refused(status: 401)), LegClose(cause: .refused(status: 403)),
        LegClose(cause: .refused(status: 404)),
        LegClose(code: 3000, reason: "invalid_request_error.invalid_api_key", cause: .peerClosed),
        LegClose(code: 4000, reason: "invalid_request_error.beta_api_shape_disabled", cause: .peerClosed),
    ])
    func aRefusalForGoodIsNeverRetried(close: LegClose) {
        var call = TestCall()
        call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        let done = call.give(.modelClosed(ModelLeg(1), close))
        #expect(done == ["hold", "hang up 1000 model_refused", "ended model_refused by model"])
    }

    @Test(arguments: [
        "invalid_api_key", "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached",
        "account_deactivated", "invalid_model", "missing_model", "beta_api_shape_disabled",
    ])
    func fatalErrorsEndTheCallAfterWhatIsQueued(code: String) {
        var call = talking()
        call.plays([("a1", 1_000, 500)])
        let done = call.model(.error(APIError(code: code, message: "no")))
        #expect(done.first == "close 1 1000 \(code): no")
        #expect(!call.machine.hasEnded)
        #expect(call.heardAll(["a1"]) == ["hang up 1000 model_refused", "ended model_refused by model"])
    }

    @Test func aCallDoesNotWaitForQueuedAudioForEver() {
        var call = talking()
        call.plays([("a1", 60_000, 500)])
        call.model(.error(APIError(code: "insufficient_quota", message: "no")))
        #expect(call.wait(1_999) == [])
        #expect(call.wait(1).last == "ended model_refused by model")
    }

    @Test func anExpiredSessionIsReplaced() {
        var call = talking()
        let error = APIError(code: "session_expired", message: "60 minutes")
        #expect(call.model(.error(error)) == ["close 1 1000 session_expired", "hold", "dial 2"])
        var closed = talking()
        let close = LegClose(code: 1001, reason: "Your session hit the maximum duration.", cause: .peerClosed)
        #expect(closed.give(.modelClosed(ModelLeg(1), close)) == ["hold", "dial 2"])
    }

    @Test func eventsOfALegThatIsGoneAreIgnored() {
        var call = talking()
        call.give(.modelClosed(ModelLeg(1), lost))
        #expect(call.model(.speechStarted(itemID: "u9", audioStartMilliseconds: 0)) == [])
        #expect(call.give(.modelClosed(ModelLeg(1), lost)) == [])
        #expect(call.machine.counters.ignoredInputs == 2)
    }

    @Test func aNoticeThatWasNotHeardIsSaidInTheNextSession() {
        var call = TestCall {
            $0.greeting = .agentFirst(.exactly("This call is recorded."))
            $0.greetingIsInterruptible = false
        }
        call.begin()
        call.responseBegins("resp_1", ours: true, items: ["a1"])
        call.give(.modelClosed(ModelLeg(1), lost))
        #expect(
            call.ready(2)
                == ["2 < session.update", "open 2", "2 < session.update uninterruptible", "2 < create greeting"]
        )
    }
}
