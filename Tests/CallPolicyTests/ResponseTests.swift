import CallPolicy
import RealtimeProtocol
import Testing

@Suite struct ResponseTests {
    private func ready() -> TestCall {
        var call = TestCall()
        call.begin()
        return call
    }

    @Test func responsesAreAskedForOneAfterTheOther() {
        var call = ready()
        #expect(call.give(.command(.say("One."), .silent)) == ["1 < create say"])
        #expect(call.give(.command(.say("Two."), .silent)) == [])
        call.responseBegins("resp_1", ours: true)
        #expect(call.responseEnds("resp_1") == ["1 < create say"])
    }

    @Test func nothingIsAskedForWhileTheCallerSpeaks() {
        var call = ready()
        call.model(.speechStarted(itemID: "u", audioStartMilliseconds: 0))
        #expect(call.give(.command(.say("One."), .silent)) == [])
        call.model(.speechStopped(itemID: "u", audioEndMilliseconds: 0))
        #expect(call.responseBegins("resp_1") == [])
        #expect(call.responseEnds("resp_1") == ["1 < create say"])
    }

    @Test func aCollisionIsRetriedWhenTheOtherResponseIsDone() {
        var call = ready()
        call.give(.command(.say("One."), .silent))
        let id = call.lastSent("response.create")?.eventID
        call.responseBegins("resp_1")
        let code = "conversation_already_has_active_response"
        #expect(call.model(.error(APIError(code: code, message: "", eventID: id))) == [])
        #expect(call.responseEnds("resp_1") == ["1 < create say"])
        #expect(call.machine.counters.responseCollisions == 1)
    }

    @Test func aCollisionWithAnUnknownResponseIsRetriedAfterAWhile() {
        var call = ready()
        call.give(.command(.say("One."), .silent))
        let id = call.lastSent("response.create")?.eventID
        let code = "conversation_already_has_active_response"
        call.model(.error(APIError(code: code, message: "", eventID: id)))
        #expect(call.wait(9_999) == [])
        #expect(call.wait(1) == ["1 < create say"])
    }

    @Test func aTurnWhoseResponseTheServerCouldNotCreateIsAskedForLater() {
        var call = ready()
        call.give(.command(.say("One."), .silent))
        call.responseBegins("resp_1", ours: true)
        call.model(.error(APIError(code: "conversation_already_has_active_response", message: "")))
        #expect(call.responseEnds("resp_1") == ["1 < create caller_turn"])
    }

    @Test func aTurnThatTheServerDoesNotAnswerIsAskedFor() {
        var call = ready()
        call.callerSays("Hello?", item: "u")
        #expect(call.wait(4_999) == [])
        #expect(call.wait(1) == ["1 < create caller_turn"])
    }

    @Test func withoutAutomaticResponsesEveryTurnIsAskedFor() {
        var call = TestCall { $0.session.turnDetection = .serverVAD(createResponse: false) }
        call.begin()
        #expect(call.callerSays("Hello?", item: "u") == ["1 < create caller_turn"])
    }

    @Test func aSilentItemOfTheServerIsNotATurn() {
        var call = TestCall { $0.session.turnDetection = .serverVAD(createResponse: false) }
        call.begin()
        call.model(
            .inputAudioTimeoutTriggered(itemID: "u", audioStartMilliseconds: 0, audioEndMilliseconds: 5_000)
        )
        #expect(call.model(.inputAudioCommitted(itemID: "u", previousItemID: nil)) == [])
        #expect(
            call.model(.inputTranscriptionCompleted(itemID: "u", contentIndex: 0, transcript: "", usage: nil)) == []
        )
        #expect(!call.records.contains(.callerTranscript(itemID: "u", text: "")))
    }

    @Test func aRequestThatIsNotAnsweredIsSentOnceMore() {
        var call = ready()
        call.give(.command(.say("One."), .silent))
        #expect(call.wait(10_000) == ["1 < create say"])
        #expect(call.wait(10_000) == [])
        #expect(call.records.contains { if case .warning(.responseDropped, _) = $0 { true } else { false } })
    }

    @Test func aResponseThatBeginsWhileTheCallerSpeaksIsStopped() {
        var call = ready()
        call.give(.command(.say("One."), .silent))
        call.model(.speechStarted(itemID: "u", audioStartMilliseconds: 0))
        #expect(call.responseBegins("resp_1", ours: true) == ["mute resp_1", "1 < cancel resp_1"])
        call.model(.speechStopped(itemID: "u", audioEndMilliseconds: 0))
        #expect(call.responseEnds("resp_1", .cancelled) == [])
        call.responseBegins("resp_2")
        #expect(call.responseEnds("resp_2") == ["1 < create say"])
    }

    // MARK: Broken responses

    private let broken = Response.StatusDetails(
        type: "failed",
        error: APIError(type: "server_error", code: "server_error", message: "oops")
    )

    @Test func aFailedResponseIsAskedForTwiceMoreThenTheCallEnds() {
        var call = ready()
        call.callerSays("Hello?", item: "u")
        call.responseBegins("resp_1")
        #expect(call.responseEnds("resp_1", .failed, broken) == [])
        #expect(call.wait(500) == ["1 < create caller_turn"])
        call.responseBegins("resp_2", ours: true)
        #expect(call.responseEnds("resp_2", .failed, broken) == [])
        #expect(call.wait(500) == ["1 < create lost_turn"])
        guard case .responseCreate(let options, _)? = call.lastSent("response.create") else { return }
        #expect(options?.instructions?.contains("technical problem") == true)
        call.responseBegins("resp_3", ours: true)
        #expect(
            call.responseEnds("resp_3", .failed, broken)
                == ["close 1 1000 model_failed", "hold", "hang up 1000 model_failed", "ended model_failed by model"]
        )
    }

    @Test func aWholeResponseForgetsAnEarlierFailure() {
        var call = ready()
        for _ in 0..<3 {
            call.callerSays("Hello?", item: "u")
            call.responseBegins("resp_1")
            call.responseEnds("resp_1", .failed, broken)
            call.wait(500)
            call.responseBegins("resp_2", ours: true)
            call.responseEnds("resp_2")
        }
        #expect(!call.machine.hasEnded)
    }

    @Test func aResponseThatFailsForWantOfMoneyEndsTheCall() {
        var call = ready()
        call.callerSays("Hello?", item: "u")
        call.responseBegins("resp_1")
        let error = APIError(type: "insufficient_quota", code: nil, message: "")
        call.responseEnds("resp_1", .failed, .init(type: "failed", error: error))
        #expect(call.lines.last == "ended model_refused by model")
    }

    @Test(arguments: ["max_output_tokens", "content_filter"])
    func aCutResponseIsContinuedOnce(reason: String) {
        var call = ready()
        let details = Response.StatusDetails(type: "incomplete", reason: reason)
        call.callerSays("Tell me everything.", item: "u")
        call.responseBegins("resp_1")
        #expect(call.responseEnds("resp_1", .incomplete, details) == ["1 < create continuation"])
        call.responseBegins("resp_2", ours: true)
        #expect(call.responseEnds("resp_2", .incomplete, details) == [])
        #expect(call.machine.counters.responsesIncomplete == 2)
    }

    @Test func aResponseThatDoesNotGoOnIsALossOfTheModel() {
        var call = ready()
        call.callerSays("Hello?", item: "u")
        call.responseBegins("resp_1")
        #expect(call.wait(30_000) == ["close 1 1000 stalled", "hold", "dial 2"])
    }

    @Test func moreRequestsThanTheLimitAreDroppedAndCounted() {
        var call = TestCall { $0.limits.waitingResponses = 2 }
        call.begin()
        for index in 1...5 { call.give(.command(.say("\(index)"), .silent)) }
        #expect(call.machine.counters.responsesOverLimit == 2)
        call.responseBegins("resp_1", ours: true)
        call.responseEnds("resp_1")
        call.responseBegins("resp_2", ours: true)
        call.responseEnds("resp_2")
        call.responseBegins("resp_3", ours: true)
        #expect(call.responseEnds("resp_3") == [])
    }

    @Test func strayErrorsAreOnlyRecorded() {
        var call = ready()
        #expect(call.model(.error(APIError(code: nil, message: "hiccup"))) == [])
        #expect(call.model(.error(APIError(code: "response_cancel_not_active", message: ""))) == [])
        #expect(call.machine.counters.modelErrors == 2)
    }

    @Test func theTimeToTheFirstAudioIsMeasured() {
        var call = ready()
        call.callerSays("Hello?", item: "u")
        call.wait(300)
        call.responseBegins("resp_1", items: ["a"])
        call.wait(200)
        call.give(.playbackStarted(itemID: "a"))
        let latency = call.records.compactMap { if case .turnLatency(let latency) = $0 { latency } else { nil } }
        #expect(latency.map(\.createdMilliseconds) == [300])
        #expect(latency.map(\.firstAudioMilliseconds) == [500])
    }
}
