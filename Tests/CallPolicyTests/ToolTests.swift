import CallPolicy
import RealtimeProtocol
import Testing

@Suite struct ToolTests {
    static let weather = ToolDefinition(
        name: "weather",
        description: "Tells the weather.",
        parameters: [
            "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
            "additionalProperties": false,
        ],
        timeoutMilliseconds: 5_000,
        fillerAfterMilliseconds: 1_000,
        filler: "One moment."
    )
    static let other = ToolDefinition(name: "other", description: "Does something else.")

    private func asked(_ configure: (inout CallConfiguration) -> Void = { _ in }) -> TestCall {
        var call = TestCall(configure, tools: [Self.weather, Self.other])
        call.begin()
        call.callerSays("What is the weather?", item: "u")
        call.responseBegins("resp_1")
        return call
    }

    @Test func aCallRunsAtOnceAndTheAnswerWaitsForTheResponse() {
        var call = asked()
        #expect(
            call.calls("weather", #"{"city":"Bonn"}"#, id: "c1", response: "resp_1") == [
                #"run weather {"city":"Bonn"}"#
            ]
        )
        #expect(call.give(.toolFinished(callID: "c1", .output("sunny"))) == ["1 < item output c1 sunny"])
        #expect(call.responseEnds("resp_1") == ["1 < create tool_outputs"])
    }

    @Test func oneResponseIsAskedForAfterAllOutputs() {
        var call = asked()
        call.calls("weather", #"{"city":"Bonn"}"#, id: "c1", response: "resp_1")
        call.calls("other", "", id: "c2", response: "resp_1")
        #expect(call.responseEnds("resp_1") == [])
        #expect(call.give(.toolFinished(callID: "c2", .output("done"))) == ["1 < item output c2 done"])
        #expect(
            call.give(.toolFinished(callID: "c1", .output("sunny")))
                == ["1 < item output c1 sunny", "1 < create tool_outputs"]
        )
    }

    @Test func callsThatAreOnlyInTheDoneResponseAreRunToo() {
        var call = asked()
        var response = Response(id: "resp_1", status: .completed)
        let kind = ConversationItem.Kind.functionCall(callID: "c1", name: "other", arguments: "{}")
        response.output = [ConversationItem(id: "i", status: .completed, kind: kind)]
        #expect(call.model(.responseDone(response)) == ["run other {}"])
    }

    @Test func anInterruptedCallIsNotRun() {
        var call = asked()
        let kind = ConversationItem.Kind.functionCall(callID: "c1", name: "other", arguments: "{}")
        let item = ConversationItem(id: "i", status: .incomplete, kind: kind)
        #expect(call.model(.outputItemDone(responseID: "resp_1", outputIndex: 0, item: item)) == [])
    }

    @Test(arguments: [
        ("nothing", "{}", #"{"error":"No handler found for function: nothing"}"#),
        ("weather", "{", #"{"error":"Invalid JSON arguments for function call"}"#),
        ("weather", "{}", #"{"error":"Invalid arguments for function weather: city is required"}"#),
        (
            "weather", #"{"city":7}"#,
            #"{"error":"Invalid arguments for function weather: city must be string, not integer"}"#
        ),
    ])
    func aCallThatCannotRunIsAnsweredWithAnError(name: String, arguments: String, output: String) {
        var call = asked()
        #expect(call.calls(name, arguments, id: "c1", response: "resp_1") == ["1 < item output c1 \(output)"])
        #expect(call.responseEnds("resp_1") == ["1 < create tool_outputs"])
    }

    @Test func anErrorOfTheHandlerIsToldToTheModel() {
        var call = asked()
        call.calls("other", "{}", id: "c1", response: "resp_1")
        #expect(
            call.give(.toolFinished(callID: "c1", .failure("no \"luck\"")))
                == [#"1 < item output c1 {"error":"Error running function other: no \"luck\""}"#]
        )
    }

    @Test func aToolThatTakesTooLongIsCancelledAndAnsweredOnce() {
        var call = asked()
        call.calls("weather", #"{"city":"Bonn"}"#, id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        let done = call.wait(5_000)
        #expect(done.contains("cancel tool c1"))
        #expect(
            done.contains(
                #"1 < item output c1 {"error":"Error running function weather: no result within 5000 ms"}"#
            )
        )
        #expect(call.give(.toolFinished(callID: "c1", .output("sunny"))) == [])
        #expect(call.machine.counters.lateToolResults == 1)
    }

    @Test func theAgentSaysSomethingWhileAToolRuns() {
        var call = asked()
        call.calls("weather", #"{"city":"Bonn"}"#, id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        #expect(call.wait(999) == [])
        #expect(call.wait(1) == ["1 < create filler"])
        call.responseBegins("resp_2", ours: true)
        #expect(call.give(.toolFinished(callID: "c1", .output("sunny"))) == ["1 < item output c1 sunny"])
        #expect(call.responseEnds("resp_2") == ["1 < create tool_outputs"])
        #expect(call.count("1 < create filler") == 1)
    }

    @Test func noFillerWhileSomeoneSpeaks() {
        var call = asked()
        call.calls("weather", #"{"city":"Bonn"}"#, id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        call.model(.speechStarted(itemID: "u2", audioStartMilliseconds: 0))
        #expect(call.wait(3_000) == [])
    }

    @Test func theCallerSpeakingAfterAToolIsNotTalkedOver() {
        var call = asked()
        call.calls("other", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        call.model(.speechStarted(itemID: "u2", audioStartMilliseconds: 0))
        #expect(call.give(.toolFinished(callID: "c1", .output("done"))) == ["1 < item output c1 done"])
        call.model(.speechStopped(itemID: "u2", audioEndMilliseconds: 0))
        // The server answers before it showed the output: it may not have seen it.
        call.responseBegins("resp_2")
        #expect(call.responseEnds("resp_2") == ["1 < create tool_outputs"])
    }

    @Test func aResponseThatHasSeenTheOutputsIsTheirAnswer() {
        var call = asked()
        call.calls("other", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        call.model(.speechStarted(itemID: "u2", audioStartMilliseconds: 0))
        call.give(.toolFinished(callID: "c1", .output("done")))
        let kind = ConversationItem.Kind.functionCallOutput(callID: "c1", output: "done")
        call.model(.itemAdded(ConversationItem(id: "i", kind: kind), previousItemID: nil))
        call.model(.speechStopped(itemID: "u2", audioEndMilliseconds: 0))
        call.responseBegins("resp_2")
        #expect(call.responseEnds("resp_2") == [])
    }

    @Test func onlySoManyToolsRunAtOnce() {
        var call = asked { $0.tools.parallelLimit = 1 }
        #expect(call.calls("other", "{}", id: "c1", response: "resp_1") == ["run other {}"])
        #expect(call.calls("other", #"{"n":2}"#, id: "c2", response: "resp_1") == [])
        call.responseEnds("resp_1")
        #expect(
            call.give(.toolFinished(callID: "c1", .output("1"))) == ["1 < item output c1 1", #"run other {"n":2}"#]
        )
        #expect(
            call.give(.toolFinished(callID: "c2", .output("2"))) == ["1 < item output c2 2", "1 < create tool_outputs"]
        )
    }

    @Test func tooManyOpenCallsAreRefused() {
        var call = asked { $0.limits.openToolCalls = 1 }
        call.calls("other", "{}", id: "c1", response: "resp_1")
        #expect(
            call.calls("other", "{}", id: "c2", response: "resp_1")
                == [#"1 < item output c2 {"error":"Error running function other: too many function calls at once"}"#]
        )
    }

    @Test func aCallIsNeverRunTwice() {
        var call = asked()
        call.calls("other", "{}", id: "c1", response: "resp_1")
        #expect(call.calls("other", "{}", id: "c1", response: "resp_1") == [])
    }

    @Test func toolsOfACallThatEndsAreCancelledAndRecorded() {
        var call = asked()
        call.calls("other", "{}", id: "c1", response: "resp_1")
        #expect(
            call.give(.carrierStopped) == [
                "cancel tool c1", "close 1 1000 caller_hung_up", "hang up 1000 caller_hung_up",
                "ended caller_hung_up by caller",
            ]
        )
        #expect(
            call.records.contains(
                .toolFinished(callID: "c1", name: "other", .cancelled, output: "", milliseconds: 0)
            )
        )
    }

    @Test func longOutputsAreCut() {
        var call = asked { $0.limits.toolOutputBytes = 4 }
        call.calls("other", "{}", id: "c1", response: "resp_1")
        #expect(call.give(.toolFinished(callID: "c1", .output("12µ45"))) == ["1 < item output c1 12µ"])
        #expect(call.machine.counters.textsCut == 1)
    }

    @Test func aToolOutlivesTheSessionThatWantedIt() {
        var call = asked()
        call.calls("other", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        call.give(.modelClosed(ModelLeg(1), LegClose(cause: .transportLost)))
        let done = call.ready(2)
        #expect(done.contains("2 < item call c1 other"))
        #expect(
            call.give(.toolFinished(callID: "c1", .output("done")))
                == ["2 < item output c1 done", "2 < create tool_outputs"]
        )
    }

    @Test func aToolThatFinishesWithoutASessionIsAnsweredInTheNext() {
        var call = asked()
        call.calls("other", "{}", id: "c1", response: "resp_1")
        call.responseEnds("resp_1")
        call.give(.modelClosed(ModelLeg(1), LegClose(cause: .transportLost)))
        #expect(call.give(.toolFinished(callID: "c1", .output("done"))) == [])
        let done = call.ready(2)
        #expect(done.contains("2 < item output c1 done"))
        #expect(done.last == "2 < create tool_outputs")
    }
}
