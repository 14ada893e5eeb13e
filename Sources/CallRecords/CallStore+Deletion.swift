import GRDB

/// What was deleted.
public struct Deletion: Sendable, Hashable {
    /// Calls that are gone.
    public var calls = 0
    /// Names of their recordings' files, which the caller deletes.
    public var recordings: [String] = []
    /// Calls that stayed since they are in progress.
    public var inProgress = 0
}

extension CallStore {
    /// Deletes the calls that ended before a moment (milliseconds since 1970), in transactions of
    /// `StoreLimits.deletedAtOnce`, between which calls are written. Blocks; not on a loop.
    ///
    /// - Parameters:
    ///   - moment: Milliseconds since 1970.
    ///   - removing: Called with the names of the recordings after each transaction.
    /// - Returns: How many calls.
    @discardableResult
    public func deleteOlder(than moment: Int64, removing: ([String]) -> Void) throws -> Int {
        var total = 0
        // By the index: a call that has ended has started before.
        try deleteAll(where: "started_at < ? AND ended_at < ? ORDER BY started_at, id", [moment, moment]) { batch in
            total += batch.calls
            removing(batch.recordings)
        }
        try deleteOrphans(before: moment)
        return total
    }

    /// What people did to calls that no record has: nothing else would ever take it away.
    private func deleteOrphans(before moment: Int64) throws {
        while true {
            let count = try write { db in
                let some = "SELECT id FROM actions WHERE call_id IS NULL AND at < ? LIMIT ?"
                try db.cachedStatement(sql: "DELETE FROM actions WHERE id IN (\(some))")
                    .execute(arguments: [moment, limits.deletedAtOnce])
                return db.changesCount
            }
            if count < limits.deletedAtOnce { return }
        }
    }

    /// Deletes all ended calls of one number: those it made and those that were made to it. What was deleted is
    /// overwritten in the file and its log. Takes a while with many calls; blocks; not on a loop.
    public func deleteCaller(_ number: String) throws -> Deletion {
        var total = Deletion()
        let theirs = "((direction NOT LIKE 'outbound%' AND caller = ?) OR (direction LIKE 'outbound%' AND called = ?))"
        try deleteAll(where: "\(theirs) AND ended_at IS NOT NULL", [number, number]) { batch in
            total.calls += batch.calls
            total.recordings += batch.recordings
        }
        total.inProgress = try read { db in
            try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM calls WHERE \(theirs) AND ended_at IS NULL",
                arguments: [number, number]
            ) ?? 0
        }
        guard total.calls > 0 else { return total }
        try write { db in
            // The index keeps deleted words until its parts are merged.
            try db.execute(sql: "INSERT INTO turns_fts(turns_fts) VALUES ('optimize')")
        }
        try truncateLog()
        return total
    }

    /// Deletes what is kept of one call that is over: all its entries. Blocks; not on a loop.
    public func deleteCall(_ callSID: String) throws -> Deletion {
        try write { db in
            try Self.delete(
                db,
                sql: "call_sid = ? AND ended_at IS NOT NULL",
                [callSID.stored],
                limit: limits.deletedAtOnce
            )
        }
    }

    /// Deletes in transactions of `StoreLimits.deletedAtOnce`, and tells of each.
    private func deleteAll(
        where condition: String,
        _ values: [any DatabaseValueConvertible & Sendable],
        each: (Deletion) -> Void
    ) throws {
        while true {
            let batch = try write { db in
                try Self.delete(db, sql: condition, values, limit: limits.deletedAtOnce)
            }
            if batch.calls == 0 { return }
            each(batch)
        }
    }

    private static func delete(
        _ db: Database,
        sql condition: String,
        _ values: [any DatabaseValueConvertible],
        limit: Int
    ) throws -> Deletion {
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT id, recording_file FROM calls WHERE \(condition) LIMIT ?"),
            arguments: StatementArguments(values) + [limit]
        )
        for row in rows {
            let id: Int64 = row["id"]
            let first = id * Schema.turnsPerCall
            try db.cachedStatement(sql: "DELETE FROM turns WHERE id > ? AND id < ?")
                .execute(arguments: [first, first + Schema.turnsPerCall])
            for table in Schema.parts {
                try db.cachedStatement(sql: "DELETE FROM \(table) WHERE call_id = ?").execute(arguments: [id])
            }
            try db.cachedStatement(sql: "DELETE FROM calls WHERE id = ?").execute(arguments: [id])
        }
        return Deletion(calls: rows.count, recordings: rows.compactMap { $0["recording_file"] })
    }
}
