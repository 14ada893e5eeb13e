import RealtimeProtocol
import Testing

@testable import CallPolicy

/// What a model at fault may cost a call.
@Suite struct ModelFaultTests {
    private static func refused(_ status: Int, _ retryAfter: Int? = nil) -> LegClose {
        LegClose(cause: .refused(status: status), retryAfterSeconds: retryAfter)
    }

    // MARK: Setting up

    /// What the server answers each time, and the least and the longest pause before each further dial.
    @Test(
        arguments: [
            ("C9 500", refused(500), [100...150, 300...450, 900...1_350]),
            ("C9 520", refused(520), [100...150, 300...450, 900...1_350]),
            ("K4 no connection", LegClose(cause: .connectFailed), [100...150, 300...450, 900...1_350]),
            ("C8 429 without a time", refused(429), [100...150, 300...450, 900...1_350]),
            ("C8 429, 1 s", refused(429, 1), [1_000...1_250]),
            ("C8 429, an hour", refused(429, 3_600), [5_000...6_250]),
            ("C8 503, 0 s", refused(503, 0), [0...0]), ("C7 401", refused(401), []), ("C7 403", refused(403), []),
            ("C5 200", refused(200), []), ("C5 307", refused(307), []),
        ] as [(String, LegClose, [ClosedRange<Int64>])]
    )
    func aFirstConnectionThatFailsIsTriedAFewTimes(name: String, close: LegClose, pauses: [ClosedRange<Int64>]) {
        var call = TestCall()
        call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        for (index, pause) in pauses.enumerated() {
            call.give(.modelClosed(ModelLeg(index + 1), close))
            let since = call.now
            while call.lines.last != "dial \(index + 2)", call.now - since < 10_000 { call.wait(1) }
            #expect(pause.contains(call.now - since), "\(name): \(call.now - since)")
        }
        let done = call.give(.modelClosed(ModelLeg(pauses.count + 1), close))
        #expect(done.last?.hasPrefix("ended model_\(pauses.isEmpty ? "refused" : "unreachable")") == true, "\(name)")
    }

    @Test func aBusyServerThatHasServedIsNotAskedAtOnce() {
        var call = TestCall()
        call.begin()
        #expect(call.give(.modelClosed(ModelLeg(1), LegClose(code: 1013, cause: .peerClosed))) == ["hold"])
        #expect(call.wait(999) == [])
        #expect(call.wait(1_001) == ["dial 2"])
    }

    // MARK: Tools

    private func called(_ configure: (inout CallConfiguration) -> Void = { _ in }) -> TestCall {
        var call = TestCall(configure, tools: [ToolDefinition(name: "find", description: "Finds.")])
        call.begin()
        return call
    }

    @Test func afterSoManyCallsTheModelMustAnswerWithoutTools() {
        var call = called { $0.tools.callsMaximum = 2 }
        for number in 1...5 {
            call.responseBegins("resp_\(number)", ours: number > 1)
            call.calls("find", "{}", id: "c\(number)", response: "resp_\(number)")
            if number <= 2 { call.give(.toolFinished(callID: "c\(number)", .output("ok"))) }
            let done = call.responseEnds("resp_\(number)")
            #expect(done == (number < 5 ? ["1 < create tool_outputs"] : []), "\(number)")
            guard number < 5, case .responseCreate(let options, _)? = call.lastSent("response.create") else { continue }
            #expect((options?.toolChoice == ToolChoice.none) == (number > 2), "\(number)")
        }
        #expect(call.machine.counters.toolRuns == 2)
        #expect(call.machine.counters.toolsOverLimit == 3)
    }

    @Test func argumentsThatAreNoPlainObjectAreRefused() {
        let cases = [
            ("null", "null"), ("array", "[]"), ("cut", "{"), ("key twice", #"{"a":1,"a":2}"#),
            ("key twice below", #"{"a":{"b":1,"b":2}}"#), ("10,000 deep", String(repeating: "[", count: 10_000)),
            ("1 MiB", #"{"a":""# + String(repeating: "x", count: 1 << 20) + #""}"#),
        ]
        for (name, text) in cases {
            var call = called()
            call.responseBegins("resp_1")
            call.calls("find", text, id: "c1", response: "resp_1")
            let answer = #"1 < item output c1 {"error":"Invalid JSON arguments for function call"}"#
            #expect(call.lines.last == answer, "\(name)")
            #expect(call.machine.counters.toolsRefused == 1, "\(name)")
            #expect(call.machine.counters.toolRuns == 0, "\(name)")
        }
    }

    @Test func aCallIDBeyondTheLimitIsPassedOver() {
        var call = called()
        call.responseBegins("resp_1")
        #expect(call.calls("find", "{}", id: String(repeating: "c", count: 257), response: "resp_1") == [])
        #expect(call.machine.counters.idsOverLimit == 1)
        #expect(call.responseEnds("resp_1") == [])
    }

    // MARK: Events

    @Test func tokensOfAResponseAreCountedOnce() {
        var call = called()
        var response = Response(id: "resp_1", status: .completed)
        response.usage = TokenUsage()
        response.usage?.outputAudio = 100
        call.responseBegins("resp_1")
        for _ in 0..<3 { call.model(.responseDone(response)) }
        #expect(call.machine.usage.audioOutput == 100)
        #expect(call.machine.usage.responses == 1)
        for _ in 0..<2 {
            call.model(
                .inputTranscriptionCompleted(
                    itemID: "u1",
                    contentIndex: 0,
                    transcript: "",
                    usage: .duration(seconds: 2)
                )
            )
        }
        #expect(call.machine.usage.transcriptionMilliseconds == 2_000)
    }

    @Test func unknownEventsAreCountedAndTheirNamesCut() {
        var call = called()
        call.model(.unknown(type: String(repeating: "n", count: 10_000)))
        #expect(call.machine.counters.unknownEvents == 1)
        #expect(call.records.contains(.unknownEvent(type: String(repeating: "n", count: 256))))
        #expect(!call.machine.hasEnded)
    }

    @Test func filteredResponsesEndTheCallLikeFailedOnes() {
        var call = called()
        let filtered = Response.StatusDetails(type: "incomplete", reason: "content_filter")
        for number in 1...3 {
            call.callerSays("Hello?", item: "u\(number)")
            call.responseBegins("resp_\(number)")
            call.responseEnds("resp_\(number)", .incomplete, filtered)
            if number < 3 { #expect(!call.machine.hasEnded) }
        }
        #expect(call.lines.last == "ended model_failed by model")
    }
}
