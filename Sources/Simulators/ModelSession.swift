import RealtimeProtocol
import Trunk

/// One session of the Realtime API, as the real server leads it. Pure: events and the time come in, events go out.
struct ModelSession: Sendable {
    /// What the server does.
    enum Output: Sendable {
        case send(ServerEvent)
        case close(code: Int, reason: String)
        case drop
        case freeze
    }

    /// An item of the conversation.
    struct Item: Sendable {
        var item: ConversationItem
        /// Audio generated for it, bytes; nil when it has no audio of the model.
        var audioBytes: Int?
    }

    let script: ModelScript
    let connection: Int
    var session: SessionObject
    var items: [String: Item] = [:]
    var lastItemID: String?
    var voiceActivity: VoiceActivity
    var active: ModelResponse?
    var waiting: (at: Int64, options: ResponseOptions?)?
    var utterance: [UInt8] = []
    var lastUtterance: [UInt8] = []
    var userItemID = ""
    var turns = 0
    var outputs: [Output] = []
    var log: ModelLog
    private var faults: [ModelScript.Fault]
    private let startedAt: Int64
    private var nextNumber = 0
    private(set) var isConfigured = false

    init(_ script: ModelScript, connection: Int, model: String, log: ModelLog, at now: Int64) {
        self.script = script
        self.connection = connection
        self.log = log
        startedAt = now
        voiceActivity = VoiceActivity(level: script.speechLevel)
        faults = script.faults.filter { $0.connections?.contains(connection) ?? true }.sorted { $0.after < $1.after }
        if let age = script.expiresAfter {
            let message = "Your session hit the maximum duration of 60 minutes."
            faults.append(.init(after: age, kind: .error(code: "session_expired", message: message)))
            faults.append(.init(after: age, kind: .close(code: 1001, reason: message)))
        }
        session = Self.defaults(model: model)
    }

    // MARK: - Inputs

    /// The connection is open.
    mutating func begin(at now: Int64) -> [Output] {
        session.id = newID("sess")
        session.expiresAt = 3_600
        if case .refused(let code, let message) = script.handshake {
            fail(code: code, message: message)
            let closeCode = code == "invalid_api_key" ? 3_000 : 4_000
            outputs.append(.close(code: closeCode, reason: "invalid_request_error.\(code)"))
            return flush()
        }
        emit(.sessionCreated(session))
        return flush()
    }

    /// A client event arrived.
    mutating func take(_ event: ClientEvent, at now: Int64) -> [Output] {
        switch event {
        case .inputAudioAppend(let audio, let eventID): append(audio, eventID, at: now)
        case .sessionUpdate(let update, let eventID): configure(update, eventID)
        case .inputAudioCommit(let eventID): commit(eventID, at: now)
        case .inputAudioClear:
            utterance = []
            emit(.inputAudioCleared)
        case .itemCreate(let item, let previous, let eventID): create(item, after: previous, eventID)
        case .itemTruncate(let id, let index, let end, let eventID): truncate(id, index, end, eventID)
        case .itemDelete(let id, let eventID): delete(id, eventID)
        case .itemRetrieve(let id, let eventID): retrieve(id, eventID)
        case .responseCreate(let options, let eventID): createResponse(options, eventID, at: now)
        case .responseCancel(_, let eventID): cancelResponse(eventID)
        }
        return flush()
    }

    /// Something arrived that is no client event.
    mutating func takeInvalid(_ message: String, type: String?) -> [Output] {
        fail(code: type == nil ? "invalid_json" : "invalid_value", message: message, param: type == nil ? nil : "type")
        return flush()
    }

    /// Time has passed.
    mutating func tick(at now: Int64) -> [Output] {
        while let fault = faults.first, now >= startedAt + Int64(fault.after) * 1_000 {
            faults.removeFirst()
            apply(fault.kind)
        }
        if let waiting, now >= waiting.at, active == nil {
            self.waiting = nil
            beginResponse(waiting.options, at: now)
        }
        generate(at: now)
        return flush()
    }

    /// When `tick` is next needed, microseconds; nil when nothing is pending.
    var nextDue: Int64? {
        let fault = faults.first.map { startedAt + Int64($0.after) * 1_000 }
        return [fault, active == nil ? waiting?.at : nil, active?.nextAt].compactMap { $0 }.min()
    }

    // MARK: - Session

    private static func defaults(model: String) -> SessionObject {
        var session = SessionObject()
        session.object = "realtime.session"
        session.model = model
        session.outputModalities = ["audio"]
        session.instructions = "You are a simulated model."
        session.tools = []
        session.toolChoice = .auto
        session.maxOutputTokens = .infinite
        session.tracing = .null
        session.truncation = "auto"
        session.prompt = .null
        var input = SessionObject.AudioInput()
        input.format = .pcm24000
        input.transcription = .null
        input.noiseReduction = .null
        input.turnDetection = .value(.serverVAD(silenceDurationMilliseconds: 200))
        session.input = input
        var output = SessionObject.AudioOutput()
        output.format = .pcm24000
        output.voice = "alloy"
        output.speed = 1
        session.output = output
        session.include = .null
        return session
    }

    private mutating func configure(_ update: SessionObject, _ eventID: String?) {
        guard update.type == "realtime" else {
            fail(code: "beta_api_shape_disabled", message: "The Realtime Beta API is no longer supported.", eventID)
            outputs.append(.close(code: 4_000, reason: "invalid_request_error.beta_api_shape_disabled"))
            return
        }
        if let voice = update.output?.voice, voice != session.output?.voice, items.values.contains(where: \.hasAudio) {
            let message = "Cannot update a conversation's voice if assistant audio is present."
            return fail(code: "cannot_update_voice", message: message, eventID)
        }
        session = session.merging(update)
        if case .value(let detection)? = session.input?.turnDetection {
            voiceActivity.prefixMilliseconds = detection.prefixPaddingMilliseconds ?? 300
            voiceActivity.silenceMilliseconds = detection.silenceDurationMilliseconds ?? 500
        }
        isConfigured = true
        log.note(.configured(connection: connection))
        emit(.sessionUpdated(session))
    }

    // MARK: - Faults

    private mutating func apply(_ kind: ModelScript.Fault.Kind) {
        switch kind {
        case .drop: outputs.append(.drop)
        case .close(let code, let reason): outputs.append(.close(code: code, reason: reason))
        case .error(let code, let message): fail(code: code, message: message)
        case .freeze: outputs.append(.freeze)
        }
    }

    mutating func fail(code: String, message: String, _ eventID: String? = nil, param: String? = nil) {
        log.note(.failed(connection: connection, code: code, message: message))
        emit(.error(APIError(code: code, message: message, param: param, eventID: eventID)))
    }

    // MARK: - Small things

    mutating func emit(_ event: ServerEvent) { outputs.append(.send(event)) }

    private mutating func flush() -> [Output] {
        defer { outputs = [] }
        return outputs
    }

    mutating func newID(_ kind: String) -> String {
        nextNumber += 1
        let number = String(nextNumber)
        let serial = String(connection)
        let fill = String(repeating: "0", count: max(0, 16 - number.count - serial.count))
        return "\(kind)_S\(serial)x\(fill)\(number)"
    }

    mutating func add(_ item: ConversationItem, audioBytes: Int?) {
        guard let id = item.id else { return }
        items[id] = Item(item: item, audioBytes: audioBytes)
        lastItemID = id
    }
}

extension ModelSession.Item {
    var hasAudio: Bool { (audioBytes ?? 0) > 0 }
}
