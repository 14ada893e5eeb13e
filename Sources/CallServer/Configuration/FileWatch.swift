import Glibc

/// Sees when one of several files was changed, put in another's place or taken away. What was seen counts only when it was
/// taken up: a pair of files of which one is not written yet is looked at again.
struct FileWatch: Sendable {
    /// What tells two states of a file apart. A time alone does not: a file that is put in place may be older.
    fileprivate struct Stamp: Sendable, Hashable {
        var seconds = 0
        var nanoseconds = 0
        var bytes: Int64 = 0
        var inode: UInt64 = 0
        var device: UInt64 = 0
    }

    /// How files stand at one moment.
    struct Look: Sendable, Hashable { fileprivate let stamps: [Stamp?] }

    private let paths: [String]
    private var taken: Look
    private var told: Look?

    /// Files as they are now, which are in use.
    init(_ paths: [String]) {
        self.paths = paths
        taken = Look(stamps: paths.map(Self.stamp))
    }

    /// How the files stand now, when that is not what is in use.
    func look() -> Look? {
        let now = Look(stamps: paths.map(Self.stamp))
        return now == taken ? nil : now
    }

    /// What was seen is in use.
    mutating func take(_ look: Look) { taken = look }

    /// Whether this state was not complained of before: the files are tried again and again, and told of once.
    mutating func isNews(_ look: Look) -> Bool {
        defer { told = look }
        return told != look
    }

    private static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Stamp(
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec,
            bytes: Int64(status.st_size),
            inode: UInt64(status.st_ino),
            device: UInt64(status.st_dev)
        )
    }
}
