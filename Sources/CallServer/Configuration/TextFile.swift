import Glibc

/// Files that an operator wrote: read whole, with bounds, and whatever they are in fact.
public enum TextFile {
    /// Why a file cannot be used.
    public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
        /// The path, and what is wrong.
        public let description: String
        /// Whether there is no such file.
        public let isMissing: Bool
    }

    /// Bytes of a file.
    public static let bytesMaximum = 1024 * 1024

    /// The text of a file: UTF-8, without a byte order mark, line ends of all systems made `\n`.
    public static func read(_ path: String, bytesMaximum: Int = bytesMaximum) throws(Problem) -> String {
        func problem(_ text: String, isMissing: Bool = false) -> Problem {
            Problem(description: "\(path): \(text)", isMissing: isMissing)
        }
        // Without blocking: a FIFO without a writer would hold the start up for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw problem(
                code == ENOENT ? "there is no such file" : "cannot be read: \(reason(code))",
                isMissing: code == ENOENT
            )
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw problem("cannot be read: \(reason(errno))") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw problem("is no regular file") }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count <= bytesMaximum {
            let count = Glibc.read(descriptor, &block, block.count)
            guard count >= 0 else { throw problem("cannot be read: \(reason(errno))") }
            if count == 0 { break }
            bytes += block.prefix(count)
        }
        guard bytes.count <= bytesMaximum else { throw problem("is larger than \(bytesMaximum / 1024) KiB") }
        guard let text = text(bytes) else { throw problem("line \(lineOfFault(bytes)) is not UTF-8") }
        return text
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard let text = String(validating: body, as: UTF8.self) else { return nil }
        return text.contains("\r\n") ? String(text.map { $0 == "\r\n" ? "\n" : $0 }) : text
    }

    /// The first line, from 1, that is no UTF-8; a line end is never inside of a character.
    private static func lineOfFault(_ bytes: [UInt8]) -> Int {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return 1 + (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0)
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
