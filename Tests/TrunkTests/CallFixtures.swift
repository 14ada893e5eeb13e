import Foundation
import Trunk

/// The messages of both dialects, written by hand.
enum Wire {
    static let start = """
        {"event":"start","sequenceNumber":"1","start":{"streamSid":"MZ1","callSid":"CA1","accountSid":"AC1",\
        "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"streamSid":"MZ1"}
        """

    static func media(_ payload: String) -> String {
        #"{"event":"media","sequenceNumber":"2","media":{"track":"inbound","payload":"\#(payload)"},"streamSid":"MZ1"}"#
    }

    static func digit(_ digit: String) -> String {
        #"{"event":"dtmf","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"\#(digit)"}}"#
    }

    static func mark(_ name: String) -> String {
        #"{"event":"mark","streamSid":"MZ1","mark":{"name":"\#(name)"}}"#
    }

    static func created(_ response: String) -> String {
        #"{"type":"response.created","response":{"id":"\#(response)"}}"#
    }

    static func done(_ response: String) -> String {
        #"{"type":"response.done","response":{"id":"\#(response)"}}"#
    }

    static func delta(_ response: String, _ item: String, _ audio: [UInt8]) -> String {
        let start = #"{"type":"response.output_audio.delta","response_id":"\#(response)","item_id":"\#(item)""#
        return start + #","content_index":0,"delta":"\#(Base64.encode(audio))"}"#
    }

    static func event(_ type: String) -> String { #"{"type":"\#(type)"}"# }

    /// The text of a string member, found without a parser.
    static func field(_ name: String, in text: String) -> String? {
        guard let key = text.range(of: "\"\(name)\":\"") else { return nil }
        return String(text[key.upperBound...].prefix { $0 != "\"" })
    }
}

/// What a telephone was sent.
struct PhoneHeard: Sendable {
    var isOpen = false
    var audio: [UInt8] = []
    /// Audio bytes of each media message.
    var sizes: [Int] = []
    var marks: [(name: String, behind: Int)] = []
    var clears = 0
    var ending: LegEnding?
}

/// Plays the carrier. Touched on its engine's loop only.
final class FakePhone: LegHandler, @unchecked Sendable {
    let heard = Watched(PhoneHeard())
    var leg: LegID?
    var echoesMarks = false

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        self.leg = leg
        heard.update { $0.isOpen = true }
    }

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        let text = message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        if let payload = Wire.field("payload", in: text) {
            let audio = Base64.decode(payload) ?? []
            heard.update { heard in
                heard.audio += audio
                heard.sizes.append(audio.count)
            }
        } else if let name = Wire.field("name", in: text) {
            heard.update { $0.marks.append((name, $0.audio.count)) }
            if echoesMarks { try? engine.send(text: Wire.mark(name), to: leg) }
        } else if Wire.field("event", in: text) == "clear" {
            heard.update { $0.clears += 1 }
        }
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        heard.update { $0.ending = ending }
    }
}

/// What a model was sent.
struct ModelHeard: Sendable {
    /// Payloads of the appends, as sent.
    var payloads: [String] = []
    var bytes = 0
    var ending: LegEnding?
}

/// Plays the model. Touched on its engine's loop only.
final class FakeModel: LegHandler, @unchecked Sendable {
    let heard = Watched(ModelHeard())
    var leg: LegID?

    func opened(_ leg: LegID, on engine: isolated CallEngine) { self.leg = leg }

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        let text = message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        guard let payload = Wire.field("audio", in: text) else { return }
        heard.update { heard in
            heard.payloads.append(payload)
            heard.bytes += payload.utf8.count / 4 * 3 - payload.utf8.suffix(2).count { $0 == UInt8(ascii: "=") }
        }
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        heard.update { $0.ending = ending }
    }
}

/// Writes what it hears of its call to a log. Touched on its engine's loop only.
final class FakeCall: CallHandler, @unchecked Sendable {
    let log = Log()
    var call: CallID?
    var model: LegID?
    var routesAtOnce = true
    var whenModelSpeaks: (String, LoopMoment, isolated CallEngine) -> Void = { _, _, _ in }
    var whenDigit: (String, isolated CallEngine) -> Void = { _, _ in }

    func carrierStarted(_ call: CallID, message: RawSpan, on engine: isolated CallEngine) { log.add("started") }

    func carrierDigit(_ call: CallID, _ digit: String, on engine: isolated CallEngine) {
        whenDigit(digit, engine)
        log.add("digit \(digit)")
    }

    func carrierStopped(_ call: CallID, on engine: isolated CallEngine) { log.add("stopped") }

    func carrierSilent(_ call: CallID, on engine: isolated CallEngine) { log.add("silent") }

    func carrierClosed(_ call: CallID, _ ending: LegEnding, on engine: isolated CallEngine) {
        log.add("carrier closed \(ending.code) \(ending.cause)")
    }

    func modelOpened(_ call: CallID, _ leg: LegID, on engine: isolated CallEngine) {
        if routesAtOnce { try? engine.route(call, to: leg) }
        log.add("model opened")
    }

    func modelEvent(
        _ call: CallID,
        _ leg: LegID,
        _ message: RawSpan,
        at moment: LoopMoment,
        on engine: isolated CallEngine
    ) {
        let text = message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let type = Wire.field("type", in: text) ?? ""
        whenModelSpeaks(type, moment, engine)
        log.add("model event \(type)")
    }

    func modelClosed(_ call: CallID, _ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        log.add("model closed \(ending.code) \(ending.cause)")
    }

    func playback(_ call: CallID, _ event: PlaybackEvent, on engine: isolated CallEngine) { log.add("\(event)") }
    func timerFired(_ call: CallID, on engine: isolated CallEngine) { log.add("timer") }

    func malformed(_ call: CallID, _ leg: LegID, _ reason: MalformedReason, on engine: isolated CallEngine) {
        log.add("malformed \(reason)")
    }
}

/// Opens each request as a call and dials its model.
final class CallOpener: LegAcceptor {
    let modelPort: Int
    let makeHandler: () -> FakeCall

    init(modelPort: Int, makeHandler: @escaping () -> FakeCall) {
        self.modelPort = modelPort
        self.makeHandler = makeHandler
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        let handler = makeHandler()
        do {
            let call = try engine.openCall(accepting: leg, handler: handler)
            let target = DialTarget(host: "127.0.0.1", port: modelPort, isSecure: false, target: "/model")
            handler.call = call
            handler.model = try engine.dialModel(target, for: call, epoch: 1)
        } catch {
            handler.log.add("refused \(error)")
        }
    }
}

/// One call over real sockets: an engine under test, and one that plays the phone and the model.
struct CallFixture: Sendable {
    let server: CallEngine
    let world: CallEngine
    let phone = FakePhone()
    let model = FakeModel()
    let handler = FakeCall()

    /// Opens the call; returns when the stream has started and the model is open.
    init(routes: Bool = true, _ configure: (inout EngineConfiguration) -> Void = { _ in }) async throws {
        var configuration = EngineConfiguration()
        configure(&configuration)
        server = try CallEngine.start(configuration)
        var worldly = EngineConfiguration()
        worldly.queueBytesMax = 256 << 20
        world = try CallEngine.start(worldly)
        let (phone, model, handler) = (phone, model, handler)
        handler.routesAtOnce = routes
        let modelPort = try await world.perform { world in
            try world.listen(
                ListenAddress(host: "127.0.0.1", port: 0, paths: ["/model"]),
                acceptor: AcceptAll { model }
            )
        }
        let port = try await server.perform { server in
            try server.listen(
                ListenAddress(host: "127.0.0.1", port: 0, paths: ["/phone"]),
                acceptor: CallOpener(modelPort: modelPort) { handler }
            )
        }
        try await world.perform { world in
            _ = try world.dial(
                DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/phone"),
                handler: phone
            )
        }
        await phone.heard.wait { $0.isOpen }
        try await say(Wire.start)
        await handler.log.wait(for: "started")
        await handler.log.wait(for: "model opened")
    }

    /// The phone sends these messages, in one turn of its loop.
    func say(_ texts: [String]) async throws {
        let phone = phone
        try await world.perform { world in
            guard let leg = phone.leg else { return }
            for text in texts { try world.send(text: text, to: leg) }
        }
    }

    func say(_ text: String) async throws { try await say([text]) }

    /// The model sends these messages, in one turn of its loop.
    func answer(_ texts: [String]) async throws {
        let model = model
        try await world.perform { world in
            guard let leg = model.leg else { return }
            for text in texts { try world.send(text: text, to: leg) }
        }
    }

    /// Returns when the call has dealt with everything that the phone has sent: digits stand in the same queue.
    func settlePhone(_ digit: String) async throws {
        try await say(Wire.digit(digit))
        await handler.log.wait(for: "digit \(digit)")
    }

    /// The same for the model.
    func settleModel(_ name: String) async throws {
        try await answer([Wire.event("x.\(name)")])
        await handler.log.wait(for: "model event x.\(name)")
    }

    func stats() async -> CallStats {
        let handler = handler
        return await server.perform { server in
            handler.call.flatMap { server.stats(of: $0) } ?? CallStats()
        }
    }

    func stop() async {
        await server.stop()
        await world.stop()
    }
}
