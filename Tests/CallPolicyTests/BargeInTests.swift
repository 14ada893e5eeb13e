import CallPolicy
import RealtimeProtocol
import Testing

@Suite struct BargeInTests {
    /// A call in which the agent is speaking.
    private func speaking(
        _ configure: (inout CallConfiguration) -> Void = { _ in },
        done: Bool = false
    ) -> TestCall {
        var call = TestCall(configure)
        call.begin()
        call.callerSays("Hello.", item: "item_u1")
        call.responseBegins("resp_1", items: ["item_a1"])
        call.says("one two three four five", item: "item_a1", response: "resp_1")
        call.plays([("item_a1", 2_000, 1_000)], complete: done)
        if done { call.responseEnds("resp_1") }
        return call
    }

    private func speaks(_ call: inout TestCall, _ item: String = "item_u2") -> [String] {
        call.model(.speechStarted(itemID: item, audioStartMilliseconds: 0))
    }

    @Test func speechClearsMutesAndTruncatesInOneTurn() {
        var call = speaking()
        #expect(speaks(&call) == ["clear", "mute resp_1", "1 < truncate item_a1 1000"])
    }

    @Test func speechInterruptsAudioWhoseResponseIsDone() {
        var call = speaking(done: true)
        #expect(speaks(&call) == ["clear", "1 < truncate item_a1 1000"])
    }

    @Test func theResponseIsCancelledWhenTheServerDoesNotInterrupt() {
        var call = speaking { $0.session.turnDetection = .serverVAD(interruptResponse: false) }
        #expect(speaks(&call) == ["clear", "mute resp_1", "1 < cancel resp_1", "1 < truncate item_a1 1000"])
        var over = speaking({ $0.session.turnDetection = .serverVAD(interruptResponse: false) }, done: true)
        #expect(speaks(&over) == ["clear", "1 < truncate item_a1 1000"])
    }

    @Test func nothingHappensWhenNothingPlays() {
        var call = TestCall()
        call.begin()
        #expect(speaks(&call) == [])
        var heard = speaking(done: true)
        heard.heardAll(["item_a1"])
        #expect(speaks(&heard) == [])
    }

    @Test func interruptingTwiceIsTheSameAsOnce() {
        var call = speaking()
        let first = speaks(&call)
        call.playing = .silent
        #expect(first.count == 3)
        #expect(speaks(&call) == [])
        // Even when the core still lists the item.
        call.plays([("item_a1", 2_000, 1_000)])
        #expect(!speaks(&call).contains { $0.contains("truncate") })
    }

    @Test func everyItemIsCutWhereItWasHeard() {
        var call = TestCall()
        call.begin()
        call.callerSays("Hello.", item: "item_u1")
        call.responseBegins("resp_1", items: ["item_a1", "item_a2", "item_a3"])
        call.responseEnds("resp_1")
        call.plays([("item_a1", 900, 900), ("item_a2", 1_500, 400), ("item_a3", 700, 0), ("item_a4", 0, 0)])
        #expect(speaks(&call) == ["clear", "1 < truncate item_a2 400", "1 < truncate item_a3 0"])
    }

    @Test func aPositionIsNeverBeyondWhatWasReceived() {
        var call = speaking()
        call.plays([("item_a1", 500, 800)], complete: false)
        #expect(speaks(&call) == ["clear", "mute resp_1", "1 < truncate item_a1 500"])
    }

    @Test func anAnswerThatHasNoAudioYetIsMutedOnly() {
        var call = TestCall()
        call.begin()
        call.callerSays("Hello.", item: "item_u1")
        call.responseBegins("resp_1", items: ["item_a1"])
        #expect(speaks(&call) == ["mute resp_1"])
    }

    @Test func wordsThatNeverBecameAudioAreForgotten() {
        var call = TestCall()
        call.begin()
        call.callerSays("Hello.", item: "item_u1")
        call.responseBegins("resp_1", items: ["item_a1"])
        _ = speaks(&call)
        let part = ContentPart(kind: .outputAudio, transcript: "One moment")
        let kind = ConversationItem.Kind.message(.init(role: "assistant", content: [part]))
        let item = ConversationItem(id: "item_a1", status: .incomplete, kind: kind)
        #expect(
            call.model(.outputItemDone(responseID: "resp_1", outputIndex: 0, item: item))
                == ["1 < delete item_a1"]
        )
    }

    @Test func itemsOfAnEarlierLegAreClearedButNotTruncated() {
        var call = speaking(done: true)
        call.give(.modelClosed(ModelLeg(1), LegClose(cause: .transportLost)))
        call.ready(2)
        call.plays([("item_a1", 2_000, 1_500)], leg: 1)
        #expect(speaks(&call) == ["clear"])
    }

    @Test func aRejectedTruncationIsCountedAndNothingElse() {
        var call = speaking()
        _ = speaks(&call)
        let id = call.lastSent("conversation.item.truncate")?.eventID
        let error = APIError(code: "invalid_value", message: "already shorter", eventID: id)
        #expect(call.model(.error(error)) == [])
        #expect(call.machine.counters.truncationsRejected == 1)
        #expect(call.records.contains(.truncationRejected(itemID: "item_a1", error)))
    }

    @Test func heardAndUnheardWordsAreWrittenDown() {
        var call = speaking()
        _ = speaks(&call)
        call.responseEnds("resp_1", .cancelled, .init(type: "cancelled", reason: "turn_detected"))
        #expect(
            call.records.contains(
                .agentTranscript(
                    AgentTranscript(
                        itemID: "item_a1",
                        heard: "one two",
                        unheard: "three four five",
                        heardMilliseconds: 1_000,
                        wasInterrupted: true
                    )
                )
            )
        )
    }

    @Test func whatWasHeardWhollyIsWrittenDownWholly() {
        var call = speaking(done: true)
        call.heardAll(["item_a1"])
        #expect(
            call.records.contains(
                .agentTranscript(
                    AgentTranscript(
                        itemID: "item_a1",
                        heard: "one two three four five",
                        unheard: "",
                        heardMilliseconds: nil,
                        wasInterrupted: false
                    )
                )
            )
        )
    }

    @Test func keysInterruptAndAlwaysCancel() {
        var call = speaking()
        #expect(
            call.give(.dtmf("5", call.playing))
                == ["clear", "mute resp_1", "1 < cancel resp_1", "1 < truncate item_a1 1000"]
        )
    }

    // MARK: Utterances that must be heard

    private func notice() -> TestCall {
        var call = TestCall {
            $0.greeting = .agentFirst(.exactly("This call is recorded."))
            $0.greetingIsInterruptible = false
        }
        call.begin()
        return call
    }

    @Test func aProtectedUtteranceTellsTheServerNotToInterrupt() {
        var call = notice()
        #expect(
            call.lines.suffix(3) == ["open 1", "1 < session.update uninterruptible", "1 < create greeting"]
        )
        call.responseBegins("resp_1", ours: true, items: ["item_a1"])
        call.says("This call is recorded.", item: "item_a1", response: "resp_1")
        call.plays([("item_a1", 2_000, 500)])
        #expect(speaks(&call) == [])
        #expect(call.records.contains(.interruptionSuppressed))
        #expect(call.responseEnds("resp_1") == [])
        #expect(call.model(.speechStopped(itemID: "item_u2", audioEndMilliseconds: 0)) == [])
        #expect(call.heardAll(["item_a1"]) == ["1 < session.update"])
        #expect(call.negotiated().input?.turnDetection?.value?.interruptResponse == true)
    }

    @Test func aProtectedUtteranceThatFailsIsNotProtectedAnyMore() {
        var call = notice()
        let id = call.lastSent("response.create")?.eventID
        #expect(
            call.model(.error(APIError(code: "invalid_value", message: "", eventID: id))) == ["1 < session.update"]
        )
    }

    @Test func aCallerWhoMayNeverInterruptIsNotCut() {
        var call = speaking { $0.callerMayInterrupt = false }
        #expect(call.lines.contains("1 < session.update uninterruptible"))
        #expect(speaks(&call) == [])
    }

    /// What a waterfall is made of: the turn's commit, and since when the caller hears the answer, each told once.
    @Test func commitAndFirstHeardAreToldOnce() {
        var call = TestCall()
        call.begin()
        call.callerSays("Hello", item: "item_u1")
        #expect(call.records.filter { $0 == .callerTurnCommitted(itemID: "item_u1") }.count == 1)
        call.responseBegins("resp_1", items: ["item_a1", "item_a2"])
        call.plays([("item_a1", 400, 0)], complete: false)
        call.says("One", item: "item_a1", response: "resp_1")
        let heard = { (call: TestCall) in
            call.records.compactMap { if case .agentHeard(let item, let ago) = $0 { "\(item) \(ago)" } else { nil } }
        }
        #expect(heard(call) == [])
        call.plays([("item_a1", 800, 120), ("item_a2", 300, 0)])
        for word in ["two", "three"] { call.says(word, item: "item_a2", response: "resp_1") }
        #expect(heard(call) == ["item_a1 120"])
        // Heard to its end before anything else is seen of it.
        call.heardAll(["item_a1", "item_a2"])
        #expect(heard(call) == ["item_a1 120", "item_a2 300"])
    }

    /// Both spoke from the first sound, which lies behind the padding, to what the model had been sent; never longer than
    /// the agent was heard.
    @Test func anInterruptionTellsHowLongBothSpoke() {
        func talkOver(
            _ detection: TurnDetection? = .serverVAD(),
            start: Int,
            heard: Int = 1_000,
            command: Bool = false
        ) -> Int? {
            var call = speaking { $0.session.turnDetection = detection }
            call.plays([("item_a1", 2_000, heard)])
            call.playing.givenMilliseconds = 5_000
            if command {
                call.give(.command(.interrupt, call.playing))
            } else {
                call.model(.speechStarted(itemID: "item_u2", audioStartMilliseconds: start))
            }
            let interruptions = call.records.compactMap { event -> Interruption? in
                if case .interrupted(let interruption) = event { interruption } else { nil }
            }
            #expect(interruptions.count == 1)
            return interruptions.first?.talkOverMilliseconds
        }
        #expect(talkOver(start: 4_400) == 300)
        #expect(talkOver(.serverVAD(prefixPaddingMilliseconds: 100), start: 4_400) == 500)
        #expect(talkOver(TurnDetection(kind: .serverVAD), start: 4_400) == 300, "the server's own padding")
        #expect(talkOver(start: 4_700) == 0)
        #expect(talkOver(start: 4_800) == nil, "a start after the end")
        #expect(talkOver(start: 1_000) == 1_000 && talkOver(start: 4_400, heard: 120) == 120)
        #expect(talkOver(start: 4_400, heard: 0) == nil)
        #expect(talkOver(TurnDetection(kind: .semanticVAD), start: 4_400) == nil, "its padding is not known")
        #expect(talkOver(start: 4_400, command: true) == nil)
    }

    /// How long both speak, when the agent must be heard: until one of them is silent.
    @Test func talkingOverEndsWithTheFirstSilence() {
        func talk(_ end: (inout TestCall) -> Void) -> [CallEvent] {
            var call = notice()
            call.responseBegins("resp_1", ours: true, items: ["item_a1"])
            call.plays([("item_a1", 2_000, 500)])
            _ = speaks(&call)
            call.wait(400)
            end(&call)
            return call.records.filter { if case .talkedOver = $0 { true } else { false } }
        }
        #expect(
            talk { $0.model(.speechStopped(itemID: "item_u2", audioEndMilliseconds: 0)) } == [
                .talkedOver(milliseconds: 400)
            ]
        )
        #expect(talk { $0.heardAll(["item_a1"]) } == [.talkedOver(milliseconds: 400)])
        #expect(talk { _ in } == [])
    }
}
