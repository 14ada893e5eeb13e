import RealtimeProtocol

/// Asterisk's `chan_websocket`, in its plain and its JSON control messages; media are binary. The first message says
/// which of both it is.
public struct AsteriskDialect: CarrierDialect {
    /// Packets of Opus ahead of time: Asterisk passes them on as they come.
    static let opusLeadMilliseconds = 60

    private let parameters: [String: String]
    private var isJSON = false
    private var hasBegun = false

    /// - Parameter parameters: What travels with the call, from the request's query.
    public init(parameters: [String: String] = [:]) { self.parameters = parameters }

    /// What Asterisk says.
    public mutating func received(_ message: UnsafeRawBufferPointer) -> [DialectAction] {
        guard let (event, values) = read(message) else { return [.malformed] }
        guard hasBegun else {
            return event == "MEDIA_START" ? begin(values) : [.close(1_008, "the first message must be MEDIA_START")]
        }
        switch event {
        case "MEDIA_START": return [.close(1_008, "a second MEDIA_START")]
        case "MEDIA_XOFF": return [.hold(true)]
        case "MEDIA_XON": return [.hold(false)]
        case "MEDIA_MARK_PROCESSED": return values["correlation_id"].map { [.echo($0)] } ?? [.malformed]
        case "DTMF_END": return values["digit"].map { [.digit($0)] } ?? [.malformed]
        case "ERROR":
            let said = String(decoding: message, as: UTF8.self).split(separator: " ", maxSplits: 1).dropFirst()
            return [.complaint(values["error_text"] ?? said.first.map { String($0) } ?? "an error without words")]
        // MEDIA_BUFFERING_COMPLETED, QUEUE_DRAINED, STATUS, and what newer ones say.
        default: return event.allSatisfy { "A"..."Z" ~= $0 || $0 == "_" } ? [] : [.malformed]
        }
    }

    /// The event's name and its values: `MEDIA_START connection_id:x format:ulaw`, or an object with `event`.
    private mutating func read(_ message: UnsafeRawBufferPointer) -> (String, [String: String])? {
        if message.first == UInt8(ascii: "{") {
            guard let json = try? JSONValue(parsing: message), let event = json["event"]?.stringValue else {
                return nil
            }
            if !hasBegun { isJSON = true }
            var values: [String: String] = [:]
            for member in json.objectValue?.members ?? [] {
                values[member.key] = member.value.stringValue ?? member.value.integerValue.map { String($0) }
            }
            return (event, values)
        }
        let words = String(decoding: message, as: UTF8.self).split(separator: " ")
        guard let event = words.first else { return nil }
        var values: [String: String] = [:]
        for word in words.dropFirst() {
            guard let colon = word.firstIndex(of: ":") else { continue }
            values[String(word[..<colon])] = String(word[word.index(after: colon)...])
        }
        return (String(event), values)
    }

    private mutating func begin(_ values: [String: String]) -> [DialectAction] {
        guard let id = values["connection_id"], !id.isEmpty else {
            return [.close(1_008, "MEDIA_START without connection_id")]
        }
        var line: AudioLine
        switch values["format"] {
        case "ulaw": line = AudioLine(.ulaw)
        case "alaw": line = AudioLine(.alaw)
        case "opus": line = AudioLine(.opus)
        case let other: return [.close(1_008, "format \((other ?? "missing").prefix(20)) is not ulaw, alaw or opus")]
        }
        hasBegun = true
        if line.coding == .opus {
            // Passed on without a queue: we pace, and there is nothing to mark or to flush.
            line.hasMarks = false
            line.leadMilliseconds = Self.opusLeadMilliseconds
        } else if isJSON {
            line.clear = #"{"command":"FLUSH_MEDIA"}"#
            line.markHead = #"{"command":"MARK_MEDIA","correlation_id":""#
            line.markTail = #""}"#
        } else {
            line.clear = "FLUSH_MEDIA"
            line.markHead = "MARK_MEDIA "
        }
        var all = parameters
        all["channel"] = values["channel"]
        let start = CarrierStart(
            streamID: id,
            callID: id,
            parameters: all,
            encoding: "audio/\(values["format"] ?? "")",
            sampleRate: line.coding == .opus ? 24_000 : 8_000
        )
        return [.line(line), .begin(start, tools: [])]
    }
}
