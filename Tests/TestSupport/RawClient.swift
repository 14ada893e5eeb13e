import Foundation

/// A TCP client without any protocol: for peers that do half of what they should.
public final class RawClient: Sendable {
    private let descriptor: Int32
    /// After so many seconds a send or read gives up: a test that waits for ever tells nothing.
    private static let patienceSeconds = 30

    /// Connects.
    ///
    /// - Parameters:
    ///   - port: On this machine.
    ///   - host: The last byte of our own address, 127.0.0.x: peers with different addresses.
    ///   - receiveBytes: How much the system takes for us before we read; nil is its own choice.
    public init(port: Int, host: UInt8 = 1, receiveBytes: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        set(SOL_SOCKET, SO_SNDTIMEO, &patience)
        set(SOL_SOCKET, SO_RCVTIMEO, &patience)
        var on: Int32 = 1
        set(Int32(IPPROTO_TCP), TCP_NODELAY, &on)
        if var receiveBytes { set(SOL_SOCKET, SO_RCVBUF, &receiveBytes) }
        var source = Self.address(port: 0, host: host)
        if host != 1 { _ = Self.with(&source) { bind(descriptor, $0, $1) } }
        var target = Self.address(port: port, host: 1)
        if Self.with(&target, { connect(descriptor, $0, $1) }) != 0 {
            // `deinit` closes: all properties are set by now. Twice would take somebody else's descriptor away.
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
    }

    deinit { close(descriptor) }

    private func set<Value: BitwiseCopyable>(_ level: Int32, _ name: Int32, _ value: inout Value) {
        setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Value>.size))
    }

    private static func address(port: Int, host: UInt8) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0000 | UInt32(host)).bigEndian
        return address
    }

    private static func with(_ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32)
        -> Int32
    {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Sends all, or as much as the server takes before it ends the connection; returns the bytes sent.
    @discardableResult
    public func send(_ bytes: some Collection<UInt8>) -> Int {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            sent += count
        }
        return sent
    }

    /// Sends bytes again and again on a thread of its own, until a condition ends it or the server takes no more;
    /// returns the bytes sent.
    @discardableResult
    public func flood(_ bytes: [UInt8], until isOver: @escaping @Sendable (Int) -> Bool) async -> Int {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                var sent = 0
                while !isOver(sent) {
                    let count = send(bytes)
                    sent += count
                    if count < bytes.count { break }
                }
                continuation.resume(returning: sent)
            }
        }
    }

    /// Sends a text.
    public func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends each byte by itself, with a pause behind it; returns the bytes sent.
    @discardableResult
    public func sendByteByByte(_ bytes: [UInt8], pause: Duration = .zero) async -> Int {
        for (index, byte) in bytes.enumerated() {
            if send([byte]) == 0 { return index }
            if pause > .zero { try? await Task.sleep(for: pause) } else if index % 64 == 63 { await Task.yield() }
        }
        return bytes.count
    }

    /// Ends our half of the connection.
    public func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Breaks the connection off: the server gets a reset.
    public func reset() {
        var nowhere = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: sockaddr().sa_data)
        _ = connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Everything until the server ends the connection, read on a thread of its own.
    public func readToEnd() async -> [UInt8] { await read { _ in false } }

    /// Reads until the bytes so far are enough, or the end.
    public func read(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                var all: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65536)
                while !isEnough(all) {
                    let count = recv(descriptor, &buffer, buffer.count, 0)
                    if count <= 0 { break }
                    all += buffer.prefix(count)
                }
                continuation.resume(returning: all)
            }
        }
    }

    /// What the server answered until it ended the connection.
    public func answer() async -> RawAnswer { RawAnswer(await readToEnd()) }
}

/// What a server said: an HTTP head, and frames behind a 101.
public struct RawAnswer: Sendable {
    /// The status; nil when nothing was answered.
    public private(set) var status: Int?
    /// The head as it came.
    public private(set) var head = ""
    /// Frames behind the head, in order.
    public private(set) var frames: [(opcode: UInt8, payload: [UInt8])] = []
    /// What stands behind the last whole frame.
    public private(set) var rest: [UInt8] = []

    /// Reads what came.
    public init(_ bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else {
            rest = bytes
            return
        }
        head = String(decoding: bytes[..<end], as: UTF8.self)
        status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        var rest = bytes[end...]
        while status == 101, let frame = Self.takeFrame(&rest) { frames.append(frame) }
        self.rest = Array(rest)
    }

    /// The code of the first close frame; 1005 when it has none.
    public var closeCode: Int? {
        guard let payload = frames.first(where: { $0.opcode == 8 })?.payload else { return nil }
        return payload.count < 2 ? 1005 : Int(payload[0]) << 8 | Int(payload[1])
    }

    private static func takeFrame(_ rest: inout ArraySlice<UInt8>) -> (opcode: UInt8, payload: [UInt8])? {
        let bytes = Array(rest.prefix(10))
        guard bytes.count >= 2 else { return nil }
        let width = bytes[1] == 127 ? 8 : bytes[1] == 126 ? 2 : 0
        guard bytes.count >= 2 + width else { return nil }
        let count = width == 0 ? Int(bytes[1]) : bytes[2..<2 + width].reduce(0) { $0 << 8 | Int($1) }
        guard rest.count >= 2 + width + count else { return nil }
        let payload = Array(rest.dropFirst(2 + width).prefix(count))
        rest = rest.dropFirst(2 + width + count)
        return (bytes[0] & 15, payload)
    }
}

/// What clients send, by hand.
public enum RawBytes {
    /// An upgrade request.
    public static func upgrade(to path: String = "/") -> String {
        """
        GET \(path) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n
        """
    }

    /// A masked frame; the mask is zero, so that the payload stands as it is.
    public static func frame(_ opcode: UInt8, _ payload: [UInt8], fin: Bool = true) -> [UInt8] {
        [(fin ? 0x80 : 0) | opcode] + length(payload.count) + [0, 0, 0, 0] + payload
    }

    /// A masked text message.
    public static func text(_ text: String) -> [UInt8] { frame(1, Array(text.utf8)) }

    /// A masked close frame.
    public static func close(_ code: Int, _ reason: [UInt8] = []) -> [UInt8] {
        frame(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason)
    }

    private static func length(_ count: Int) -> [UInt8] {
        if count < 126 { return [0x80 | UInt8(count)] }
        if count < 65_536 { return [0xFE, UInt8(count >> 8), UInt8(count & 0xFF)] }
        return [0xFF] + (0..<8).map { UInt8(count >> (56 - 8 * $0) & 0xFF) }
    }
}
