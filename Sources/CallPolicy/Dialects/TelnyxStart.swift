public import RealtimeProtocol

/// Telnyx media streaming: its other messages are the core's business.
public enum TelnyxStart {
    /// What its start message says: the call, and what is on the line.
    ///
    /// - Throws: In words, why the call cannot be served.
    public static func read(_ message: UnsafeRawBufferPointer, limits: CallLimits) throws(Failure) -> (
        CarrierStart, AudioLine
    ) {
        guard let json = try? JSONValue(parsing: message), let start = json["start"],
            let streamID = json["stream_id"]?.stringValue ?? start["stream_id"]?.stringValue,
            let callID = start["call_control_id"]?.stringValue, let format = start["media_format"]
        else { throw Failure(reason: "start without stream_id, call_control_id or media_format") }
        let encoding = format["encoding"]?.stringValue ?? ""
        let line: AudioLine
        switch encoding {
        case "PCMU": line = AudioLine(.ulaw)
        case "PCMA": line = AudioLine(.alaw)
        case "OPUS": line = AudioLine(.opus)
        default: throw Failure(reason: "encoding \(encoding.prefix(20)) is not PCMU, PCMA or OPUS")
        }
        var parameters = CarrierStart.parameters(of: start["custom_parameters"], limits: limits)
        for name in ["from", "to", "client_state"] where parameters[name] == nil {
            parameters[name] = start[name]?.stringValue
        }
        return (
            CarrierStart(
                streamID: streamID,
                callID: callID,
                accountID: start["user_id"]?.stringValue ?? "",
                parameters: parameters,
                encoding: "audio/\(encoding)",
                sampleRate: format["sample_rate"]?.integerValue.map { Int($0) } ?? 8_000
            ),
            line
        )
    }

    /// What Telnyx did not like, of its message `error`; nil for any other.
    public static func problem(_ message: UnsafeRawBufferPointer) -> String? {
        guard let json = try? JSONValue(parsing: message), json["event"] == "error" else { return nil }
        let payload = json["payload"]
        let code = payload?["code"]
        let parts =
            [code?.stringValue ?? code?.integerValue.map { String($0) }]
            + ["title", "detail"].map { payload?[$0]?.stringValue }
        let text = parts.compactMap { $0 }.joined(separator: ": ")
        return text.isEmpty ? "an error without words" : text
    }

    /// Why a stream cannot become a call.
    public struct Failure: Error, Sendable, Hashable {
        /// In words, for the close frame.
        public var reason: String
    }
}

extension CarrierStart {
    /// The parameters of a start message, as many as the limits allow; of those with the same name the first counts.
    public static func parameters(of object: JSONValue?, limits: CallLimits) -> [String: String] {
        var parameters: [String: String] = [:]
        for member in object?.objectValue?.members ?? [] where parameters[member.key] == nil {
            guard let value = member.value.stringValue, parameters.count < limits.parameters,
                member.key.utf8.count + value.utf8.count <= limits.parameterBytes
            else { continue }
            parameters[member.key] = value
        }
        return parameters
    }
}
