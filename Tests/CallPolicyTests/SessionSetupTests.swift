import CallPolicy
import RealtimeProtocol
import Testing

@Suite struct SessionSetupTests {
    @Test func theCallersAudioWaitsUntilTheSessionIsConfigured() {
        var call = TestCall()
        #expect(call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA"))) == ["hold", "dial 1"])
        #expect(call.give(.modelOpened(ModelLeg(1))) == [])
        #expect(call.model(.sessionCreated(SessionObject())) == ["1 < session.update"])
        #expect(call.model(.sessionUpdated(call.negotiated())) == ["open 1"])
        #expect(call.model(.sessionUpdated(call.negotiated())) == [])
    }

    @Test func theSessionIsAskedForWithEveryValueExplicit() throws {
        let tool = ToolDefinition(name: "find", description: "Finds.")
        var call = TestCall({ $0.session.instructions = "Be brief." }, tools: [tool])
        call.begin()
        guard case .sessionUpdate(let session, let id)? = call.lastSent("session.update") else {
            Issue.record("no session.update")
            return
        }
        #expect(id != nil)
        #expect(
            session.json.text
                == """
                {"type":"realtime","output_modalities":["audio"],"instructions":"Be brief.","tools":[{"type":"function",\
                "name":"find","description":"Finds.","parameters":{"type":"object","properties":{}}},\
                \(BuiltInTools.endCall.sessionTool.json.text)],"tool_choice":"auto","max_output_tokens":"inf",\
                "truncation":"auto","audio":{"input":{"format":{"type":"audio/pcmu"},\
                "transcription":{"model":"gpt-realtime-whisper"},"noise_reduction":{"type":"near_field"},\
                "turn_detection":{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,\
                "silence_duration_ms":500,"idle_timeout_ms":null,"create_response":true,"interrupt_response":true}},\
                "output":{"format":{"type":"audio/pcmu"},"voice":"marin","speed":1.0}}}
                """
        )
    }

    @Test func anotherFormatEndsTheCallBeforeNoiseIsHeard() {
        var call = TestCall()
        call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        call.give(.modelOpened(ModelLeg(1)))
        call.model(.sessionCreated(SessionObject()))
        var session = call.negotiated()
        session.output?.format = .pcm24000
        let done = call.model(.sessionUpdated(session))
        #expect(
            done == [
                "close 1 1000 format_mismatch", "hold", "hang up 1000 format_mismatch",
                "ended format_mismatch by model",
            ]
        )
        #expect(call.records.contains { if case .warning(.formatMismatch, _) = $0 { true } else { false } })
    }

    @Test func aServerThatDoesNotTellItsFormatsIsBelieved() {
        var call = TestCall()
        call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        call.give(.modelOpened(ModelLeg(1)))
        call.model(.sessionCreated(SessionObject()))
        #expect(call.model(.sessionUpdated(SessionObject())) == ["open 1"])
    }

    @Test func aModelThatDoesNotSpeakIsDialledOnceMore() {
        var call = TestCall { $0.waitingTone = nil }
        call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        call.give(.modelOpened(ModelLeg(1)))
        #expect(call.wait(4_999) == [])
        #expect(call.wait(1) == ["close 1 1000 no session.created"])
        #expect(call.wait(150) == ["dial 2"])
        call.give(.modelOpened(ModelLeg(2)))
        call.leg = ModelLeg(2)
        call.model(.sessionCreated(SessionObject()))
        #expect(
            call.wait(5_000) == [
                "close 2 1000 no session.updated", "hold", "hang up 1000 model_unreachable",
                "ended model_unreachable by model",
            ]
        )
        #expect(call.machine.counters.silentSessions == 2)
    }

    @Test func aRefusedConfigurationEndsTheCall() {
        var call = TestCall()
        call.give(.carrierStarted(CarrierStart(streamID: "MZ", callID: "CA")))
        call.give(.modelOpened(ModelLeg(1)))
        call.model(.sessionCreated(SessionObject()))
        let id = call.lastSent("session.update")?.eventID
        let done = call.model(.error(APIError(code: "invalid_value", message: "no such voice", eventID: id)))
        #expect(done.last == "ended session_refused by model")
    }

    // MARK: Greeting

    @Test func byDefaultTheAgentWaitsForTheCaller() {
        var call = TestCall()
        #expect(call.begin() == ["1 < session.update", "open 1"])
        #expect(call.wait(30_000) == [])
    }

    @Test func theAgentSpeaksFirst() {
        var call = TestCall { $0.greeting = .agentFirst(.exactly("Hello.")) }
        #expect(call.begin() == ["1 < session.update", "open 1", "1 < create greeting"])
        guard case .responseCreate(let options, _)? = call.lastSent("response.create") else { return }
        #expect(options?.instructions?.hasSuffix("Hello.") == true)
        #expect(options?.toolChoice == ToolChoice.none)
    }

    @Test func theAgentSpeaksWhenTheCallerDoesNot() {
        var call = TestCall { $0.greeting = .agentAfter(milliseconds: 3_000, .instructions("Greet.")) }
        call.begin()
        #expect(call.wait(2_999) == [])
        #expect(call.wait(1) == ["1 < create greeting"])
    }

    @Test func theAgentDoesNotGreetACallerWhoSpoke() {
        var call = TestCall { $0.greeting = .agentAfter(milliseconds: 3_000, .instructions("Greet.")) }
        call.begin()
        call.callerSays("Hello?", item: "item_u1")
        call.responseBegins("resp_1")
        call.responseEnds("resp_1")
        #expect(call.wait(10_000) == [])
    }
}
