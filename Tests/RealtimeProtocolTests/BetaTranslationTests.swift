import RealtimeProtocol
import Testing

@Suite struct BetaTranslationTests {
    private func ga(_ text: String) throws -> String {
        BetaTranslation.gaMessage(fromClient: try JSONValue(parsing: text)).text
    }

    private func beta(_ text: String) throws -> String? {
        BetaTranslation.betaEvent(fromServer: try JSONValue(parsing: text))?.text
    }

    @Test func aFlatSessionBecomesNested() throws {
        let text = """
            {"type":"session.update","session":{"modalities":["text","audio"],"instructions":"i","voice":"ash",\
            "input_audio_format":"g711_ulaw","output_audio_format":"g711_ulaw","turn_detection":{"type":"server_vad"},\
            "input_audio_transcription":{"model":"whisper-1"},"temperature":0.8,"max_response_output_tokens":100}}
            """
        #expect(
            try ga(text)
                == """
                {"type":"session.update","session":{"type":"realtime","output_modalities":["audio"],"instructions":"i",\
                "max_output_tokens":100,"audio":{"input":{"format":{"type":"audio/pcmu"},\
                "turn_detection":{"type":"server_vad"},"transcription":{"model":"whisper-1"}},\
                "output":{"voice":"ash","format":{"type":"audio/pcmu"}}}}}
                """
        )
        let event = try ClientEvent(parsing: Array(try ga(text).utf8))
        guard case .sessionUpdate(let session, _) = event else { return #expect(Bool(false)) }
        #expect(session.input?.format == .pcmu)
    }

    @Test func whatIsGAAlreadyStays() throws {
        let text = """
            {"type":"session.update","session":{"type":"realtime","output_modalities":["audio"],\
            "audio":{"output":{"voice":"ash"}}}}
            """
        #expect(try ga(text) == text)
        #expect(try ga(#"{"type":"response.cancel"}"#) == #"{"type":"response.cancel"}"#)
    }

    @Test func contentOfItemsIsRenamed() throws {
        let text =
            #"{"type":"conversation.item.create","item":{"type":"message","role":"assistant","content":[{"type":"text","text":"x"}]}}"#
        #expect(try ga(text).contains(#""type":"output_text""#))
    }

    @Test func serverEventsGetTheirOldNames() throws {
        #expect(
            try beta(#"{"type":"response.output_audio.delta","event_id":"e","delta":"AA=="}"#)
                == #"{"type":"response.audio.delta","event_id":"e","delta":"AA=="}"#
        )
        #expect(
            try beta(#"{"type":"conversation.item.added","item":{"id":"i"}}"#)?.contains("conversation.item.created")
                == true
        )
        #expect(try beta(#"{"type":"conversation.item.done","item":{"id":"i"}}"#) == nil)
        #expect(
            try beta(#"{"type":"response.function_call_arguments.done"}"#)
                == #"{"type":"response.function_call_arguments.done"}"#
        )
    }

    @Test func aNestedSessionBecomesFlat() throws {
        let text = try #require(try beta(#"{"type":"session.created","session":\#(SessionTests.full)}"#))
        let session = try #require(try JSONValue(parsing: text)["session"])
        #expect(session["voice"] == "marin")
        #expect(session["modalities"] == ["text", "audio"])
        #expect(session["input_audio_format"] == "g711_ulaw")
        #expect(session["output_audio_format"] == "pcm16")
        #expect(session["max_response_output_tokens"] == 4096)
        #expect(session["turn_detection"]?["type"] == "server_vad")
        #expect(session["audio"] == nil)
    }

    @Test func itemsInsideResponsesAreRenamed() throws {
        let text = """
            {"type":"response.done","response":{"id":"r","output_modalities":["audio"],"output":[{"id":"i",\
            "content":[{"type":"output_audio","transcript":"t"}]}],"audio":{"output":{"voice":"ash",\
            "format":{"type":"audio/pcmu"}}}}}
            """
        #expect(
            try beta(text)
                == """
                {"type":"response.done","response":{"id":"r","modalities":["text","audio"],"output":[{"id":"i",\
                "content":[{"type":"audio","transcript":"t"}]}],"voice":"ash","output_audio_format":"g711_ulaw"}}
                """
        )
    }
}
