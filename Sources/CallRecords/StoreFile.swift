import CallBridge
import GRDB
import Glibc

/// Which file a path leads to.
struct FileIdentity: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64

    /// Nil when there is none.
    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        device = UInt64(info.st_dev)
        inode = UInt64(info.st_ino)
    }
}

/// A file of call records that was opened and looked after.
struct StoreFile {
    let pool: DatabasePool
    let notes: [String]
    let interrupted: [String]

    static func open(path: String, limits: StoreLimits, queuesInterrupted: Bool) throws(StoreError) -> StoreFile {
        try checkPath(path)
        var notes: [String] = []
        do {
            return try attempt(path, limits, queuesInterrupted, notes)
        } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
            notes.append("the file was corrupt (\(error.message ?? "no message")): \(moveAside(path))")
        } catch let error as StoreError {
            throw error
        } catch {
            throw failure(path, error)
        }
        do {
            return try attempt(path, limits, queuesInterrupted, notes)
        } catch {
            throw failure(path, error)
        }
    }

    private static func attempt(
        _ path: String,
        _ limits: StoreLimits,
        _ queuesInterrupted: Bool,
        _ notes: [String]
    ) throws -> StoreFile {
        var configuration = Configuration()
        configuration.label = "records"
        configuration.busyMode = .timeout(Double(limits.busyMilliseconds) / 1_000)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            // What was deleted is overwritten, and the log does not stay large after one large transaction.
            try db.execute(sql: "PRAGMA secure_delete = ON")
            try db.execute(sql: "PRAGMA journal_size_limit = \(64 << 20)")
        }
        makePrivate(path)
        let pool = try DatabasePool(path: path, configuration: configuration)
        do {
            try pool.write { db in try checkOwner(db, path) }
            let migrator = Schema.migrator
            if try pool.read(migrator.hasBeenSuperseded) {
                throw StoreError(
                    path: path,
                    reason: "the file was written by a newer version",
                    advice: "install that version, or name another file"
                )
            }
            try migrator.migrate(pool)
            try checkWhole(pool, path, limits)
            let interrupted = try pool.write { db in
                try closeInterrupted(db, queues: queuesInterrupted, limits: limits)
            }
            return StoreFile(pool: pool, notes: notes, interrupted: interrupted)
        } catch {
            try? pool.close()
            throw error
        }
    }

    /// What callers say is for the server's user only; SQLite gives its logs the rights of the file.
    private static func makePrivate(_ path: String) {
        // Only a new one: to close a descriptor of a file that SQLite has open would give up its locks.
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
    }

    // MARK: Checks

    private static func checkPath(_ path: String) throws(StoreError) {
        let folder = path.lastIndex(of: "/").map { path[...$0] }.map(String.init) ?? "."
        var info = stat()
        guard stat(folder, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw StoreError(path: path, reason: "its folder does not exist", advice: "make the folder")
        }
        if stat(path, &info) == 0, info.st_mode & S_IFMT != S_IFREG {
            throw StoreError(path: path, reason: "it is no file", advice: "name a file")
        }
        let file = FileIdentity(path: path) == nil ? folder : path
        if access(file, R_OK | W_OK) != 0 || access(folder, W_OK | X_OK) != 0 {
            let why = String(cString: strerror(errno))
            throw StoreError(
                path: path,
                reason: "it cannot be written (\(why))",
                advice: "give the server the right to write the file and its folder"
            )
        }
    }

    /// Nobody else's tables are touched.
    private static func checkOwner(_ db: Database, _ path: String) throws {
        let id = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        guard id == Schema.applicationID || tables == 0 else {
            throw StoreError(
                path: path,
                reason: "the file is a database of something else",
                advice: "name another file"
            )
        }
    }

    private static func checkWhole(_ pool: DatabasePool, _ path: String, _ limits: StoreLimits) throws {
        var info = stat()
        guard stat(path, &info) == 0, info.st_size <= limits.checkedBytes else { return }
        let verdict = try pool.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
        guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
    }

    private static func failure(_ path: String, _ error: any Error) -> StoreError {
        if let error = error as? StoreError { return error }
        guard let error = error as? DatabaseError else {
            return StoreError(path: path, reason: "\(error)", advice: "name another file")
        }
        let advice =
            switch error.resultCode {
            case .SQLITE_FULL: "make room on its disk"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "end the other process that uses it"
            default: "see that the file and its folder can be written"
            }
        return StoreError(path: path, reason: "\(error.resultCode) \(error.message ?? "")", advice: advice)
    }

    // MARK: Care

    /// Moves a file and its logs aside; says where to.
    static func moveAside(_ path: String) -> String {
        let target = "\(path).corrupt-\(UnixTime.milliseconds)"
        guard rename(path, target) == 0 else {
            return "it could not be moved aside: \(String(cString: strerror(errno)))"
        }
        for suffix in ["-wal", "-shm"] { rename(path + suffix, target + suffix) }
        return "moved to \(target), a new one was begun"
    }

    /// Ends the calls of an earlier process.
    private static func closeInterrupted(_ db: Database, queues: Bool, limits: StoreLimits) throws -> [String] {
        let cut = try Row.fetchAll(db, sql: "SELECT id, call_sid, last_at FROM calls WHERE ended_at IS NULL")
        for row in cut {
            let id: Int64 = row["id"]
            try db.execute(
                sql: """
                    UPDATE calls SET ended_at = last_at, duration_ms = max(0, last_at - started_at),
                        end_reason = ?, end_initiator = 'system', end_detail = 'the server ended'
                    WHERE id = ?
                    """,
                arguments: [StoredCall.interrupted, id]
            )
            try Latency.sumUp(db, call: id)
            if queues { try Outbox.put(db, call: id, at: row["last_at"]) }
        }
        if queues { _ = try Outbox.trim(db, to: limits.outboxRows) }
        return cut.map { $0["call_sid"] }
    }
}
