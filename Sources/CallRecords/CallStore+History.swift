import GRDB

extension CallStore {
    /// One page of calls, the newest first. Blocks; not on a loop.
    ///
    /// - Throws: `HistoryQueryError` for a cursor that is none, else what SQLite says.
    public func history(_ query: HistoryQuery = HistoryQuery()) throws -> HistoryPage {
        let limit = max(1, min(query.limit, limits.pageCalls))
        let statements = try HistoryStatements(query)
        let found = try read { db in try Self.find(db, statements, limit: limit + 1) }
        let calls = Array(found.prefix(limit))
        let next = found.count > limit ? calls.last.map { "\($0.startedAt).\($0.id)" } : nil
        return HistoryPage(calls: calls, next: next)
    }

    /// How many calls a query finds, wherever its page begins; counting ends at `StoreLimits.countedCalls`, and costs no
    /// more than a page that nothing fits. Blocks; not on a loop.
    ///
    /// - Throws: What SQLite says.
    public func count(_ query: HistoryQuery = HistoryQuery()) throws -> Int {
        var query = query
        query.cursor = nil
        let statements = try HistoryStatements(query)
        let most = limits.countedCalls
        return try read { db in
            func count(_ statement: HistoryStatements.Statement) throws -> Int {
                try Int.fetchOne(db.cachedStatement(sql: statement.sql), arguments: statement.arguments) ?? 0
            }
            guard let candidates = statements.candidates else { return try count(statements.counted(atMost: most)) }
            var found = 0
            try Self.walk(db, candidates) { ids in
                found += try count(statements.counted(ids))
                return found < most
            }
            return min(found, most)
        }
    }

    private static func find(_ db: Database, _ statements: HistoryStatements, limit: Int) throws -> [StoredCall] {
        func calls(_ statement: HistoryStatements.Statement) throws -> [StoredCall] {
            try Row.fetchAll(db.cachedStatement(sql: statement.sql), arguments: statement.arguments).map(
                StoredCall.init
            )
        }
        guard let candidates = statements.candidates else { return try calls(statements.page(limit: limit)) }
        var found: [StoredCall] = []
        try walk(db, candidates) { ids in
            found += try calls(statements.chosen(ids, limit: limit - found.count))
            return found.count < limit
        }
        return found
    }

    /// Gives the ids of candidates, each once, some at a time, for as long as more are wanted.
    private static func walk(
        _ db: Database,
        _ candidates: HistoryStatements.Statement,
        _ wantsMore: ([Int64]) throws -> Bool
    ) throws {
        let places = try Int64.fetchCursor(db, sql: candidates.sql, arguments: candidates.arguments)
        var ids: [Int64] = []
        var last: Int64?
        // Few at first, more when most of them do not fit.
        var step = stepMin
        while true {
            let id = try places.next().map { $0 / Schema.turnsPerCall }
            // Several turns of one call stand together.
            if let id, id != last { ids.append(id) }
            last = id
            guard id == nil || ids.count == step else { continue }
            guard try wantsMore(ids), id != nil else { return }
            ids.removeAll(keepingCapacity: true)
            step = min(step * 4, stepMax)
        }
    }

    /// Candidates that are looked at in one statement.
    private static let stepMin = 64
    private static let stepMax = 4_096

    /// Everything about one call. Blocks; not on a loop.
    public func call(_ id: Int64) throws -> CallDetail? { try read { db in try CallDetail(db, id: id) } }

    /// Everything about the last call with this id of the carrier. Blocks; not on a loop.
    public func call(sid: String) throws -> CallDetail? {
        try read { db in
            guard let id = try Self.lastID(db, sid) else { return nil }
            return try CallDetail(db, id: id)
        }
    }

    /// What calls have cost since a moment, in millionths of a dollar. Blocks; not on a loop.
    ///
    /// - Parameter moment: Milliseconds since 1970; calls that began more than a day before are passed over.
    public func cost(since moment: Int64) throws -> Int64 {
        try read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT coalesce(sum(usage.cost_microdollars), 0) FROM calls JOIN usage ON usage.call_id = calls.id
                    WHERE calls.started_at >= ? AND usage.at >= ?
                    """,
                arguments: [moment - Self.dayMilliseconds, moment]
            ) ?? 0
        }
    }

    private static let dayMilliseconds: Int64 = 86_400_000

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
