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
        let parameters = Self.parameters(of: start["customParameters"], limits: limits)
        self.init(
            streamID: streamID,
            callID: callID,
            accountID: accountID,
            parameters: parameters,
            encoding: format["encoding"]?.stringValue ?? "",
            sampleRate: number(format["sampleRate"]) ?? 0,
            channels: number(format["channels"]) ?? 0
        )
        droppedParameters = (start["customParameters"]?.objectValue?.members.count ?? 0) - parameters.count
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

extension CarrierLine {
    /// The line as the core wants it.
    init(_ line: AudioLine, _ encoder: OpusEncoder) {
        let coding: Coding =
            switch line.coding {
            case .ulaw: .ulaw
            case .alaw: .alaw
            case .opus, .narrowOpus: .opus
            }
        self.init(coding)
        framing =
            switch line.framing {
            case .none: .none
            case .stamp: .stamp
            case .size: .size
            }
        isNarrow = line.coding == .narrowOpus
        hasMarks = line.hasMarks
        mayRest = line.mayRest
        frameMilliseconds = line.frameMilliseconds
        leadMilliseconds = line.leadMilliseconds
        self.encoder = encoder
        let wished = line.encoder
        self.encoder.bitrate = min(max(wished.bitrate ?? encoder.bitrate, 6_000), 128_000)
        self.encoder.complexity = min(max(wished.complexity ?? encoder.complexity, 0), encoder.complexity)
        self.encoder.hasFEC = wished.fec ?? encoder.hasFEC
        self.encoder.hasDTX = wished.dtx ?? encoder.hasDTX
        texts.begin = line.begin
        texts.end = line.end
        texts.clear = line.clear
        texts.markHead = line.markHead
        texts.markTail = line.markTail
    }
}
