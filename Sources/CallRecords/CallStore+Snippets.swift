import GRDB

extension CallStore {
    /// Begins and ends the words that were found, in a snippet.
    public static let snippetMarks = ("\u{2}", "\u{3}")

    /// Of each call the first place at which words were found, with some words around it. Blocks; not on a loop.
    ///
    /// - Parameters:
    ///   - ids: Ids of calls, at most `StoreLimits.pageCalls`.
    ///   - text: The words, as in `HistoryQuery.text`.
    public func snippets(of ids: [Int64], text: String) throws -> [Int64: String] {
        guard let words = HistoryStatements.match(text) else { return [:] }
        return try read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT snippet(turns_fts, 0, char(2), char(3), '…', 16) FROM turns_fts
                    WHERE turns_fts MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid LIMIT 1
                    """
            )
            var found: [Int64: String] = [:]
            for id in ids.prefix(limits.pageCalls) {
                let first = id * Schema.turnsPerCall
                found[id] = try String.fetchOne(statement, arguments: [words, first, first + Schema.turnsPerCall])
            }
            return found
        }
    }

    /// Calls that are kept. Blocks; not on a loop.
    public func count() throws -> Int {
        try read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM calls") ?? 0 }
    }
}
