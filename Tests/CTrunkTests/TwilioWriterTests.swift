import CTrunk.Codecs
import Foundation
import Testing

@Suite("Twilio writers")
struct TwilioWriterTests {
    /// Runs a writer with as much room as it needs, and checks that one byte less gives nothing.
    static func write(_ body: (UnsafeMutablePointer<UInt8>, Int) -> Int) -> String {
        let roomy = ExactBuffer(count: 4096)
        let count = body(roomy.start, roomy.count)
        let exact = ExactBuffer(count: count)
        #expect(body(exact.start, count) == count)
        #expect(exact.bytes == Array(roomy.bytes.prefix(count)))
        for room in 0..<count {
            let short = ExactBuffer(count: room)
            #expect(body(short.start, room) == 0, "\(room) of \(count)")
        }
        return String(decoding: exact.bytes, as: UTF8.self)
    }

    static func withBytes<Result>(_ text: String, _ body: (trk_bytes) throws -> Result) rethrows -> Result {
        let buffer = ExactBuffer(Array(text.utf8))
        return try body(trk_bytes(data: UnsafePointer(buffer.start), count: buffer.count))
    }

    @Test("Exactly the keys that Twilio takes, in its order")
    func forms() {
        Self.withBytes("MZ2") { sid in
            let audio: [UInt8] = Array(repeating: 0xFF, count: 8)
            #expect(
                Self.write { trk_twilio_write_media($0, $1, sid, audio, 8) }
                    == #"{"event":"media","streamSid":"MZ2","media":{"payload":"//////////8="}}"#
            )
            #expect(
                Self.write { trk_twilio_write_media($0, $1, sid, audio, 0) }
                    == #"{"event":"media","streamSid":"MZ2","media":{"payload":""}}"#
            )
            #expect(
                Self.write { out, room in
                    Self.withBytes("g7:item_a1:1200") { trk_twilio_write_mark(out, room, sid, $0) }
                } == #"{"event":"mark","streamSid":"MZ2","mark":{"name":"g7:item_a1:1200"}}"#
            )
            #expect(
                Self.write { trk_twilio_write_clear($0, $1, sid) } == #"{"event":"clear","streamSid":"MZ2"}"#
            )
        }
    }

    @Test("Ids that need escapes are escaped and read back the same")
    func escapes() throws {
        let odd = "a\"b\\c\n\u{1}é😀"
        let text = Self.withBytes(odd) { id in Self.write { trk_twilio_write_mark($0, $1, id, id) } }
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect(object?["streamSid"] as? String == odd)
        #expect((object?["mark"] as? [String: Any])?["name"] as? String == odd)
        #expect(object?.count == 3)
    }

    @Test("The room around a payload or a name is what the header says")
    func overhead() {
        // The longest sid that a parser lets through, all of it in need of an escape.
        let sid = String(repeating: "\"", count: Int(TRK_TWILIO_SID_MAX))
        Self.withBytes(sid) { sid in
            let audio = [UInt8](repeating: 0x55, count: 160)
            let room = Int(TRK_TWILIO_OVERHEAD_MAX)
            var output = [UInt8](repeating: 0, count: 2048)
            #expect(trk_twilio_write_media(&output, room + trk_base64_encoded_count(160), sid, audio, 160) > 0)
            #expect(trk_twilio_write_clear(&output, room, sid) > 0)
            let name = String(repeating: "n", count: Int(TRK_TWILIO_MARK_MAX))
            #expect(Self.withBytes(name) { trk_twilio_write_mark(&output, room + $0.count, sid, $0) } > 0)
        }
    }

    @Test("A written payload decodes to the same audio, for every length to 400")
    func audio() throws {
        var random = CodecRandom(seed: 51)
        try Self.withBytes("MZ00000000000000000000000000000002") { sid in
            for count in 0...400 {
                let audio = ExactBuffer(random.bytes(count))
                let room = trk_base64_encoded_count(count) + Int(TRK_TWILIO_OVERHEAD_MAX)
                let output = ExactBuffer(count: room)
                let length = trk_twilio_write_media(output.start, room, sid, audio.start, count)
                let text = String(decoding: output.bytes.prefix(length), as: UTF8.self)
                let result = ParsedTwilio.parse(text)
                try #require(result.status == .TRK_OK)
                try #require(Data(base64Encoded: result.message.payload) == Data(audio.bytes))
            }
        }
    }

    @Test("Sizes that no buffer has do not wrap around")
    func hugeCounts() {
        Self.withBytes("MZ2") { sid in
            var output = [UInt8](repeating: 0xA5, count: 256)
            // The first two are the largest size_t values.
            for count in [-1, -2, Int.max, Int.max / 4 * 3 + 1, 1 << 62, 193] {
                #expect(trk_twilio_write_media(&output, 200, sid, [0], count) == 0)
            }
            #expect(output.dropFirst(200).allSatisfy { $0 == 0xA5 })
        }
    }
}
