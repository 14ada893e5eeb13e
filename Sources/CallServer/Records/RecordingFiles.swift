import Glibc
import WebServer

/// The files of recordings: of one folder, by their plain names.
enum RecordingFiles {
    /// Whether a name is one that a recording can have: no way out of the folder.
    static func isName(_ name: String) -> Bool {
        name.hasSuffix(".wav") && !name.hasPrefix(".") && name.utf8.count <= 255
            && name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                    || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            }
    }

    /// Removes files; those that are gone are no error.
    static func remove(_ names: [String], from folder: String) {
        for name in names where isName(name) { unlink("\(folder)/\(name)") }
    }

    /// An open recording, read in pieces.
    final class Reader: Sendable {
        private static let pieceBytes = 64 * 1024
        private let descriptor: Int32
        /// Bytes of the file.
        let size: Int

        /// Nil when there is no such file; links are not followed.
        init?(_ name: String, in folder: String) {
            guard isName(name) else { return nil }
            descriptor = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { return nil }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                close(descriptor)
                return nil
            }
            size = Int(status.st_size)
        }

        deinit { if descriptor >= 0 { close(descriptor) } }

        /// Bytes from a place on, at most a piece; nil at the end.
        func piece(at offset: Int, atMost count: Int) -> [UInt8]? {
            let wanted = min(count, Self.pieceBytes)
            guard wanted > 0 else { return nil }
            let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                filled = max(0, pread(descriptor, buffer.baseAddress, wanted, off_t(offset)))
            }
            return bytes.isEmpty ? nil : bytes
        }
    }
}

/// One range of bytes that a client asks for (RFC 9110 section 14.1.2).
enum ByteRange {
    /// The range; nil without one that is understood: the whole is answered then. An empty range cannot be satisfied.
    static func parse(_ header: String?, size: Int) -> Range<Int>? {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return nil }
        let parts = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        if parts[0].isEmpty {
            guard let count = Int(parts[1]), count >= 0 else { return nil }
            return max(0, size - count)..<size
        }
        guard let first = Int(parts[0]), first >= 0 else { return nil }
        let last = parts[1].isEmpty ? Int.max - 1 : Int(parts[1])
        guard let last, last >= first, last < Int.max else { return nil }
        return first < size ? first..<min(size, last + 1) : size..<size
    }
}
