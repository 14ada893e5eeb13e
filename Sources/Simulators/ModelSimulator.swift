import RealtimeProtocol
public import Trunk

/// Plays the Realtime API over real sockets: accepts connections and leads a session on each. Lives on an engine.
public final class ModelSimulator: LegAcceptor {
    private let script: ModelScript
    private let log: ModelLog

    private init(_ script: ModelScript, _ log: ModelLog) {
        self.script = script
        self.log = log
    }

    /// The path of the real API.
    public static let path = "/v1/realtime"

    /// Listens as a model. Returns its port.
    public static func listen(
        _ script: ModelScript,
        log: ModelLog = ModelLog(),
        host: String = "127.0.0.1",
        port: Int = 0,
        certificate: LoopbackCertificate? = nil,
        on engine: isolated CallEngine
    ) throws(TrunkError) -> Int {
        let address = ListenAddress(
            host: host,
            port: port,
            paths: [path],
            certificateFile: certificate?.certificateFile,
            keyFile: certificate?.keyFile
        )
        return try engine.listen(address, acceptor: ModelSimulator(script, log))
    }

    /// Answers the upgrade as the script says.
    public func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        let connection = log.nextConnection()
        let target = request.head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        log.note(
            .connected(connection: connection, target: target, authorization: request.header("authorization"))
        )
        if case .status(let status) = script.handshake {
            engine.refuse(leg, status: status)
            return
        }
        let handler = ModelConnection(
            script,
            connection: connection,
            model: Self.model(in: target),
            log: log,
            at: engine.nowMicroseconds
        )
        try? engine.accept(leg, handler: handler)
    }

    private static func model(in target: String) -> String {
        guard let query = target.split(separator: "?").dropFirst().first else { return "" }
        for pair in query.split(separator: "&") where pair.hasPrefix("model=") { return String(pair.dropFirst(6)) }
        return ""
    }
}

/// One connection to the simulated model.
private final class ModelConnection: LegHandler {
    private var session: ModelSession
    private let log: ModelLog
    private let connection: Int
    private var isFrozen = false
    private var events = 0

    init(_ script: ModelScript, connection: Int, model: String, log: ModelLog, at now: Int64) {
        session = ModelSession(script, connection: connection, model: model, log: log, at: now)
        self.log = log
        self.connection = connection
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        perform(session.begin(at: engine.nowMicroseconds), leg, on: engine)
    }

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        if isFrozen { return }
        let bytes = message.withUnsafeBytes { Array($0) }
        let now = engine.nowMicroseconds
        let outputs: [ModelSession.Output]
        if let audio = Self.appendedAudio(bytes) {
            outputs = session.take(.inputAudioAppend(audio: audio), at: now)
        } else {
            do throws(ProtocolError) {
                let event = try ClientEvent(parsing: bytes)
                log.note(.received(connection: connection, type: event.type))
                outputs = session.take(event, at: now)
            } catch {
                let json = try? JSONValue(parsing: bytes)
                outputs = session.takeInvalid("\(error)", type: json?["type"]?.stringValue)
            }
        }
        perform(outputs, leg, on: engine)
    }

    /// The audio of an append in the one form that our bridge sends, without parsing the JSON.
    private static func appendedAudio(_ bytes: [UInt8]) -> String? {
        let head = Array(#"{"type":"input_audio_buffer.append","audio":""#.utf8)
        guard bytes.count >= head.count + 2, bytes.starts(with: head), bytes.suffix(2).elementsEqual(#""}"#.utf8)
        else { return nil }
        let audio = bytes[head.count..<bytes.count - 2]
        return audio.contains(UInt8(ascii: "\\")) || audio.contains(UInt8(ascii: "\""))
            ? nil : String(decoding: audio, as: UTF8.self)
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {
        if isFrozen { return }
        perform(session.tick(at: engine.nowMicroseconds), leg, on: engine)
    }

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        log.note(.disconnected(connection: connection, code: ending.code))
    }

    private func perform(_ outputs: [ModelSession.Output], _ leg: LegID, on engine: isolated CallEngine) {
        for output in outputs {
            switch output {
            case .send(let event):
                events += 1
                try? engine.send(text: event.encode(eventID: "event_S\(connection)x\(events)"), to: leg)
            case .close(let code, let reason): engine.close(leg, code: code, reason: reason)
            case .drop: engine.abort(leg)
            case .freeze:
                isFrozen = true
                engine.setReading(leg, false)
            }
        }
        let now = engine.nowMicroseconds
        engine.setTimer(leg, afterMilliseconds: session.nextDue.map { Int(max(0, $0 - now) + 999) / 1_000 })
    }
}
