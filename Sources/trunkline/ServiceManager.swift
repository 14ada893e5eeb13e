import Glibc
import Trunk

/// Tells systemd how the service is (sd_notify(3)); without `NOTIFY_SOCKET` nobody is told.
struct ServiceManager: Sendable {
    private let path: String?
    /// Half the time after which systemd takes a silent service for dead, in milliseconds; nil when it does not watch.
    let watchdogMilliseconds: Int?

    init(environment: [String: String]) {
        path = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let isOurs = environment["WATCHDOG_PID"].flatMap { Int32($0) }.map { $0 == getpid() } ?? true
        watchdogMilliseconds = isOurs ? environment["WATCHDOG_USEC"].flatMap { Int($0) }.map { $0 / 2_000 } : nil
    }

    func ready() { send("READY=1") }

    func stopping() { send("STOPPING=1") }

    /// A reload begins; `ready` ends it.
    func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicClock.microseconds)")
    }

    func alive() { send("WATCHDOG=1") }

    private func send(_ text: String) {
        guard let path else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { room in
            room.copyBytes(from: bytes)
            // A name that begins with `@` is one of the abstract namespace: its first byte is 0.
            if bytes.first == UInt8(ascii: "@") { room[0] = 0 }
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        var message = Array(text.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, &message, message.count, Int32(MSG_NOSIGNAL), $0, size)
            }
        }
    }
}
