import GRDB

/// A query in SQL. Without words it walks an index of the calls. With words the full-text index names candidates, the
/// newest first, and only as many of them are looked at as fill the page: a word that is in every call costs no more
/// than a rare one.
struct HistoryStatements {
    /// One statement with its values.
    struct Statement {
        var sql: String
        var arguments: StatementArguments
    }

    /// Places in the full-text index, falling; nil when no words are asked for.
    let candidates: Statement?
    private let filter: Statement
    private let place: Statement

    init(_ query: HistoryQuery) throws {
        let (time, id) = try Self.place(query.cursor)
        place = Statement(sql: "(started_at, id) < (?, ?)", arguments: [time, id])
        filter = Self.filter(query)
        guard let text = query.text, let match = Self.match(text) else {
            candidates = nil
            return
        }
        // Before the first turn of the call where the page before ended.
        let last = id == .max ? .max : id * Schema.turnsPerCall
        candidates = Statement(
            sql: "SELECT rowid FROM turns_fts WHERE turns_fts MATCH ? AND rowid < ? ORDER BY rowid DESC",
            arguments: [match, last]
        )
    }

    /// The calls of a page.
    func page(limit: Int) -> Statement {
        Statement(
            sql: """
                SELECT * FROM calls WHERE \(place.sql)\(filter.sql)
                ORDER BY started_at DESC, id DESC LIMIT ?
                """,
            arguments: place.arguments + filter.arguments + [limit]
        )
    }

    /// Those of these calls that fit.
    func chosen(_ ids: [Int64], limit: Int) -> Statement {
        Statement(
            sql: """
                SELECT * FROM calls WHERE id IN (SELECT value FROM json_each(?))\(filter.sql)
                ORDER BY id DESC LIMIT ?
                """,
            arguments: [Self.list(ids)] + filter.arguments + [limit]
        )
    }

    /// How many calls there are, up to so many.
    func counted(atMost most: Int) -> Statement {
        Statement(
            sql: "SELECT count(*) FROM (SELECT 1 FROM calls WHERE \(place.sql)\(filter.sql) LIMIT ?)",
            arguments: place.arguments + filter.arguments + [most]
        )
    }

    /// How many of these calls fit.
    func counted(_ ids: [Int64]) -> Statement {
        Statement(
            sql: "SELECT count(*) FROM calls WHERE id IN (SELECT value FROM json_each(?))\(filter.sql)",
            arguments: [Self.list(ids)] + filter.arguments
        )
    }

    private static func list(_ ids: [Int64]) -> String { "[" + ids.map { String($0) }.joined(separator: ",") + "]" }

    private static func filter(_ query: HistoryQuery) -> Statement {
        var filter = Statement(sql: "", arguments: [])
        func add(_ condition: String, _ values: [any DatabaseValueConvertible]) {
            filter.sql += " AND " + condition
            filter.arguments += StatementArguments(values)
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
        return filter
    }

    private static func place(_ cursor: String?) throws -> (Int64, Int64) {
        guard let cursor else { return (.max, .max) }
        let parts = cursor.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let time = parts[0], let id = parts[1], (0...Self.idMax).contains(id) else {
            throw HistoryQueryError(description: "the cursor is none that a page gave")
        }
        return (time, id)
    }

    /// Words of a person in FTS5's language: each a quoted beginning, so that nothing in them is an operator.
    static func match(_ text: String) -> String? {
        let words = text.stored.split { $0.isWhitespace }.prefix(wordsMax)
        if words.isEmpty { return nil }
        return words.map { word in
            let quoted = word.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            return "\"\(quoted)\"*"
        }
        .joined(separator: " ")
    }

    /// The last id whose turns have ids.
    private static let idMax = Int64.max / Schema.turnsPerCall
    /// Words of a query that count.
    private static let wordsMax = 16
}
