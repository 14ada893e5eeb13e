import CZlib
import HTTPTypes

/// Compressed bodies, for clients that take them.
enum Gzip {
    /// Smaller bodies gain nothing.
    static let bytesMin = 1_024

    /// Whether an `Accept-Encoding` takes gzip (RFC 9110 section 12.5.3).
    static func isAccepted(_ header: String?) -> Bool {
        for part in (header ?? "").lowercased().split(separator: ",") {
            let words = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard words.first == "gzip" || words.first == "x-gzip" else { continue }
            let quality = words.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            return (quality ?? 1) > 0
        }
        return false
    }

    /// The bytes in the gzip format (RFC 1952); nil when zlib has no memory.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // 15 bits of window, and 16 for a gzip header.
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            return nil
        }
        defer { deflateEnd(&stream) }
        var input = bytes
        return input.withUnsafeMutableBufferPointer { input in
            let bound = Int(deflateBound(&stream, uLong(input.count)))
            return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                stream.next_in = input.baseAddress
                stream.avail_in = uInt(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = uInt(bound)
                // The bound holds it all: one call ends the stream.
                count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
    }

    /// Compresses an answer's body when the client takes that and it pays.
    static func apply(_ response: inout WebResponse, for request: WebRequest) {
        guard response.body.count >= bytesMin else { return }
        response.headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
        guard isAccepted(request.headers[.acceptEncoding]), let body = compress(response.body) else { return }
        response.body = body
        response.headers[.contentEncoding] = "gzip"
    }
}
