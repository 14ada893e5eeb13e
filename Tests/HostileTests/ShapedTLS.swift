import COpenSSL
import Foundation

/// How a server's TLS bytes go out.
enum TLSShape: Sendable {
    /// Each byte by itself: whatever is read is cut at every place.
    case byteByByte
    /// The handshake, as far as it is not encrypted, in records of one byte.
    case recordsOfOneByte
    /// So many records without content before all others.
    case emptyRecords(Int)
}

/// A server's side of a TLS connection whose bytes pass through our hands. Used by one thread.
final class ShapedTLS {
    private let ssl: OpaquePointer
    private let descriptor: Int32
    private let shape: TLSShape
    private let input: OpaquePointer
    private let output: OpaquePointer
    private var isFirst = true
    /// From the first encrypted record on, records are left as they are.
    private var isEncrypted = false

    init(_ ssl: OpaquePointer, _ descriptor: Int32, _ shape: TLSShape) {
        (self.ssl, self.descriptor, self.shape) = (ssl, descriptor, shape)
        input = BIO_new(BIO_s_mem())
        output = BIO_new(BIO_s_mem())
        SSL_set_bio(ssl, input, output)
    }

    /// Does a step of OpenSSL's until it is done, moving bytes both ways; false when it failed.
    func run(_ step: () -> Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let result = step()
            if !sendPending() { return false }
            if result > 0 { return true }
            guard SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ else { return false }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count <= 0 { return false }
            BIO_write(input, buffer, Int32(count))
        }
    }

    private func sendPending() -> Bool {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = BIO_read(output, &buffer, Int32(buffer.count))
            if count <= 0 { break }
            bytes += buffer.prefix(Int(count))
        }
        if bytes.isEmpty { return true }
        defer { isFirst = false }
        switch shape {
        case .byteByByte:
            return bytes.allSatisfy { byte in
                usleep(100)
                return send([byte])
            }
        case .recordsOfOneByte: return send(cut(bytes))
        case .emptyRecords(let count):
            let empty = isFirst ? (0..<count).flatMap { _ in [22, 3, 3, 0, 0] as [UInt8] } : []
            return send(empty + bytes)
        }
    }

    /// Whole records come in; handshake messages (type 22) go out a byte a record.
    private func cut(_ bytes: [UInt8]) -> [UInt8] {
        var rest = bytes[...]
        var result: [UInt8] = []
        while rest.count >= 5 {
            let head = Array(rest.prefix(5))
            let count = Int(head[3]) << 8 | Int(head[4])
            let payload = rest.dropFirst(5).prefix(count)
            rest = rest.dropFirst(5 + count)
            if head[0] != 22 { isEncrypted = true }
            if isEncrypted {
                result += head + payload
            } else {
                for byte in payload { result += [22, head[1], head[2], 0, 1, byte] }
            }
        }
        return result
    }

    private func send(_ bytes: [UInt8]) -> Bool { RawConnection.send(bytes, to: descriptor) }
}
