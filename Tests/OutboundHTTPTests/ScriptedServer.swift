import Glibc
import Testing

/// A server that says the same bytes to everybody who asked something, and then may go on for a while.
final class ScriptedServer: @unchecked Sendable {
    let port: Int
    private let listener: Int32
    private let answer: [UInt8]
    private let isEndless: Bool
    private let closes: Bool

    /// - Parameters:
    ///   - answer: What is said once.
    ///   - thenEndlessly: Whether the body is said again and again until the peer is gone.
    ///   - closes: Whether the connection is closed after it; otherwise it is held.
    init(_ answer: String, thenEndlessly: Bool = false, closes: Bool = true) throws {
        self.answer = Array(answer.utf8)
        isEndless = thenEndlessly
        self.closes = closes
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isBound)
        port = Int(UInt16(bigEndian: address.sin_port))
        var thread = pthread_t()
        pthread_create(&thread, nil, serverThread, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }

    /// Takes no more connections; the thread ends.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    fileprivate func run() {
        var held: [Int32] = []
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 { break }
            var block = [UInt8](repeating: 0, count: 16 * 1024)
            _ = recv(connection, &block, block.count, 0)
            say(answer, connection)
            if isEndless {
                let chunk = Array("1000\r\n".utf8) + [UInt8](repeating: 0x78, count: 4096) + Array("\r\n".utf8)
                while say(chunk, connection) {}
            }
            if closes { close(connection) } else { held.append(connection) }
        }
        for connection in held { close(connection) }
        close(listener)
    }

    @discardableResult private func say(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(connection, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            done += count
        }
        return true
    }
}

private func serverThread(_ reference: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let reference { Unmanaged<ScriptedServer>.fromOpaque(reference).takeRetainedValue().run() }
    return nil
}
