import COpenSSL
import Foundation
import Trunk

/// A model behind TLS that takes what it is given: any certificate, any version, and a turn of its own after the
/// handshake. It answers every request with 401, so that a call that gets through to it ends and is known by that.
final class TLSProvider: Sendable {
    /// What a connection does after its handshake, instead of the answer.
    typealias Turn = @Sendable (_ ssl: OpaquePointer, _ descriptor: Int32) -> Void

    let port: Int
    private let listener: Int32
    /// Only its own threads use it, and OpenSSL locks it.
    private nonisolated(unsafe) let context: OpaquePointer
    private let turn: Turn?
    private let shape: TLSShape?
    private let state = Locked((accepted: 0, handshakes: 0, requests: 0))

    /// Serves with a certificate chain and its key, at no security level at all.
    ///
    /// - Parameter shape: How its bytes go out; in whole records unless given.
    init(
        certificate: String,
        key: String,
        versions: ClosedRange<Int32>? = nil,
        shape: TLSShape? = nil,
        _ turn: Turn? = nil
    ) throws {
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw CocoaError(.fileReadUnknown) }
        SSL_CTX_set_security_level(context, 0)
        SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0")
        if let versions {
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(versions.lowerBound), nil)
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(versions.upperBound), nil)
        }
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
            SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
        else { throw CocoaError(.fileReadCorruptFile, userInfo: ["file": certificate]) }
        self.context = context
        self.turn = turn
        self.shape = shape
        (listener, port) = try RawProvider.listen()
        Thread.detachNewThread { [self] in serve() }
    }

    deinit { SSL_CTX_free(context) }

    /// Connections, handshakes that were completed, and requests that came.
    var counts: (accepted: Int, handshakes: Int, requests: Int) { state.withLock { $0 } }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func serve() {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 { return }
            state.withLock { $0.accepted += 1 }
            var timeout = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            Thread.detachNewThread { [self] in
                lead(descriptor)
                close(descriptor)
            }
        }
    }

    private func lead(_ descriptor: Int32) {
        guard let ssl = SSL_new(context) else { return }
        defer { SSL_free(ssl) }
        if let shape { return lead(ssl, descriptor, shape) }
        SSL_set_fd(ssl, descriptor)
        guard SSL_accept(ssl) == 1 else { return }
        state.withLock { $0.handshakes += 1 }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        guard SSL_read(ssl, &buffer, 4_096) > 0 else { return }
        state.withLock { $0.requests += 1 }
        if let turn { return turn(ssl, descriptor) }
        Self.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", to: ssl)
        SSL_shutdown(ssl)
    }

    /// The same, with each byte in our hands before it goes out.
    private func lead(_ ssl: OpaquePointer, _ descriptor: Int32, _ shape: TLSShape) {
        let shaped = ShapedTLS(ssl, descriptor, shape)
        guard shaped.run({ SSL_accept(ssl) }) else { return }
        state.withLock { $0.handshakes += 1 }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        guard shaped.run({ SSL_read(ssl, &buffer, 4_096) }) else { return }
        state.withLock { $0.requests += 1 }
        _ = shaped.run {
            Self.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", to: ssl)
            return 1
        }
    }

    static func write(_ text: String, to ssl: OpaquePointer) { _ = SSL_write(ssl, text, Int32(text.utf8.count)) }
}
