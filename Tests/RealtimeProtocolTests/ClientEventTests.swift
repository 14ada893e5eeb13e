import RealtimeProtocol
import Testing

@Suite struct ClientEventTests {
    static let examples: [(ClientEvent, String)] = [
        (.inputAudioAppend(audio: "AA=="), #"{"type":"input_audio_buffer.append","audio":"AA=="}"#),
        (.inputAudioCommit(eventID: "e"), #"{"type":"input_audio_buffer.commit","event_id":"e"}"#),
        (.inputAudioClear(), #"{"type":"input_audio_buffer.clear"}"#),
        (
            .itemCreate(.text("hi", role: "user", id: "i"), previousItemID: "root", eventID: "e"),
            """
            {"type":"conversation.item.create","event_id":"e","previous_item_id":"root","item":{"id":"i",\
            "type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}}
            """
        ),
        (
            .itemCreate(ConversationItem(kind: .functionCallOutput(callID: "c", output: "{}"))),
            #"{"type":"conversation.item.create","item":{"type":"function_call_output","call_id":"c","output":"{}"}}"#
        ),
        (
            .itemTruncate(itemID: "i", contentIndex: 0, audioEndMilliseconds: 1480, eventID: "t1"),
            """
            {"type":"conversation.item.truncate","event_id":"t1","item_id":"i","content_index":0,"audio_end_ms":1480}
            """
        ),
        (.itemDelete(itemID: "i"), #"{"type":"conversation.item.delete","item_id":"i"}"#),
        (.itemRetrieve(itemID: "i"), #"{"type":"conversation.item.retrieve","item_id":"i"}"#),
        (.responseCreate(), #"{"type":"response.create"}"#),
        (.responseCancel(responseID: "r"), #"{"type":"response.cancel","response_id":"r"}"#),
    ]

    @Test(arguments: examples)
    func eventsAreWrittenAndReadWithTheirExactKeys(event: ClientEvent, text: String) throws {
        #expect(String(decoding: event.encode(), as: UTF8.self) == text)
        #expect(try ClientEvent(parsing: Array(text.utf8)) == event)
    }

    @Test func aResponseMayCarryOptions() throws {
        var options = ResponseOptions()
        options.instructions = "Greet the caller."
        options.toolChoice = ToolChoice.none
        options.metadata = ["a": "b"]
        let event = ClientEvent.responseCreate(options, eventID: "e")
        #expect(
            event.json.text
                == """
                {"type":"response.create","event_id":"e","response":{"instructions":"Greet the caller.",\
                "tool_choice":"none","metadata":{"a":"b"}}}
                """
        )
        #expect(try ClientEvent(json: event.json) == event)
    }

    @Test func aMissingFieldIsNamed() throws {
        let error = try #require(throws: ProtocolError.self) {
            try ClientEvent(
                parsing: Array(#"{"type":"conversation.item.truncate","item_id":"i","content_index":0}"#.utf8)
            )
        }
        #expect(error.field == "audio_end_ms")
        #expect(error.eventType == "conversation.item.truncate")
    }

    @Test func anUnknownTypeIsAnError() {
        #expect(throws: ProtocolError(eventType: "x", field: "type", problem: .unknownType)) {
            try ClientEvent(parsing: Array(#"{"type":"x"}"#.utf8))
        }
    }
}
