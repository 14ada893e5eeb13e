import GRDB

extension CallStore {
    /// One page of calls, the newest first. Blocks; not on a loop.
    ///
    /// - Throws: `HistoryQueryError` for a cursor that is none, else what SQLite says.
    public func history(_ query: HistoryQuery = HistoryQuery()) throws -> HistoryPage {
        let limit = max(1, min(query.limit, limits.pageCalls))
        let statement = try HistoryStatement(query, limit: limit + 1)
        let found = try read { db in
            try Row.fetchAll(db.cachedStatement(sql: statement.sql), arguments: statement.arguments).map(
                StoredCall.init
            )
        }
        let calls = Array(found.prefix(limit))
        let next = found.count > limit ? calls.last.map { "\($0.startedAt).\($0.id)" } : nil
        return HistoryPage(calls: calls, next: next)
    }

    /// Everything about one call. Blocks; not on a loop.
    public func call(_ id: Int64) throws -> CallDetail? { try read { db in try CallDetail(db, id: id) } }

    /// Everything about the last call with this id of the carrier. Blocks; not on a loop.
    public func call(sid: String) throws -> CallDetail? {
        try read { db in
            guard let id = try Self.lastID(db, sid) else { return nil }
            return try CallDetail(db, id: id)
        }
    }

    static func lastID(_ db: Database, _ callSID: String) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT max(id) FROM calls WHERE call_sid = ?"),
            arguments: [callSID.stored]
        )
    }
}

/// A query that cannot be answered.
public struct HistoryQueryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong with it.
    public let description: String
}

/// A query in SQL.
struct HistoryStatement {
    var sql: String
    var arguments: StatementArguments

    init(_ query: HistoryQuery, limit: Int) throws {
        let (time, id) = try Self.place(query.cursor)
        var conditions = ["(started_at, id) < (?, ?)"]
        var arguments: StatementArguments = [time, id]
        func add(_ condition: String, _ values: [any DatabaseValueConvertible]) {
            conditions.append(condition)
            arguments += StatementArguments(values)
        }
        if let from = query.from { add("started_at >= ?", [from]) }
        if let to = query.to { add("started_at < ?", [to]) }
        if let reason = query.endReason { add("end_reason = ?", [reason.stored]) }
        if let duration = query.minimumDurationMilliseconds { add("duration_ms >= ?", [duration]) }
        if let number = query.number, !number.isEmpty {
            add("(instr(caller, ?) > 0 OR instr(called, ?) > 0)", [number.stored, number.stored])
        }
        if let tool = query.tool {
            add("EXISTS (SELECT 1 FROM tool_runs WHERE call_id = calls.id AND name = ?)", [tool.stored])
        }
        if let text = query.text, let match = Self.match(text) {
            let calls = "SELECT rowid / \(Schema.turnsPerCall) FROM turns_fts WHERE turns_fts MATCH ?"
            add("id IN (\(calls))", [match])
        }
        self.arguments = arguments
        sql = """
            SELECT * FROM calls WHERE \(conditions.joined(separator: " AND "))
            ORDER BY started_at DESC, id DESC LIMIT \(limit)
            """
    }

    private static func place(_ cursor: String?) throws -> (Int64, Int64) {
        guard let cursor else { return (.max, .max) }
        let parts = cursor.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let time = parts[0], let id = parts[1] else {
            throw HistoryQueryError(description: "the cursor is none that a page gave")
        }
        return (time, id)
    }

    /// Words of a person in FTS5's language: each a quoted beginning, so that nothing in them is an operator.
    private static func match(_ text: String) -> String? {
        let words = text.stored.split { $0.isWhitespace }.prefix(wordsMax)
        if words.isEmpty { return nil }
        return words.map {
            "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"*"
        }
        .joined(separator: " ")
    }

    /// Words of a query that count.
    private static let wordsMax = 16
}
