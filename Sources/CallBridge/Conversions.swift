import CallPolicy
import RealtimeProtocol
import Trunk

extension CarrierStart {
    /// Reads Twilio's start message; nil when it lacks what a call needs. Numbers may be strings. Of parameters with
    /// the same name the first counts.
    init?(twilio bytes: UnsafeRawBufferPointer, limits: CallLimits) {
        guard let message = try? JSONValue(parsing: bytes), let start = message["start"] else { return nil }
        guard let callID = start["callSid"]?.stringValue,
            let streamID = message["streamSid"]?.stringValue ?? start["streamSid"]?.stringValue,
            let accountID = start["accountSid"]?.stringValue, let format = start["mediaFormat"]?.objectValue
        else { return nil }
        func number(_ value: JSONValue?) -> Int? {
            if let integer = value?.integerValue { return Int(integer) }
            return value?.stringValue.flatMap { Int($0) }
        }
        let members = start["customParameters"]?.objectValue?.members ?? []
        var parameters: [String: String] = [:]
        for member in members where parameters[member.key] == nil {
            guard let value = member.value.stringValue, parameters.count < limits.parameters,
                member.key.utf8.count + value.utf8.count <= limits.parameterBytes
            else { continue }
            parameters[member.key] = value
        }
        self.init(
            streamID: streamID,
            callID: callID,
            accountID: accountID,
            parameters: parameters,
            encoding: format["encoding"]?.stringValue ?? "",
            sampleRate: number(format["sampleRate"]) ?? 0,
            channels: number(format["channels"]) ?? 0
        )
        droppedParameters = members.count - parameters.count
    }
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
