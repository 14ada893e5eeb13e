import RealtimeProtocol
public import Trunk

/// Plays Twilio: one caller on a media stream, over a real socket. Lives on an engine; its report can be read anywhere.
public final class PhoneSimulator: LegHandler {
    /// What is known of a call from outside the engine.
    public final class Outcome: Sendable {
        private struct State {
            var report = PhoneReport()
            var ended = false
            var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
            var nextWaiter = 0
        }

        private let state = Locked(State())

        /// The report so far.
        public var report: PhoneReport { state.withLock { $0.report } }

        /// Returns when the call has ended, or the task is cancelled.
        public func ended() async {
            let number = state.withLock { state in
                state.nextWaiter += 1
                return state.nextWaiter
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isOver = state.withLock { state in
                        if state.ended || Task.isCancelled { return true }
                        state.waiters[number] = continuation
                        return false
                    }
                    if isOver { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
            }
        }

        func publish(_ report: PhoneReport, ended: Bool) {
            let waiters = state.withLock { state in
                state.report = report
                state.ended = ended
                defer { if ended { state.waiters = [:] } }
                return ended ? state.waiters : [:]
            }
            for waiter in waiters.values { waiter.resume() }
        }
    }

    /// Read it at any time.
    public let outcome = Outcome()
    private let script: PhoneScript
    private var caller: PhoneCaller
    private var buffer = PlaybackBuffer()
    private var hearing: PhoneHearing
    private var report = PhoneReport()
    private var echoes: [(name: String, at: Int64)] = []
    private var sequence = 1
    private var chunk = 1
    private var frameDue: Int64 = 0
    private var lateness = PhoneLateness()
    private var random: UInt64
    private var leg: LegID?

    private init(_ script: PhoneScript) {
        self.script = script
        caller = PhoneCaller(script)
        hearing = PhoneHearing(records: script.recordsAudio)
        random = script.seed | 1
    }

    /// Dials a server and follows the script.
    public static func call(_ target: DialTarget, _ script: PhoneScript, on engine: isolated CallEngine)
        throws(TrunkError) -> Outcome
    {
        let phone = PhoneSimulator(script)
        phone.leg = try engine.dial(target, handler: phone)
        return phone.outcome
    }

    // MARK: - Events of the leg

    /// Twilio's first two messages, then audio.
    public func opened(_ leg: LegID, on engine: isolated CallEngine) {
        let now = engine.nowMicroseconds
        report.startedAt = now
        frameDue = now
        _ = buffer.advance(to: now)
        try? engine.send(text: #"{"event":"connected","protocol":"Call","version":"1.0.0"}"#, to: leg)
        try? engine.send(text: startMessage, to: leg)
        if script.deafMilliseconds?.lowerBound == 0 { engine.setReading(leg, false) }
        step(leg, on: engine)
    }

    /// What the server sends to the phone.
    public func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        lateness.ran(at: engine.nowMicroseconds)
        play(until: engine.nowMicroseconds)
        let text = message.withUnsafeBytes { Array($0) }
        guard isText, let json = try? JSONValue(parsing: text) else {
            report.invalidMessages.append("not JSON text")
            return
        }
        take(json, at: engine.nowMicroseconds)
        play(until: engine.nowMicroseconds)
        step(leg, on: engine)
    }

    /// The next frame or echo is due.
    public func timerFired(_ leg: LegID, on engine: isolated CallEngine) {
        lateness.ran(at: engine.nowMicroseconds)
        play(until: engine.nowMicroseconds)
        step(leg, on: engine)
    }

    /// The end.
    public func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        play(until: engine.nowMicroseconds)
        report.ending = "\(ending.code) \(ending.cause)\(ending.reason.isEmpty ? "" : ": \(ending.reason)")"
        publish(ended: true)
    }

    private func publish(ended: Bool) {
        hearing.write(to: &report)
        report.said = caller.said
        report.speech = caller.speech
        outcome.publish(report, ended: ended)
    }

    // MARK: - In

    private func take(_ message: JSONValue, at now: Int64) {
        let keys = message.objectValue?.keys ?? []
        guard message["streamSid"]?.stringValue == script.streamID else {
            report.invalidMessages.append("wrong streamSid")
            return
        }
        switch message["event"]?.stringValue {
        case "media":
            guard keys == ["event", "streamSid", "media"], message["media"]?.objectValue?.keys == ["payload"],
                let payload = message["media"]?["payload"]?.stringValue, let audio = Base64.decode(payload)
            else {
                report.invalidMessages.append("media")
                return
            }
            report.mediaReceived += 1
            buffer.append(audio)
            report.queuedMillisecondsHigh = max(
                report.queuedMillisecondsHigh,
                buffer.queuedBytes / MuLaw.bytesPerMillisecond
            )
        case "mark":
            guard keys == ["event", "streamSid", "mark"], message["mark"]?.objectValue?.keys == ["name"],
                let name = message["mark"]?["name"]?.stringValue
            else {
                report.invalidMessages.append("mark")
                return
            }
            report.marksReceived += 1
            buffer.append(mark: name)
        case "clear":
            if keys != ["event", "streamSid"] { report.invalidMessages.append("clear") }
            report.clears.append((now, buffer.queuedBytes / MuLaw.bytesPerMillisecond))
            for name in buffer.clear() { echo(name, at: now) }
            hearing.cleared(late: lateness.recent(at: now))
        default: report.invalidMessages.append("unknown event")
        }
    }

    private func play(until now: Int64) {
        let played = buffer.advance(to: now)
        for mark in played.marks { echo(mark.name, at: mark.at) }
        hearing.take(played.bytes, until: now, startedAt: report.startedAt)
    }

    private func echo(_ name: String, at moment: Int64) {
        echoes.append((name, moment + Int64(script.echoDelay) * 1_000))
    }

    // MARK: - Out

    private func step(_ leg: LegID, on engine: isolated CallEngine) {
        let now = engine.nowMicroseconds
        sendEchoes(leg, now, on: engine)
        while frameDue <= now, !caller.hasHungUp {
            sendFrame(leg, on: engine)
            frameDue += Int64(script.frameInterval) * 1_000
        }
        updateReading(leg, now, on: engine)
        if caller.hasHungUp {
            hangUp(leg, on: engine)
            return
        }
        var due = frameDue + jitter()
        if let mark = buffer.nextMark { due = min(due, mark) }
        if let echo = echoes.map(\.at).min() { due = min(due, echo) }
        let wait = max(0, due - now + 999) / 1_000
        lateness.due = now + wait * 1_000
        engine.setTimer(leg, afterMilliseconds: Int(wait))
    }

    private func sendEchoes(_ leg: LegID, _ now: Int64, on engine: isolated CallEngine) {
        let due = echoes.filter { $0.at <= now }
        echoes.removeAll { $0.at <= now }
        for echo in due {
            let message: JSONValue = [
                "event": "mark", "sequenceNumber": number(next()), "streamSid": .string(script.streamID),
                "mark": ["name": .string(echo.name)],
            ]
            try? engine.send(text: message.encode(), to: leg)
        }
    }

    private func sendFrame(_ leg: LegID, on engine: isolated CallEngine) {
        let timestamp = Int((frameDue - report.startedAt) / 1_000) + 20
        if report.framesSent % 50 == 49 { publish(ended: false) }
        for key in caller.takeKeys() {
            let message: JSONValue = [
                "event": "dtmf", "streamSid": .string(script.streamID), "sequenceNumber": number(next()),
                "dtmf": ["track": "inbound_track", "digit": .string(key)],
            ]
            try? engine.send(text: message.encode(), to: leg)
        }
        let frame = caller.nextFrame(heard: hearing, at: engine.nowMicroseconds)
        report.framesSent += 1
        if script.gapEvery > 0, report.framesSent % script.gapEvery == 0 { return }
        // The key order and the strings for numbers are Twilio's.
        let text =
            #"{"event":"media","sequenceNumber":"\#(next())","media":{"track":"inbound","chunk":"\#(chunk)","#
            + #""timestamp":"\#(timestamp)","payload":"\#(Base64.encode(frame))"},"streamSid":"\#(script.streamID)"}"#
        chunk += 1
        try? engine.send(text: text, to: leg)
    }

    private func hangUp(_ leg: LegID, on engine: isolated CallEngine) {
        switch caller.hangUp {
        case .stop:
            let message: JSONValue = [
                "event": "stop", "sequenceNumber": number(next()), "streamSid": .string(script.streamID),
                "stop": ["accountSid": .string(script.accountID), "callSid": .string(script.callID)],
            ]
            try? engine.send(text: message.encode(), to: leg)
            engine.close(leg, code: 1000)
        case .close: engine.close(leg, code: 1000)
        case .abort: engine.abort(leg)
        case .never: break
        }
    }

    private func updateReading(_ leg: LegID, _ now: Int64, on engine: isolated CallEngine) {
        guard let deaf = script.deafMilliseconds else { return }
        engine.setReading(leg, !deaf.contains(Int((now - report.startedAt) / 1_000)))
    }

    private var startMessage: String {
        let parameters = JSONObject(script.parameters.map { .init(key: $0.name, value: .string($0.value)) })
        let message: JSONValue = [
            "event": "start", "sequenceNumber": number(next()),
            "start": [
                "accountSid": .string(script.accountID), "streamSid": .string(script.streamID),
                "callSid": .string(script.callID), "tracks": ["inbound"],
                "mediaFormat": ["encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1],
                "customParameters": .object(parameters),
            ],
            "streamSid": .string(script.streamID),
        ]
        return String(decoding: message.encode(), as: UTF8.self)
    }

    private func next() -> Int {
        defer { sequence += 1 }
        return sequence
    }

    private func number(_ value: Int) -> JSONValue { .string(String(value)) }

    private func jitter() -> Int64 {
        guard script.jitter > 0 else { return 0 }
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int64(random >> 33) % Int64(script.jitter * 1_000)
    }
}
