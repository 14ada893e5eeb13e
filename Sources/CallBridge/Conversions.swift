import CallPolicy
import RealtimeProtocol
import Trunk

extension CarrierStart {
    /// Reads Twilio's start message; nil when it lacks what a call needs. Numbers may be strings.
    init?(twilio bytes: UnsafeRawBufferPointer) {
        guard let message = try? JSONValue(parsing: bytes), let start = message["start"] else { return nil }
        guard let callID = start["callSid"]?.stringValue,
            let streamID = message["streamSid"]?.stringValue ?? start["streamSid"]?.stringValue
        else { return nil }
        func number(_ value: JSONValue?) -> Int? {
            if let integer = value?.integerValue { return Int(integer) }
            return value?.stringValue.flatMap { Int($0) }
        }
        let members = start["customParameters"]?.objectValue?.members ?? []
        let kept = members.prefix(Self.parametersMax).compactMap { member -> (String, String)? in
            guard let value = member.value.stringValue, value.utf8.count <= Self.parameterBytesMax else { return nil }
            return (member.key, value)
        }
        let format = start["mediaFormat"]
        self.init(
            streamID: streamID,
            callID: callID,
            accountID: start["accountSid"]?.stringValue ?? "",
            parameters: Dictionary(kept) { first, _ in first },
            encoding: format?["encoding"]?.stringValue ?? "",
            sampleRate: number(format?["sampleRate"]) ?? 0,
            channels: number(format?["channels"]) ?? 0
        )
    }

    /// Parameters of a stream that are kept.
    private static let parametersMax = 64
    /// Bytes of one parameter.
    private static let parameterBytesMax = 4_096

    /// Whether the stream is what a telephone sends.
    var isTelephoneAudio: Bool { encoding == "audio/x-mulaw" && sampleRate == 8_000 && channels == 1 }
}

extension LegClose {
    init(_ ending: LegEnding) {
        let cause: Cause =
            switch ending.cause {
            case .local: .local
            case .peer: .peerClosed
            case .lost: .transportLost
            case .timeout: .timedOut
            case .protocolError, .limit: .protocolError
            case .refused: .refused(status: ending.detail)
            case .resolve, .connect: .connectFailed
            case .tls: .tlsFailed
            }
        self.init(
            code: ending.code,
            reason: ending.reason,
            cause: cause,
            retryAfterSeconds: ending.retryAfterSeconds
        )
    }
}

extension PlaybackItem {
    init(_ item: LedgerItem) {
        self.init(
            itemID: item.itemID,
            contentIndex: item.contentIndex,
            modelLeg: ModelLeg(Int(item.epoch)),
            receivedMilliseconds: item.receivedMilliseconds,
            sentMilliseconds: item.sentMilliseconds,
            heardMilliseconds: item.heardMilliseconds,
            isComplete: item.isComplete
        )
    }
}

extension RawSpan {
    /// Parses a server event out of borrowed bytes.
    func parseServerEvent() throws(ProtocolError) -> ServerEvent {
        try withUnsafeBytes { (bytes) throws(ProtocolError) in try ServerEvent(parsing: bytes) }
    }
}
