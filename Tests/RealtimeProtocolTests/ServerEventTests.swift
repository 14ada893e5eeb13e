import RealtimeProtocol
import Testing

@Suite struct ServerEventTests {
    private func parse(_ text: String) throws -> ServerEvent { try ServerEvent(parsing: Array(text.utf8)) }

    @Test func unknownTypesAndFieldsAreIgnored() throws {
        #expect(try parse(#"{"type":"some.future.event","x":1}"#) == .unknown(type: "some.future.event"))
        #expect(
            try parse(#"{"type":"response.mcp_call.in_progress"}"#) == .unknown(type: "response.mcp_call.in_progress")
        )
        let event = try parse(
            #"{"type":"input_audio_buffer.speech_started","event_id":"e","audio_start_ms":1460,"item_id":"i","new":{}}"#
        )
        #expect(event == .speechStarted(itemID: "i", audioStartMilliseconds: 1460))
    }

    @Test(arguments: [
        (#"{"type":"response.done","response":{"status":"completed"}}"#, "response.id", "missing"),
        (#"{"type":"response.done","response":{"id":7,"status":"completed"}}"#, "response.id", "a string"),
        (#"{"type":"response.done","response":[]}"#, "response", "an object"),
        (#"{"type":"response.done"}"#, "response", "missing"),
        (#"{"type":"error"}"#, "error", "missing"),
        (#"{"type":"input_audio_buffer.speech_started"}"#, "item_id", "missing"),
        (
            #"{"type":"conversation.item.added","item":{"id":"i","type":"message","role":"user","content":[{"text":""}]}}"#,
            "item.content[0].type", "missing"
        ),
        (
            #"{"type":"response.output_item.done","response_id":"r","item":{"type":"function_call","name":"n"}}"#,
            "item.call_id", "missing"
        ),
        (#"{"type":"session.created","session":{"instructions":1}}"#, "session.instructions", "a string"),
        (#"{"event_id":"e"}"#, "type", "missing"),
        (#"[]"#, "", "an object"),
    ])
    func aMalformedEventSaysWhichFieldIsWrong(text: String, field: String, problem: String) throws {
        let error = try #require(throws: ProtocolError.self) { try parse(text) }
        #expect(error.field == field)
        #expect(error.problem == (problem == "missing" ? .missing : .expected(problem)))
    }

    @Test func whatIsNotJSONSaysWhere() throws {
        let error = try #require(throws: ProtocolError.self) { try parse("{\"type\":}") }
        #expect(error.problem == .notJSON(JSONError(kind: .unexpectedByte, offset: 8)))
    }

    @Test func aResponseTellsWhyItIsNotComplete() throws {
        let cancelled = try parse(
            """
            {"type":"response.done","event_id":"e","response":{"id":"r","status":"cancelled",\
            "status_details":{"type":"cancelled","reason":"turn_detected"},"output":[],"usage":{"total_tokens":5}}}
            """
        )
        guard case .responseDone(let response) = cancelled else { throw cancelled.unexpected }
        #expect(response.status == .cancelled)
        #expect(response.statusDetails?.reason == "turn_detected")
        #expect(response.usage?.total == 5)
        let failed = try parse(
            """
            {"type":"response.done","response":{"id":"r","status":"failed","status_details":{"type":"failed",\
            "error":{"type":"server_error","code":"rate_limit_exceeded","message":"m"}}}}
            """
        )
        guard case .responseDone(let response) = failed else { throw failed.unexpected }
        #expect(response.statusDetails?.error?.code == "rate_limit_exceeded")
    }

    @Test func wordsInPlacesOfObjectsAreTolerated() throws {
        let event = try parse(
            #"{"type":"response.done","response":{"id":"r","status":"completed","status_details":"unimplemented"}}"#
        )
        guard case .responseDone(let response) = event else { throw event.unexpected }
        #expect(response.statusDetails == nil)
    }

    @Test func hugeTokenCountsAreBounded() throws {
        let event = try parse(
            #"{"type":"response.done","response":{"id":"r","status":"completed","usage":{"total_tokens":9e18,"input_tokens":-4}}}"#
        )
        guard case .responseDone(let response) = event else { throw event.unexpected }
        #expect(response.usage?.total == TokenUsage.countLimit)
        #expect(response.usage?.input == 0)
    }

    @Test(arguments: [
        ("response.audio.delta", "response.output_audio.delta"), ("response.text.done", "response.output_text.done"),
        ("response.audio_transcript.delta", "response.output_audio_transcript.delta"),
    ])
    func betaNamesAreUnderstood(beta: String, ga: String) throws {
        let event = try parse(#"{"type":"\#(beta)","response_id":"r","item_id":"i","delta":"AA==","text":""}"#)
        #expect(event.type == ga)
    }

    @Test func errorsCarryEveryKey() {
        let error = ServerEvent.error(APIError(code: nil, message: "m"))
        #expect(
            error.json(eventID: "event_1").text
                == """
                {"type":"error","event_id":"event_1","error":{"type":"invalid_request_error","code":null,"message":"m",\
                "param":null,"event_id":null}}
                """
        )
    }
}

extension ServerEvent {
    var unexpected: ProtocolError { ProtocolError(eventType: type, field: "type", problem: .unknownType) }
}
