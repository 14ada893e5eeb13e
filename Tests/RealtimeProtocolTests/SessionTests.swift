import RealtimeProtocol
import Testing

@Suite struct SessionTests {
    static let full = """
        {"type":"realtime","model":"gpt-realtime-2.1","output_modalities":["audio"],"instructions":"...",\
        "tools":[{"type":"function","name":"lookup_order","description":"d","parameters":{"type":"object"}},\
        {"type":"mcp","server_label":"crm"}],"tool_choice":{"type":"function","name":"lookup_order"},\
        "max_output_tokens":4096,"tracing":null,"truncation":{"type":"retention_ratio","retention_ratio":0.8},\
        "audio":{"input":{"format":{"type":"audio/pcmu"},"transcription":{"model":"gpt-realtime-whisper",\
        "language":"en","delay":"low"},"noise_reduction":{"type":"far_field"},"turn_detection":{"type":"server_vad",\
        "threshold":0.5,"prefix_padding_ms":300,"silence_duration_ms":500,"idle_timeout_ms":null,\
        "create_response":true,"interrupt_response":true}},"output":{"format":{"type":"audio/pcm","rate":24000},\
        "voice":"marin","speed":1.0}},"parallel_tool_calls":true,"reasoning":{"effort":"low"}}
        """

    @Test func everyFieldSurvives() throws {
        let session = try SessionObject(json: try JSONValue(parsing: Self.full))
        #expect(session.json.text == Self.full)
        #expect(session.input?.format == .pcmu)
        #expect(session.output?.format == .pcm24000)
        #expect(session.input?.turnDetection == .value(.serverVAD()))
    }

    @Test func absentAndNullAreDifferent() throws {
        let text = #"{"type":"realtime","audio":{"input":{"noise_reduction":null,"turn_detection":null}}}"#
        let session = try SessionObject(json: try JSONValue(parsing: text))
        #expect(session.input?.noiseReduction == .null)
        #expect(session.input?.transcription == nil)
        #expect(session.json.text == text)
    }

    @Test func formatsAreWrittenAsTheServerWantsThem() {
        #expect(AudioFormat.pcmu.json.text == #"{"type":"audio/pcmu"}"#)
        #expect(AudioFormat.pcma.json.text == #"{"type":"audio/pcma"}"#)
        #expect(AudioFormat.pcm24000.json.text == #"{"type":"audio/pcm","rate":24000}"#)
    }

    @Test func anUpdateChangesOnlyWhatItNames() throws {
        let session = try SessionObject(json: try JSONValue(parsing: Self.full))
        var update = SessionObject()
        update.instructions = "new"
        update.output = SessionObject.AudioOutput()
        update.output?.speed = 1.2
        let merged = session.merging(update)
        #expect(merged.instructions == "new")
        #expect(merged.output?.speed == 1.2)
        #expect(merged.output?.voice == "marin")
        #expect(merged.input == session.input)
        #expect(merged.tools == session.tools)
    }
}
