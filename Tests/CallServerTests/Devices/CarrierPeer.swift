import RealtimeProtocol
import SelfTest
import Simulators
import Trunk

/// Plays Telnyx or Asterisk over a real socket, by a script. Lives on an engine; its report can be read anywhere.
final class CarrierPeer: LegHandler {
    /// Who it is.
    enum Kind: Sendable, Hashable {
        /// Telnyx, with the encoding that its start names.
        case telnyx(String)
        /// Asterisk, with the format that its start names.
        case asterisk(String, isJSON: Bool)
    }

    /// What it does.
    struct Script: Sendable {
        var kind: Kind
        /// What it says: payloads of 20 ms each. When they are used up it leaves.
        var packets: [[UInt8]]
        /// Telnyx: packets change places, each pair, and every tenth comes twice.
        var isShuffled = false
        /// A key that is pressed with this packet.
        var key: (packet: Int, digit: String)?
        /// Asterisk: `MEDIA_XOFF` when so many packets have come, `MEDIA_XON` so many packets of its own later.
        var hold: (after: Int, packets: Int)?
        /// Telnyx: says `stop` before it leaves.
        var saysStop = false

        init(_ kind: Kind, _ packets: [[UInt8]]) {
            self.kind = kind
            self.packets = packets
        }
    }

    /// What became of the call.
    struct Report: Sendable {
        /// Payloads that came, in order.
        var packets: [[UInt8]] = []
        /// Texts that came, media left out.
        var texts: [String] = []
        /// Texts that no such carrier understands.
        var strange: [String] = []
        /// Audio that had not been played when it was told to drop it, milliseconds, of each time.
        var dropped: [Int] = []
        /// Marks that came back to the server.
        var echoed = 0
        /// Packets sent twice.
        var repeated = 0
        /// Packets that came while it wanted none.
        var unwanted = 0
        /// How its connection ended; empty while it is open.
        var ending = ""
    }

    private let script: Script
    private let shared = Locked(Report())
    private var next = 0
    private var due: Int64 = 0
    private var playEnd: Int64 = 0
    private var marks: [(name: String, at: Int64)] = []
    private var heldUntil: Int?
    private var hasHeld = false
    private var sequence = 1

    private init(_ script: Script) { self.script = script }

    struct Outcome: Sendable {
        fileprivate let shared: Locked<Report>
        var report: Report { shared.withLock { $0 } }
        func ended() async -> Report {
            await Patience.wait { !report.ending.isEmpty }
            return report
        }
    }

    static func call(_ target: DialTarget, _ script: Script, on engine: isolated CallEngine) throws(TrunkError)
        -> Outcome
    {
        let peer = CarrierPeer(script)
        _ = try engine.dial(target, handler: peer)
        return Outcome(shared: peer.shared)
    }

    // MARK: - Out

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        switch script.kind {
        case .telnyx(let encoding):
            say(#"{"event":"connected","version":"1.0.0"}"#, leg, on: engine)
            say(
                #"{"event":"start","sequence_number":"1","stream_id":"S-1","start":{"user_id":"u","call_control_id":"v2:c-1","#
                    + #""call_session_id":"x","from":"+15550100","to":"+15550101","tags":[],"client_state":"","#
                    + #""custom_parameters":{},"media_format":{"encoding":"\#(encoding)","sample_rate":8000,"channels":1}}}"#,
                leg,
                on: engine
            )
        case .asterisk(let format, true):
            say(
                #"{"event":"MEDIA_START","connection_id":"c-1","channel":"WebSocket/c","channel_id":"1","format":"\#(format)","#
                    + #""optimal_frame_size":160,"ptime":20,"channel_variables":{}}"#,
                leg,
                on: engine
            )
        case .asterisk(let format, false):
            say(
                "MEDIA_START connection_id:c-1 channel:WebSocket/c format:\(format) optimal_frame_size:160 ptime:20",
                leg,
                on: engine
            )
        }
        due = engine.nowMicroseconds
        step(leg, on: engine)
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) { step(leg, on: engine) }

    private func step(_ leg: LegID, on engine: isolated CallEngine) {
        let now = engine.nowMicroseconds
        echo(until: now, leg, on: engine)
        while due <= now, next < script.packets.count {
            if let key = script.key, key.packet == next { press(key.digit, leg, on: engine) }
            sendPacket(leg, on: engine)
            due += 20_000
            if let until = heldUntil, next >= until {
                heldUntil = nil
                tell("MEDIA_XON", [], leg, on: engine)
            }
        }
        if next >= script.packets.count {
            if script.saysStop {
                say(
                    #"{"event":"stop","sequence_number":"9","stream_id":"S-1","stop":{"user_id":"u","call_control_id":"v2:c-1"}}"#,
                    leg,
                    on: engine
                )
            }
            return engine.close(leg, code: 1_000, reason: "")
        }
        engine.setTimer(leg, afterMilliseconds: max(1, Int((due - now) / 1_000)))
    }

    private func sendPacket(_ leg: LegID, on engine: isolated CallEngine) {
        guard case .telnyx = script.kind else {
            try? engine.send(binary: script.packets[next], to: leg)
            next += 1
            return
        }
        // The second of each pair goes first; not of the very first, whose number tells where the stream begins.
        let other = next ^ 1
        let index = script.isShuffled && next > 1 && other < script.packets.count ? other : next
        next += 1
        for _ in 0..<(script.isShuffled && index % 10 == 0 ? 2 : 1) {
            sequence += 1
            say(
                #"{"event":"media","sequence_number":"\#(sequence)","stream_id":"S-1","media":{"track":"inbound","chunk":"#
                    + #""\#(index + 1)","timestamp":"\#(index * 20)","payload":"\#(Base64.encode(script.packets[index]))"}}"#,
                leg,
                on: engine
            )
        }
        if script.isShuffled, index % 10 == 0 { shared.withLock { $0.repeated += 1 } }
    }

    private func press(_ digit: String, _ leg: LegID, on engine: isolated CallEngine) {
        if case .telnyx = script.kind {
            say(
                #"{"event":"dtmf","stream_id":"S-1","sequence_number":"5","dtmf":{"digit":"\#(digit)"}}"#,
                leg,
                on: engine
            )
        } else {
            tell("DTMF_END", [("digit", digit)], leg, on: engine)
        }
    }

    /// An event of Asterisk's, in the form that it speaks.
    private func tell(
        _ event: String,
        _ values: [(String, String)],
        _ leg: LegID,
        on engine: isolated CallEngine
    ) {
        if case .asterisk(_, true) = script.kind {
            let members = values.map { #","\#($0.0)":"\#($0.1)""# }.joined()
            say(#"{"event":"\#(event)","channel_id":"1"\#(members)}"#, leg, on: engine)
        } else {
            say(([event] + values.map { "\($0.0):\($0.1)" }).joined(separator: " "), leg, on: engine)
        }
    }

    private func say(_ text: String, _ leg: LegID, on engine: isolated CallEngine) {
        try? engine.send(text: text, to: leg)
    }

    /// Marks come back when what stands before them was played.
    private func echo(until now: Int64, _ leg: LegID, on engine: isolated CallEngine) {
        let ready = marks.filter { $0.at <= now }
        marks.removeAll { $0.at <= now }
        for mark in ready {
            shared.withLock { $0.echoed += 1 }
            if case .telnyx = script.kind {
                say(
                    #"{"event":"mark","sequence_number":"7","stream_id":"S-1","mark":{"name":"\#(mark.name)"}}"#,
                    leg,
                    on: engine
                )
            } else {
                tell("MEDIA_MARK_PROCESSED", [("correlation_id", mark.name)], leg, on: engine)
            }
        }
    }

    // MARK: - In

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        let bytes = message.withUnsafeBytes { Array($0) }
        let now = engine.nowMicroseconds
        if isText { take(String(decoding: bytes, as: UTF8.self), at: now) } else { hear(bytes, at: now) }
        echo(until: now, leg, on: engine)
        guard let hold = script.hold, !hasHeld, report.packets.count >= hold.after else { return }
        hasHeld = true
        heldUntil = next + hold.packets
        tell("MEDIA_XOFF", [], leg, on: engine)
    }

    private var report: Report { shared.withLock { $0 } }

    private func hear(_ payload: [UInt8], at now: Int64) {
        playEnd = max(now, playEnd) + 20_000
        let isUnwanted = heldUntil != nil
        shared.withLock { report in
            report.packets.append(payload)
            if isUnwanted { report.unwanted += 1 }
        }
    }

    private func take(_ text: String, at now: Int64) {
        if case .telnyx = script.kind { return takeTelnyx(text, at: now) }
        shared.withLock { $0.texts.append(text) }
        let head = #"{"command":"MARK_MEDIA","correlation_id":""#
        if text == "FLUSH_MEDIA" || text == #"{"command":"FLUSH_MEDIA"}"# {
            drop(at: now)
        } else if text.hasPrefix("MARK_MEDIA ") {
            marks.append((String(text.dropFirst(11)), playEnd))
        } else if text.hasPrefix(head), text.hasSuffix(#""}"#) {
            marks.append((String(text.dropFirst(head.count).dropLast(2)), playEnd))
        } else {
            shared.withLock { $0.strange.append(text) }
        }
    }

    /// Nothing beside what Telnyx documents may stand in a message.
    private func takeTelnyx(_ text: String, at now: Int64) {
        let json = try? JSONValue(parsing: Array(text.utf8))
        let keys = json?.objectValue?.keys ?? []
        if keys == ["event", "media"], json?["event"] == "media", json?["media"]?.objectValue?.keys == ["payload"],
            let payload = json?["media"]?["payload"]?.stringValue.flatMap({ Base64.decode($0) })
        {
            // G.711 may come in longer pieces; Opus is a packet a message.
            let step = script.kind == .telnyx("OPUS") ? payload.count : 160
            for start in stride(from: 0, to: payload.count, by: step) {
                hear(Array(payload[start..<min(payload.count, start + step)]), at: now)
            }
            return
        }
        shared.withLock { $0.texts.append(text) }
        if keys == ["event", "mark"], json?["mark"]?.objectValue?.keys == ["name"],
            let name = json?["mark"]?["name"]?.stringValue
        {
            marks.append((name, playEnd))
        } else if text == #"{"event":"clear"}"# {
            drop(at: now)
        } else {
            shared.withLock { $0.strange.append(text) }
        }
    }

    private func drop(at now: Int64) {
        let left = Int(max(0, playEnd - now) / 1_000)
        shared.withLock { $0.dropped.append(left) }
        playEnd = now
        marks = marks.map { ($0.name, min($0.at, now)) }
    }

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        shared.withLock { report in
            report.ending = "\(ending.code) \(ending.cause)\(ending.reason.isEmpty ? "" : ": \(ending.reason)")"
        }
    }
}

extension CarrierPeer.Script {
    /// Frames of 20 ms that can all be told apart; loud where the caller speaks.
    static func pattern(_ count: Int, speaks: [Range<Int>]) -> [[UInt8]] {
        (0..<count).map { index in
            let isLoud = speaks.contains { $0.contains(index) }
            return PatternFrame(stream: 7, item: 0, counter: UInt32(index), isLoud: isLoud).bytes
        }
    }

    /// Opus packets of 20 ms: the samples, then silence.
    static func opus(_ samples: [Int16], count: Int) -> [[UInt8]] {
        guard let codec = OpusCodec(rate: PCM.rate) else { return [] }
        let all = samples + [Int16](repeating: 0, count: max(0, count * 480 - samples.count))
        return (0..<count).map { codec.encode(Array(all[$0 * 480..<($0 + 1) * 480])) ?? [] }
    }
}

extension CarrierPeer.Report {
    /// How the answers' frames came, by item.
    var checks: [UInt16: PatternCheck] {
        var checks: [UInt16: PatternCheck] = [:]
        for packet in packets {
            guard let frame = PatternFrame(packet) else { continue }
            checks[frame.item, default: PatternCheck()].take(frame, stream: 7)
        }
        return checks
    }

    /// What was heard of Opus, decoded; nil when a packet was none.
    var decoded: [Int16]? {
        guard let codec = OpusCodec(rate: PCM.rate) else { return nil }
        var samples: [Int16] = []
        for packet in packets {
            guard let piece = codec.decode(packet) else { return nil }
            samples += piece
        }
        return samples
    }
}
