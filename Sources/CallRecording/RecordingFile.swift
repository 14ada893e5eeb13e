import Glibc

/// A file of stereo µ-law that is written at any place. Errors are counted and otherwise ignored: the next write may
/// succeed. Touched by one thread.
final class RecordingFile {
    let name: String
    private let descriptor: Int32
    /// Moments of audio in the file.
    private(set) var frames = 0
    /// What the header says.
    private(set) var framesTold = 0
    private(set) var errors = 0

    /// Makes a file for a call in a folder. Nothing that exists is touched.
    ///
    /// - Returns: Nil when the system does not allow it, with its errno in `failure`.
    init?(folder: Int32, callSID: String, names: Int, failure: inout Int32) {
        let stem = Self.stem(callSID)
        var opened: (Int32, String)?
        for number in 1...max(1, names) {
            let name = number == 1 ? "\(stem).wav" : "\(stem)-\(number).wav"
            let descriptor = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            if descriptor >= 0 {
                opened = (descriptor, name)
                break
            }
            failure = errno
            if failure != EEXIST { break }
        }
        guard let opened else { return nil }
        (descriptor, name) = opened
        tell()
    }

    deinit { close(descriptor) }

    /// The call's id as a file's name: letters, digits, `-` and `_`, so that it names nothing in another folder.
    static func stem(_ callSID: String) -> String {
        let kept = callSID.utf8.prefix(64).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        return kept.isEmpty ? "call" : String(decoding: kept, as: UTF8.self)
    }

    /// Writes whole moments, left and right. What was left out before (an error) becomes silence: a hole would be noise.
    func write(_ bytes: UnsafeRawBufferPointer, at frame: Int) {
        guard fill(upTo: frame), put(bytes, at: offset(frame)) else { return }
        frames = max(frames, frame + bytes.count / WAVHeader.frame)
    }

    private func fill(upTo frame: Int) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: Self.pieceBytes, alignment: 1) { piece in
            for index in piece.indices { piece[index] = StereoTrack.silence }
            while frames < frame {
                let count = min(piece.count, (frame - frames) * WAVHeader.frame)
                guard put(UnsafeRawBufferPointer(rebasing: piece[..<count]), at: offset(frames)) else { return false }
                frames += count / WAVHeader.frame
            }
            return true
        }
    }

    /// Changes audio that is in the file already, piece by piece; `body` gets a piece and its first moment.
    func change(_ range: Range<Int>, _ body: (UnsafeMutableRawBufferPointer, Int) -> Void) {
        guard fill(upTo: range.upperBound) else { return }
        withUnsafeTemporaryAllocation(byteCount: Self.pieceBytes, alignment: 1) { piece in
            var frame = range.lowerBound
            while frame < range.upperBound {
                let wanted = min(piece.count, (range.upperBound - frame) * WAVHeader.frame)
                guard let base = piece.baseAddress, pread(descriptor, base, wanted, offset(frame)) == wanted else {
                    errors += 1
                    return
                }
                body(UnsafeMutableRawBufferPointer(rebasing: piece[..<wanted]), frame)
                guard put(UnsafeRawBufferPointer(rebasing: piece[..<wanted]), at: offset(frame)) else { return }
                frame += wanted / WAVHeader.frame
            }
        }
    }

    /// Forgets what is behind a moment.
    func cut(to frame: Int) {
        guard frame < frames else { return }
        if ftruncate(descriptor, offset(frame)) != 0 { errors += 1 }
        frames = frame
    }

    /// Bytes of the file.
    var bytes: Int { offset(frames) }

    /// Writes the header as of now.
    func tell() {
        if WAVHeader.bytes(frames: frames).withUnsafeBytes({ put($0, at: 0) }) { framesTold = frames }
    }

    private func offset(_ frame: Int) -> Int { WAVHeader.count + frame * WAVHeader.frame }

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = pwrite(
                descriptor,
                bytes.baseAddress.map { $0 + written },
                bytes.count - written,
                offset + written
            )
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                errors += 1
                return false
            }
            written += count
        }
        return true
    }

    /// Bytes that are filled or changed at a time.
    private static let pieceBytes = 16_384
}
