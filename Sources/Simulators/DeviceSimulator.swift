public import RealtimeProtocol
public import Trunk

/// Plays a xiaozhi device, or our own page, over a real socket: Opus both ways. Lives on an engine; its report can be
/// read anywhere.
public final class DeviceSimulator: LegHandler {
    /// What a device does.
    public struct Script: Sendable {
        /// What it says, at 24,000 samples a second; then it is silent.
        public var speech: [Int16] = []
        /// The `hello`'s features.
        public var features: JSONValue = ["mcp": false]
        /// Audio of one packet, milliseconds.
        public var frameMilliseconds = 60
        /// The protocol's version, which says how packets are framed.
        public var version = 1
        /// Of a hundred packets, so many are not sent.
        public var lossPercent = 0
        /// After its words it sends nothing any more, as a device that is not listening.
        public var rests = false
        /// It has a button, held from the hello on and let go after so many milliseconds; nil has none.
        public var releasesAfter: Int?
        /// When it says `abort`, milliseconds after the hello; nil never.
        public var abortAfter: Int?
        /// How it answers the call of a tool of its own.
        public var tools: [JSONValue] = []
        /// How it encodes; small devices have little time for it.
        public var encoder = OpusEncoder()
        /// Leaves at the end of the answer with which it has heard so many packets; nil stays.
        public var leavesAfterPackets: Int?
        /// When it leaves, milliseconds after the hello.
        public var leavesAfter = 5_000

        /// A device that says nothing.
        public init() {}
    }

    /// What became of its call.
    public struct Report: Sendable {
        /// Text messages, in order, with the microseconds at which they came.
        public var texts: [(at: Int64, message: JSONValue)] = []
        /// Packets, with the microseconds at which they came, and their samples.
        public var packets: [(at: Int64, samples: Int)] = []
        /// Packets that were no Opus.
        public var broken = 0
        /// Packets that came while no `tts start` was in force.
        public var unannounced = 0
        /// Everything that was heard, decoded.
        public var heard: [Int16] = []
        /// Packets sent.
        public var sent = 0
        /// Tools that were called.
        public var toolsCalled: [String] = []
        /// How its connection ended; empty while it is open.
        public var ending = ""

        /// Messages of one type.
        public func messages(_ type: String) -> [JSONValue] {
            texts.map(\.message).filter { $0["type"]?.stringValue == type }
        }
    }

    private let script: Script
    private let codec: OpusCodec
    private let shared = Locked(Report())
    private var session: String?
    private var position = 0
    private var due: Int64 = 0
    private var helloAt: Int64 = 0
    private var speaks = false
    private var hasAborted = false
    private var hasReleased = false
    private var random: UInt64 = 88_172_645_463_325_252

    private init(_ script: Script, _ codec: OpusCodec) {
        self.script = script
        self.codec = codec
    }

    /// The report so far, from anywhere.
    public struct Outcome: Sendable {
        fileprivate let shared: Locked<Report>
        /// The report so far.
        public var report: Report { shared.withLock { $0 } }
    }

    /// Dials a server and follows the script; nil when Opus is not built in.
    public static func call(_ target: DialTarget, _ script: Script, on engine: isolated CallEngine) throws(TrunkError)
        -> Outcome?
    {
        guard let codec = OpusCodec(rate: PCM.rate, script.encoder) else { return nil }
        let device = DeviceSimulator(script, codec)
        _ = try engine.dial(target, handler: device)
        return Outcome(shared: device.shared)
    }

    /// The first message of a device.
    public func opened(_ leg: LegID, on engine: isolated CallEngine) {
        let hello: JSONValue = [
            "type": "hello", "version": .integer(Int64(script.version)), "features": script.features,
            "transport": "websocket",
            "audio_params": [
                "format": "opus", "sample_rate": 24_000, "channels": 1,
                "frame_duration": .integer(Int64(script.frameMilliseconds)),
            ],
        ]
        try? engine.send(text: hello.text, to: leg)
    }

    /// What the server says, or an Opus packet.
    public func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        let bytes = message.withUnsafeBytes { Array($0) }
        if isText {
            guard let json = try? JSONValue(parsing: bytes) else { return }
            shared.withLock { $0.texts.append((engine.nowMicroseconds, json)) }
            take(json, leg, on: engine)
        } else {
            hear(bytes, at: engine.nowMicroseconds)
        }
    }

    private func take(_ message: JSONValue, _ leg: LegID, on engine: isolated CallEngine) {
        switch message["type"]?.stringValue {
        case "hello":
            session = message["session_id"]?.stringValue
            helloAt = engine.nowMicroseconds
            due = helloAt
            let mode: JSONValue = script.releasesAfter == nil ? "realtime" : "manual"
            say(["type": "listen", "state": "start", "mode": mode], leg, on: engine)
            step(leg, on: engine)
        case "tts":
            speaks = message["state"]?.stringValue != "stop"
            guard !speaks, let enough = script.leavesAfterPackets else { break }
            let heard = shared.withLock { $0.packets.count }
            if heard >= enough { engine.close(leg, code: 1_000, reason: "") }
        case "mark": say(["type": "mark", "name": message["name"] ?? ""], leg, on: engine)
        case "mcp": answer(message["payload"] ?? .null, leg, on: engine)
        default: break
        }
    }

    private func answer(_ request: JSONValue, _ leg: LegID, on engine: isolated CallEngine) {
        var result: JSONValue = ["protocolVersion": "2024-11-05", "capabilities": ["tools": [:]]]
        switch request["method"]?.stringValue {
        case "tools/list": result = ["tools": .array(script.tools), "nextCursor": ""]
        case "tools/call":
            shared.withLock { $0.toolsCalled.append(request["params"]?["name"]?.stringValue ?? "") }
            result = ["content": [["type": "text", "text": "true"]], "isError": false]
        default: break
        }
        say(
            ["type": "mcp", "payload": ["jsonrpc": "2.0", "id": request["id"] ?? .null, "result": result]],
            leg,
            on: engine
        )
    }

    private func say(_ message: JSONValue, _ leg: LegID, on engine: isolated CallEngine) {
        var object = message.objectValue ?? JSONObject()
        if let session { object["session_id"] = .string(session) }
        try? engine.send(text: JSONValue.object(object).text, to: leg)
    }

    private func hear(_ bytes: [UInt8], at now: Int64) {
        let head = script.version == 1 ? 0 : script.version == 2 ? 16 : 4
        let samples = bytes.count >= head ? codec.decode(Array(bytes.dropFirst(head))) : nil
        let speaks = speaks
        shared.withLock { report in
            guard let samples else {
                report.broken += 1
                return
            }
            if !speaks { report.unannounced += 1 }
            report.packets.append((now, samples.count))
            report.heard += samples
        }
    }

    /// The next packet is due.
    public func timerFired(_ leg: LegID, on engine: isolated CallEngine) { step(leg, on: engine) }

    private func step(_ leg: LegID, on engine: isolated CallEngine) {
        let now = engine.nowMicroseconds
        let age = (now - helloAt) / 1_000
        if age >= script.leavesAfter { return engine.close(leg, code: 1_000, reason: "") }
        if let abortAfter = script.abortAfter, age >= abortAfter, !hasAborted {
            hasAborted = true
            say(["type": "abort"], leg, on: engine)
        }
        if let releasesAfter = script.releasesAfter, age >= releasesAfter, !hasReleased {
            hasReleased = true
            say(["type": "listen", "state": "stop"], leg, on: engine)
        }
        while due <= now {
            sendPacket(leg, on: engine)
            due += Int64(script.frameMilliseconds) * 1_000
        }
        engine.setTimer(leg, afterMilliseconds: max(1, Int((due - now) / 1_000)))
    }

    private func sendPacket(_ leg: LegID, on engine: isolated CallEngine) {
        let count = script.frameMilliseconds * PCM.rate / 1_000
        if hasReleased { return }
        if script.rests, position >= script.speech.count { return }
        var samples = Array(script.speech.dropFirst(position).prefix(count))
        samples += [Int16](repeating: 0, count: count - samples.count)
        position += count
        guard let packet = codec.encode(samples) else { return }
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        if Int(random % 100) < script.lossPercent { return }
        try? engine.send(binary: framed(packet), to: leg)
        shared.withLock { $0.sent += 1 }
    }

    private func framed(_ packet: [UInt8]) -> [UInt8] {
        let size = [UInt8(packet.count >> 8), UInt8(packet.count & 0xFF)]
        switch script.version {
        case 2: return [0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + size + packet
        case 3: return [0, 0] + size + packet
        default: return packet
        }
    }

    /// The end.
    public func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        shared.withLock { report in
            report.ending = "\(ending.code) \(ending.cause)\(ending.reason.isEmpty ? "" : ": \(ending.reason)")"
        }
    }
}
