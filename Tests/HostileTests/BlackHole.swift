import Foundation

/// An address of this machine that answers nothing: the queue of its listener is full, so that the system drops what
/// comes.
final class BlackHole: Sendable {
    let port: Int
    private let descriptors: [Int32]
    /// Whether it is one; where a system answers all the same, tests of silence mean nothing.
    let isBlack: Bool

    /// Listens on 127.0.0.`host`; port 0 picks one.
    init(host: UInt8 = 1, port: Int = 0) throws {
        let (listener, port) = try RawProvider.listen(host: host, port: port, backlog: 0)
        self.port = port
        // The queue holds one more than it was asked for.
        let fillers = (0..<4).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0000 | UInt32(host)).bigEndian
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            return descriptor
        }
        usleep(20_000)
        var peer = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        isBlack = withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(fillers[3], $0, &size) != 0 }
        }
        if !isBlack { print("skipped: this system answers for a listener whose queue is full") }
        descriptors = fillers + [listener]
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
