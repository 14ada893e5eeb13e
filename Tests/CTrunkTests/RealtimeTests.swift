import CTrunk.Codecs
import Foundation
import Testing

/// A scanned event, copied out of its text.
struct ScannedEvent: Equatable {
    var kind = trk_rt_kind.TRK_RT_OTHER
    var type = ""
    var response = ""
    var item = ""
    var contentIndex: Int64 = -1
    var delta = ""

    /// Scans with text and scratch of exactly the right size.
    static func scan(_ text: String) -> (status: trk_status, event: ScannedEvent) {
        let input = ExactBuffer(Array(text.utf8))
        let scratch = ExactBuffer(count: input.count)
        var raw = trk_rt_event()
        raw.content_index = 99
        let status = trk_rt_scan(&raw, input.start, input.count, scratch.start)
        return (
            status,
            ScannedEvent(
                kind: raw.kind,
                type: raw.type.string,
                response: raw.response_id.string,
                item: raw.item_id.string,
                contentIndex: raw.content_index,
                delta: raw.delta.string
            )
        )
    }
}

@Suite("Realtime events")
struct RealtimeTests {
    static let names: [(String, trk_rt_kind)] = [
        ("error", .TRK_RT_ERROR), ("session.created", .TRK_RT_SESSION_CREATED),
        ("session.updated", .TRK_RT_SESSION_UPDATED),
        ("input_audio_buffer.speech_started", .TRK_RT_SPEECH_STARTED),
        ("input_audio_buffer.speech_stopped", .TRK_RT_SPEECH_STOPPED),
        ("input_audio_buffer.committed", .TRK_RT_INPUT_COMMITTED),
        ("input_audio_buffer.cleared", .TRK_RT_INPUT_CLEARED),
        ("input_audio_buffer.timeout_triggered", .TRK_RT_INPUT_TIMEOUT),
        ("conversation.item.added", .TRK_RT_ITEM_ADDED),
        ("conversation.item.done", .TRK_RT_ITEM_DONE), ("conversation.item.truncated", .TRK_RT_ITEM_TRUNCATED),
        ("conversation.item.deleted", .TRK_RT_ITEM_DELETED), ("conversation.item.retrieved", .TRK_RT_ITEM_RETRIEVED),
        ("conversation.item.input_audio_transcription.delta", .TRK_RT_INPUT_TRANSCRIPT_DELTA),
        ("conversation.item.input_audio_transcription.completed", .TRK_RT_INPUT_TRANSCRIPT_DONE),
        ("conversation.item.input_audio_transcription.failed", .TRK_RT_INPUT_TRANSCRIPT_FAILED),
        ("response.created", .TRK_RT_RESPONSE_CREATED), ("response.done", .TRK_RT_RESPONSE_DONE),
        ("response.output_item.added", .TRK_RT_OUTPUT_ITEM_ADDED),
        ("response.output_item.done", .TRK_RT_OUTPUT_ITEM_DONE),
        ("response.content_part.added", .TRK_RT_CONTENT_PART_ADDED),
        ("response.content_part.done", .TRK_RT_CONTENT_PART_DONE),
        ("response.output_audio.delta", .TRK_RT_AUDIO_DELTA), ("response.output_audio.done", .TRK_RT_AUDIO_DONE),
        ("response.output_audio_transcript.delta", .TRK_RT_TRANSCRIPT_DELTA),
        ("response.output_audio_transcript.done", .TRK_RT_TRANSCRIPT_DONE),
        ("response.output_text.delta", .TRK_RT_TEXT_DELTA), ("response.output_text.done", .TRK_RT_TEXT_DONE),
        ("response.function_call_arguments.delta", .TRK_RT_ARGUMENTS_DELTA),
        ("response.function_call_arguments.done", .TRK_RT_ARGUMENTS_DONE), ("rate_limits.updated", .TRK_RT_RATE_LIMITS),
    ]

    @Test("Each GA name has its kind, and no other name has one")
    func kinds() {
        #expect(Set(Self.names.map(\.1.rawValue)) == Set(1...31))
        for (name, kind) in Self.names {
            #expect(ScannedEvent.scan("{\"type\":\"\(name)\",\"delta\":\"\"}").event.kind == kind, "\(name)")
            for other in [String(name.dropLast()), name + "s", name.uppercased(), "x" + name.dropFirst()] {
                let result = ScannedEvent.scan("{\"type\":\"\(other)\"}")
                #expect(result.status == .TRK_OK && result.event == ScannedEvent(type: other), "\(other)")
            }
        }
        // Beta and legacy names are handed on as text.
        for name in [
            "response.audio.delta", "response.audio_transcript.delta", "response.text.delta",
            "conversation.item.created",
            "conversation.created", "ping", "", "conversation.item.input_audio_transcription.segment",
        ] {
            #expect(ScannedEvent.scan("{\"type\":\"\(name)\",\"delta\":5}").event == ScannedEvent(type: name))
        }
    }

    @Test("Fields of an audio delta")
    func audioDelta() {
        let text = """
            {"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1",\
            "output_index":0,"content_index":2,"delta":"//////////8=","new":{"delta":"no","item_id":"no","type":"no"}}
            """
        let expected = ScannedEvent(
            kind: .TRK_RT_AUDIO_DELTA,
            type: "response.output_audio.delta",
            response: "resp_1",
            item: "item_1",
            contentIndex: 2,
            delta: "//////////8="
        )
        #expect(ScannedEvent.scan(text).status == .TRK_OK)
        #expect(ScannedEvent.scan(text).event == expected)
        // The same in escapes: slashes as some writers write them, and keys and values in full.
        let escaped = text.replacing("/", with: "\\/").replacing("item_1", with: "\\u0069tem_1")
            .replacing("\"type\":\"response", with: "\"\\u0074ype\":\"\\u0072esponse")
        #expect(ScannedEvent.scan(escaped).status == .TRK_OK)
        #expect(ScannedEvent.scan(escaped).event == expected)
        // Only an audio delta's delta is audio.
        let transcript = text.replacing("output_audio.delta", with: "output_audio_transcript.delta")
        #expect(ScannedEvent.scan(transcript).event.delta == "")
    }

    @Test("Ids inside of objects, and ids of another type")
    func nestedIds() {
        func ids(_ text: String) -> [String] {
            let result = ScannedEvent.scan(text)
            #expect(result.status == .TRK_OK, "\(text)")
            return [result.event.response, result.event.item]
        }
        #expect(ids(#"{"type":"response.created","response":{"id":"r1","output":[{"id":"x"}]}}"#) == ["r1", ""])
        #expect(ids(#"{"type":"conversation.item.added","item":{"id":"i1","content":[{"id":"x"}]}}"#) == ["", "i1"])
        #expect(ids(#"{"type":"response.output_item.done","response_id":"r1","item":{"id":"i1"}}"#) == ["r1", "i1"])
        #expect(ids(#"{"type":"x","response_id":"a","response":{"id":"b"}}"#) == ["a", ""])
        #expect(ids(#"{"type":"x","item_id":null,"item":{"id":"b"}}"#) == ["", "b"])
        #expect(ids(#"{"type":"x","item_id":5,"response_id":{},"item":"s","response":[{"id":"x"}]}"#) == ["", ""])
        for index in ["null", "-1", "1.5", "\"x\"", "[]", "99999999999999999999"] {
            #expect(ScannedEvent.scan("{\"type\":\"x\",\"content_index\":\(index)}").event.contentIndex == -1)
        }
    }

    @Test(
        "Malformed events are refused and leave nothing behind",
        arguments: [
            "", " ", "null", "[]", "{}", "\"type\"", #"{"type":5}"#, #"{"type":null}"#, #"{"type":"error""#,
            #"{"type":"error",}"#,
            #"{"type":"error","type":"error"}"#, #"{"type":"error","t\u0079pe":"x"}"#,
            #"{"type":"x","item":{"id":1,"id":2}}"#,
            #"{"type":"x","item":{},"item":{"id":"a"}}"#, #"{"type":"x","delta":1,"delta":2}"#,
            #"{"type":"x","item_id":"\ud800"}"#,
            #"{"type":"x","item_id":"a\u0000"}"#, #"{"type":"x","response":{"id":"a\nb"}}"#,
            #"{"type":"x","response_id":"é"}"#,
            #"{"type":"response.output_audio.delta"}"#, #"{"type":"response.output_audio.delta","delta":null}"#,
            #"{"type":"response.output_audio.delta","delta":5}"#,
            #"{"type":"response.output_audio.delta","delta":["AAAA"]}"#,
        ]
    )
    func malformed(text: String) {
        let result = ScannedEvent.scan(text)
        #expect(result.status == .TRK_EINVALID)
        #expect(result.event == ScannedEvent())
    }

    @Test("Ids below, at and above their limit", arguments: ["item_id", "response_id", "item", "response"])
    func idLimit(key: String) {
        for (extra, status): (Int, trk_status) in [(-1, .TRK_OK), (0, .TRK_OK), (1, .TRK_EINVALID)] {
            let id = "\"" + String(repeating: "x", count: Int(TRK_REALTIME_ID_MAX) + extra) + "\""
            let value = key.hasSuffix("_id") ? id : "{\"id\":\(id)}"
            #expect(ScannedEvent.scan("{\"type\":\"x\",\"\(key)\":\(value)}").status == status)
        }
        #expect(
            ScannedEvent.scan("{\"type\":\"x\",\"\(key)\":\(String(repeating: "[", count: 32))").status == .TRK_EFULL
        )
    }

    @Test("A large delta, plain and in escapes")
    func largeDelta() {
        let audio = Data(CodecRandom.sample(seed: 61, count: 1 << 19)).base64EncodedString()
        for delta in [audio, audio.replacing("/", with: "\\/")] {
            let result = ScannedEvent.scan("{\"delta\":\"\(delta)\",\"type\":\"response.output_audio.delta\"}")
            #expect(result.status == .TRK_OK)
            #expect(result.event.delta == audio)
        }
    }

    @Test("Recorded conversations: every event is read as Foundation reads it")
    func captures() throws {
        guard let folder = SharedFiles.folder("captures") else { return }
        // What is spoken beside the GA protocol: one server's own and legacy events.
        let others: Set = ["ping", "conversation.created"]
        let kinds = Dictionary(uniqueKeysWithValues: Self.names)
        var received = 0
        for name in try SharedFiles.names(in: folder) where name.hasSuffix(".jsonl") {
            for line in try SharedFiles.bytes(name, in: folder).split(separator: UInt8(ascii: "\n")) {
                let cut = scanJSON(Array(line), ["direction", "event"])
                try #require(cut.status == .TRK_OK && cut.values[1].kind == .TRK_JSON_OBJECT)
                guard cut.values[0] == .string("received") else { continue }
                received += 1
                let text = cut.values[1].text
                let event = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
                let type = try #require(event["type"] as? String)
                let result = ScannedEvent.scan(text)
                #expect(result.status == .TRK_OK, "\(name): \(type)")
                #expect(result.event.type == type)
                let kind = others.contains(type) ? .TRK_RT_OTHER : kinds[type]
                #expect(result.event.kind == kind, "\(name): \(type)")
                let nested = { (key: String) in (event[key] as? [String: Any])?["id"] as? String }
                #expect(result.event.response == event["response_id"] as? String ?? nested("response") ?? "")
                #expect(result.event.item == event["item_id"] as? String ?? nested("item") ?? "")
                #expect(result.event.contentIndex == (event["content_index"] as? Int).map(Int64.init) ?? -1)
                if kind == .TRK_RT_AUDIO_DELTA { #expect(result.event.delta == event["delta"] as? String) }
            }
        }
        #expect(received > 200)
    }
}

extension CodecRandom {
    fileprivate static func sample(seed: UInt64, count: Int) -> [UInt8] {
        var random = CodecRandom(seed: seed)
        return random.bytes(count)
    }
}
