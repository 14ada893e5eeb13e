import RealtimeProtocol
import Testing

/// What real servers sent must be understood, and written again as they write it.
@Suite struct CaptureTests {

    @Test(arguments: Captures.files)
    func everyReceivedLineIsAKnownEvent(file: String) throws {
        for message in try Captures.load(file) where message.isReceived {
            let event = try ServerEvent(parsing: message.event.encode())
            // The keep-alive of another vendor; it means nothing to us.
            if message.event["type"] == "ping" { continue }
            if case .unknown(let type) = event { Issue.record("\(message.name): \(type) is not known") }
            #expect(event.type == message.event["type"]?.stringValue, "\(message.name)")
        }
    }

    @Test(arguments: Captures.files)
    func encodingAndParsingAgainIsTheSameEvent(file: String) throws {
        for message in try Captures.load(file) where message.isReceived {
            let event = try ServerEvent(json: message.event)
            #expect(try ServerEvent(parsing: event.encode(eventID: "event_1")) == event, "\(message.name)")
        }
    }

    /// For OpenAI's own servers the bytes are compared field by field, in order.
    @Test(arguments: Captures.files.filter { $0.hasPrefix("openai") })
    func encodingKeepsFieldsAndTheirOrder(file: String) throws {
        for message in try Captures.load(file) where message.isReceived {
            let id = try #require(message.event["event_id"]?.stringValue)
            let again = try ServerEvent(json: message.event).json(eventID: id)
            #expect(pruned(again).text == pruned(message.event).text, "\(message.name)")
        }
    }

    @Test(arguments: Captures.files)
    func everySentLineIsAClientEvent(file: String) throws {
        for message in try Captures.load(file) where !message.isReceived {
            let event = try ClientEvent(parsing: message.event.encode())
            #expect(event.type == message.event["type"]?.stringValue)
            #expect(try ClientEvent(parsing: event.encode()) == event, "\(message.name)")
        }
    }

    /// Without what we do not model, and without nulls in places where absent means the same.
    private func pruned(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): return .array(elements.map(pruned))
        case .object(let object):
            var result = JSONObject()
            for member in object.members where member.key != "obfuscation" {
                // `language` and `prompt` inside a transcription are null when they are not set.
                if member.value.isNull, ["language", "prompt", "include", "tracing"].contains(member.key) { continue }
                result.append(member.key, pruned(member.value))
            }
            return .object(result)
        default: return value
        }
    }
}
