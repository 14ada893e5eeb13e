import Foundation
import Trunk

/// A model on a plain TCP socket that plays bytes: one thread a connection, blocking calls. The n-th connection is led
/// by the n-th script, later ones by the last.
final class RawProvider: Sendable {
    /// What a connection does. It runs on a thread of its own; the connection is closed when it returns.
    typealias Script = @Sendable (RawConnection) -> Void

    /// The port on the loopback address.
    let port: Int
    private let listener: Int32
    private let scripts: [Script]
    private let state = Locked<(accepted: [ContinuousClock.Instant], connections: [RawConnection])>(([], []))

    /// Listens and serves until it is stopped; port 0 picks one.
    init(port: Int = 0, _ scripts: Script...) throws {
        self.scripts = scripts
        (listener, self.port) = try Self.listen(port: port)
        Thread.detachNewThread { [self] in serve() }
    }

    /// A listening socket on 127.0.0.`host` that nobody accepts from yet.
    static func listen(host: UInt8 = 1, port: Int = 0, backlog: Int32 = 128) throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0000 | UInt32(host)).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, backlog) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isListening else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// Takes no more connections; those that are open end by themselves.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// Connections so far, oldest first.
    var connections: [RawConnection] { state.withLock { $0.connections } }

    /// When each was accepted.
    var accepted: [ContinuousClock.Instant] { state.withLock { $0.accepted } }

    /// The connection with this index once its script is over; nil when that does not happen.
    func finished(_ index: Int) async -> RawConnection? {
        for _ in 0..<4_000 {
            let all = connections
            if index < all.count, all[index].isFinished { return all[index] }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }

    private func serve() {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 { return }
            let connection = RawConnection(descriptor)
            let index = state.withLock { state in
                state.accepted.append(.now)
                state.connections.append(connection)
                return state.connections.count - 1
            }
            let script = scripts[min(index, scripts.count - 1)]
            Thread.detachNewThread {
                script(connection)
                connection.finish()
            }
        }
    }
}
