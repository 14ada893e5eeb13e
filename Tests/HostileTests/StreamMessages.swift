import TestSupport

/// A stream's messages, written by hand, for hostile phones.
struct StreamMessages: Sendable {
    /// Its stream is `MZ-<name>` and its call `CA-<name>`.
    let name: String

    init(_ name: String) { self.name = name }

    static let connected = #"{"event":"connected","protocol":"Call","version":"1.0.0"}"#

    /// The start; `changing` replaces one piece of it.
    func start(_ old: String = "", _ new: String = "") -> String {
        let text =
            #"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ-\#(name)","#
            + #""callSid":"CA-\#(name)","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","#
            + #""sampleRate":8000,"channels":1},"customParameters":{}},"streamSid":"MZ-\#(name)"}"#
        precondition(old.isEmpty || text.contains(old))
        return old.isEmpty ? text : text.replacing(old, with: new)
    }

    /// A media message around a payload as it stands.
    func media(_ payload: String, sequence: String? = nil, timestamp: String? = nil, track: String = "inbound")
        -> String
    {
        let number = sequence.map { #""sequenceNumber":\#($0),"# } ?? ""
        let time = timestamp.map { #""timestamp":\#($0),"# } ?? ""
        return
            #"{"event":"media",\#(number)"media":{"track":"\#(track)",\#(time)"payload":"\#(payload)"},"streamSid":"MZ-\#(name)"}"#
    }

    func message(_ event: String, _ body: String = "{}") -> String {
        #"{"event":"\#(event)","\#(event)":\#(body),"streamSid":"MZ-\#(name)"}"#
    }

    /// 20 ms of silence.
    static let silence = String(repeating: "/", count: 212) + "/w=="

    /// An upgrade and a stream that has begun.
    func begun(_ texts: [String]) -> [UInt8] { Self.opened([Self.connected, start()] + texts) }

    /// An upgrade and these texts.
    static func opened(_ texts: [String]) -> [UInt8] { FrameTests.upgrade + texts.flatMap { RawBytes.text($0) } }
}

extension HostileCase {
    /// A call that says something, then hangs up; how many of its frames the server took.
    static func call(
        _ id: String,
        _ what: String,
        _ texts: [String],
        frames: Int,
        _ counters: [Counter: Int] = [:],
        _ outcome: Outcome = .close(1000)
    ) -> HostileCase {
        let ending = outcome == .close(1000) ? RawBytes.close(1000) : []
        var hostile = HostileCase(id, what, StreamMessages(id).begun(texts) + ending, outcome, counters)
        hostile.frames = frames
        return hostile
    }
}
