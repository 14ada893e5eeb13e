import COpenSSL
import Foundation
import Trunk

/// One connection of a `RawProvider`: bytes out, heads and frames in. Used by one thread, its results by any.
final class RawConnection: Sendable {
    private struct State {
        var input: [UInt8] = []
        var head = ""
        var texts: [String] = []
        var closeCode: Int?
        var appended = 0
        var masks: Set<[UInt8]> = []
        var frames = 0
        var isFinished = false
    }

    private let descriptor: Int32
    private let state = Locked(State())

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        // Far longer than anything here takes: a script must not hang for ever.
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    }

    /// The request head that came.
    var head: String { state.withLock { $0.head } }
    /// Messages that came, without caller audio.
    var texts: [String] { state.withLock { $0.texts } }
    /// The code of the close frame that came; 1005 when it held none.
    var closeCode: Int? { state.withLock { $0.closeCode } }
    /// Messages with caller audio that came.
    var appended: Int { state.withLock { $0.appended } }
    /// Frames that came whole, and how many different masks they had.
    var masked: (frames: Int, masks: Int) { state.withLock { ($0.frames, $0.masks.count) } }
    var isFinished: Bool { state.withLock { $0.isFinished } }

    // MARK: Out

    /// Whether the peer took it all.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool { Self.send(bytes, to: descriptor) }

    static func send(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends JSON texts, each as one frame.
    func sendTexts(_ texts: [String]) { for text in texts { send(Self.frame(1, Array(text.utf8))) } }

    /// A frame as a server sends it. The length has its shortest form unless `form` says 126 or 127.
    static func frame(_ opcode: UInt8, _ payload: [UInt8], fin: Bool = true, flags: UInt8 = 0, form: Int? = nil)
        -> [UInt8]
    {
        let count = payload.count
        let first = (fin ? 0x80 : 0) | flags | opcode
        let kind = form ?? (count < 126 ? 0 : count < 65_536 ? 126 : 127)
        switch kind {
        case 126: return [first, 126, UInt8(count >> 8), UInt8(count & 255)] + payload
        case 127: return [first, 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) } + payload
        default: return [first, UInt8(count)] + payload
        }
    }

    static func closeFrame(_ code: Int, _ reason: String = "") -> [UInt8] {
        frame(8, [UInt8(code >> 8), UInt8(code & 255)] + Array(reason.utf8))
    }

    /// Breaks the connection with RST.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }

    func pause(milliseconds: Int) { usleep(useconds_t(milliseconds * 1_000)) }

    /// Closes the socket.
    func finish() {
        close(descriptor)
        state.withLock { $0.isFinished = true }
    }

    // MARK: In

    private func fill() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count <= 0 { return false }
        state.withLock { $0.input += buffer.prefix(count) }
        return true
    }

    /// Reads until nothing more comes.
    func readToEnd() { while fill() { state.withLock { $0.input = [] } } }

    /// Reads a request head.
    @discardableResult
    func readHead() -> String {
        while true {
            let found = state.withLock { state -> String? in
                let text = String(decoding: state.input, as: UTF8.self)
                guard let end = text.range(of: "\r\n\r\n") else { return nil }
                state.head = String(text[..<end.upperBound])
                state.input.removeFirst(state.head.utf8.count)
                return state.head
            }
            if let found { return found }
            if !fill() { return "" }
        }
    }

    /// The answer that completes the upgrade, by the request's key.
    func accepting(_ head: String) -> String {
        let key = head.components(separatedBy: "Sec-WebSocket-Key: ").last?.prefix(24) ?? ""
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 64)
        var count: UInt32 = 0
        EVP_Digest(text, text.count, &digest, &count, EVP_sha1(), nil)
        return Data(digest.prefix(20)).base64EncodedString()
    }

    /// The whole answer of a good server.
    func goodAnswer(_ head: String) -> String {
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accepting(head))\r\n\r\n"
    }

    func upgrade() { send(goodAnswer(readHead())) }

    /// The next whole frame, unmasked; nil at the end. Keeps what it says.
    func readFrame() -> (opcode: UInt8, payload: [UInt8])? {
        while true {
            let frame = state.withLock { state -> (UInt8, [UInt8])? in
                guard let (frame, mask, used) = Self.parse(state.input) else { return nil }
                state.input.removeFirst(used)
                state.frames += 1
                state.masks.insert(mask)
                Self.note(frame.opcode, frame.payload, in: &state)
                return frame
            }
            if let frame { return frame }
            if !fill() { return nil }
        }
    }

    private static func note(_ opcode: UInt8, _ payload: [UInt8], in state: inout State) {
        if opcode == 8 { state.closeCode = payload.count < 2 ? 1005 : Int(payload[0]) << 8 | Int(payload[1]) }
        guard opcode == 1 else { return }
        if payload.starts(with: #"{"type":"input_audio_buffer.append""#.utf8) {
            state.appended += 1
        } else {
            state.texts.append(String(decoding: payload, as: UTF8.self))
        }
    }

    private static func parse(_ input: [UInt8]) -> ((opcode: UInt8, payload: [UInt8]), mask: [UInt8], Int)? {
        guard input.count >= 2 else { return nil }
        var at = 2
        var count = Int(input[1] & 0x7F)
        if count >= 126 {
            let bytes = count == 126 ? 2 : 8
            guard input.count >= 2 + bytes else { return nil }
            count = input[2..<2 + bytes].reduce(0) { $0 << 8 | Int($1) }
            at += bytes
        }
        guard input.count >= at + 4 + count else { return nil }
        let mask = Array(input[at..<at + 4])
        at += 4
        let payload = (0..<count).map { input[at + $0] ^ mask[$0 & 3] }
        return ((input[0] & 0x0F, payload), mask, at + count)
    }

    /// Reads until the peer's close frame or the end of the connection.
    func readToClose() { while let frame = readFrame(), frame.opcode != 8 {} }

    /// Reads until a message holds this text; false when none came.
    @discardableResult
    func expect(_ part: String) -> Bool {
        while let frame = readFrame() {
            if frame.opcode == 1, String(decoding: frame.payload, as: UTF8.self).contains(part) { return true }
        }
        return false
    }

    // MARK: Sessions

    /// Leads a session until it serves its call: the caller is heard.
    func serve() {
        upgrade()
        configure()
        while appended == 0, readFrame() != nil {}
    }

    func configure() {
        sendTexts([Self.sessionCreated])
        expect(#""type":"session.update""#)
        sendTexts([#"{"type":"session.updated","event_id":"e2","session":{"type":"realtime"}}"#])
    }

    static let sessionCreated =
        #"{"type":"session.created","event_id":"e1","session":{"type":"realtime","id":"sess_1"}}"#

    /// Ends the session so that the call ends too: no further attempt can succeed.
    func refuse() {
        send(Self.closeFrame(4_000, "invalid_request_error.invalid_model"))
        readToClose()
    }
}
