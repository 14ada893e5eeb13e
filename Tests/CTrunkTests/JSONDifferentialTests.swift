import CTrunk.Codecs
import Foundation
import Testing

/// The scanner against Foundation's parser on mutated documents.
@Suite("JSON differential")
struct JSONDifferentialTests {
    static let seeds = [
        #"{"event":"media","sequenceNumber":"2","media":{"track":"inbound","payload":"//8="},"streamSid":"MZ2"}"#,
        #"{"event":"start","start":{"accountSid":"AC1","tracks":["inbound"],"mediaFormat":{"sampleRate":8000}},"x":[1,-2.5,3e2]}"#,
        #"{"mark":{"name":"a\u0041\n\"\\\/"},"event":"mark","extra":[true,false,null,{"event":[]},[[]],{}]}"#,
        #" { "ev\u0065nt" : "dtmf" , "dtmf" : { "digit" : "\u0031" } , "u" : "\ud83d\ude00 \u00e9" } "#,
    ]
    static let paths = [
        "event", "streamSid", "media.payload", "media.track", "start.mediaFormat.sampleRate", "mark.name",
    ]

    /// Bytes that matter to the grammar. No control bytes but white space, and nothing beyond ASCII: about those the
    /// two differ on purpose (Foundation guesses encodings and checks UTF-8).
    static let telling = Array("{}[]:,\"\\/ \n\t0123456789-+.eEutrnfalsbd'#".utf8)

    static let members = [#""event":"x","#, #""m\u0065dia":{},"#, #""payload":"","#, #""name":1,"#, #""n":[0],"#]
        .map { Array($0.utf8) }

    static func mutate(_ text: [UInt8], using random: inout CodecRandom) -> [UInt8] {
        var text = text
        for _ in 0...Int(random.next() % 3) where !text.isEmpty {
            let at = Int(random.next() % UInt64(text.count))
            let byte = telling[Int(random.next() % UInt64(telling.count))]
            switch random.next() % 7 {
            case 0: text.remove(at: at)
            case 1: text.insert(byte, at: at)
            case 2: text[at] = byte
            case 3: text.swapAt(at, Int(random.next() % UInt64(text.count)))
            case 4: text.removeSubrange(at..<min(text.count, at + Int(random.next() % 8)))
            case 5:
                // A member more at the front of some object: often a second one of its name.
                guard let brace = text[at...].firstIndex(of: UInt8(ascii: "{")) else { continue }
                text.insert(contentsOf: members[Int(random.next() % UInt64(members.count))], at: brace + 1)
            default:
                let end = min(text.count, at + Int(random.next() % 24))
                text.insert(contentsOf: text[at..<end], at: Int(random.next() % UInt64(text.count)))
            }
        }
        return text
    }

    /// What Foundation finds at a path: nil for nothing, and for containers and numbers just their kind.
    static func lookUp(_ path: String, in root: Any) -> String? {
        var value: Any? = root
        for key in path.split(separator: ".") { value = (value as? [String: Any])?[String(key)] }
        switch value {
        case nil: return nil
        case let text as String: return "string " + text
        case is NSNull: return "null"
        case is [Any]: return "array"
        case is [String: Any]: return "object"
        default: return "scalar"
        }
    }

    static func describe(_ value: trk_json_value) -> String? {
        var value = value
        switch value.kind {
        case .TRK_JSON_ABSENT: return nil
        case .TRK_JSON_NULL: return "null"
        case .TRK_JSON_ARRAY: return "array"
        case .TRK_JSON_OBJECT: return "object"
        case .TRK_JSON_STRING:
            let output = ExactBuffer(count: value.text.count)
            let count = trk_json_unescape(output.start, &value)
            return count < 0 ? "broken" : "string " + String(decoding: output.bytes.prefix(count), as: UTF8.self)
        default: return "scalar"
        }
    }

    /// The status, and what stands at the paths.
    static func scan(_ text: [UInt8]) -> (trk_status, [String?]) {
        let keys = paths.map { path in path.split(separator: ".").map { strdup(String($0)) } }
        defer { keys.joined().forEach { free($0) } }
        let fields = keys.map { keys in
            let padded = keys.map { UnsafePointer($0) } + Array(repeating: nil, count: 4 - keys.count)
            return trk_json_field(keys: (padded[0], padded[1], padded[2], padded[3]))
        }
        let input = ExactBuffer(text)
        var values = Array(repeating: trk_json_value(), count: fields.count)
        let status = trk_json_scan(input.start, input.count, fields, fields.count, &values)
        return (status, values.map(describe))
    }

    @Test("Both accept the same documents and find the same values")
    func differential() throws {
        var random = CodecRandom(seed: 41)
        var accepted = 0, refused = 0, duplicates = 0
        for round in 0..<30_000 {
            let text = Self.mutate(Array(Self.seeds[round % Self.seeds.count].utf8), using: &random)
            let shown = String(decoding: text, as: UTF8.self)
            let root = try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
            let (status, values) = Self.scan(text)
            guard let root else {
                // Foundation also refuses numbers that a Double can not hold; a pure check tells them apart.
                refused += 1
                try #require(status != .TRK_OK || Self.hasHugeNumber(shown), "only Foundation refuses \(shown)")
                continue
            }
            if status == .TRK_EINVALID, scanJSON(text).status == .TRK_OK {
                duplicates += 1
                continue
            }
            // Foundation takes a comma in front of a closing bracket, which RFC 8259 does not.
            if status == .TRK_EINVALID, shown.contains(/,[ \n\t]*[}\]]/) { continue }
            accepted += 1
            try #require(status == .TRK_OK, "only the scanner refuses \(shown)")
            try #require(values == Self.paths.map { Self.lookUp($0, in: root) }, "\(shown)")
        }
        // The mutations must reach all three outcomes for the test to mean anything.
        #expect(accepted > 1_000 && refused > 1_000 && duplicates > 100, "\(accepted) \(refused) \(duplicates)")
    }

    private static func hasHugeNumber(_ text: String) -> Bool {
        text.contains(/[0-9][eE]\+?[0-9]{3}/)
    }
}
