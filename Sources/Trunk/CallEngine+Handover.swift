internal import CTrunk
import Glibc

/// A connection that an engine gave away: its descriptor, and what was read of it. Closes it unless someone takes it.
public final class HandedConnection: Sendable {
    /// What was read: the head of a request, and perhaps more.
    public let bytes: [UInt8]
    /// The address of the peer, without a port.
    public let peer: String
    /// The listener that it came from, for `CallEngine.adopt`.
    public let listener: ListenerID
    /// Whether the core ends its TLS.
    public let isSecure: Bool
    private let descriptor: Locked<Int32>

    /// Owns a descriptor from now on.
    public init(descriptor: Int32, bytes: [UInt8], peer: String, listener: ListenerID, isSecure: Bool = false) {
        self.descriptor = Locked(descriptor)
        self.bytes = bytes
        self.peer = peer
        self.listener = listener
        self.isSecure = isSecure
    }

    deinit {
        let left = takeDescriptor()
        if left >= 0 { close(left) }
    }

    /// The descriptor: the caller's from now on. Negative when it was taken before.
    public func takeDescriptor() -> Int32 {
        descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
    }

    /// Gives a descriptor back that could not be used.
    func putBack(_ left: Int32) { descriptor.withLock { $0 = left } }
}

/// A listener of one engine.
public struct ListenerID: Hashable, Sendable {
    let tag: UInt32
}

extension CallEngine {
    /// Gives a connection away whose request came to a `PlainAcceptor`. When it throws, the request still waits.
    public func handOver(_ leg: LegID, of listener: ListenerID, isSecure: Bool) throws(TrunkError) -> HandedConnection {
        let peer = peer(of: leg)
        var handed = trk_handed()
        try check(trk_leg_hand_over(raw, leg.raw, &handed))
        return HandedConnection(
            descriptor: handed.descriptor,
            bytes: Array(handed.head.buffer) + Array(handed.rest.buffer),
            peer: peer,
            listener: listener,
            isSecure: isSecure
        )
    }

    /// Takes a connection as if its listener had accepted it: the bytes are an upgrade request to one of its paths.
    /// When it throws, the connection is still the caller's.
    public func adopt(_ connection: HandedConnection) throws(TrunkError) {
        let descriptor = connection.takeDescriptor()
        guard descriptor >= 0 else { throw TrunkError(.stale) }
        let status = connection.peer.withCString { peer in
            connection.bytes.withUnsafeBytes { bytes in
                var config = trk_adopt_config(
                    descriptor: descriptor,
                    tag: connection.listener.tag,
                    peer: peer,
                    bytes: bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped,
                    count: bytes.count
                )
                return trk_loop_adopt(raw, &config)
            }
        }
        if status == .TRK_OK { return }
        connection.putBack(descriptor)
        try check(status)
    }

    /// The address of an accepted leg's peer; empty when it is gone.
    func peer(of leg: LegID) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(TRK_PEER_MAX)) { text in
            guard let base = text.baseAddress, trk_leg_peer(raw, leg.raw, base) == .TRK_OK else { return "" }
            return String(cString: base)
        }
    }
}

extension trk_bytes {
    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: data, count: count) }
}
