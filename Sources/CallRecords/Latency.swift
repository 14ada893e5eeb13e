import GRDB

enum Latency {
    /// Writes the median and the maximum of a call's answers, from the end of speech to the first frame sent.
    static func sumUp(_ db: Database, call: Int64) throws {
        let first = call * Schema.turnsPerCall
        let times = try Int64.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT first_sent_at - speech_ended_at AS latency FROM turns
                    WHERE id > ? AND id < ? AND latency IS NOT NULL ORDER BY latency
                    """
            ),
            arguments: [first, first + Schema.turnsPerCall]
        )
        guard let longest = times.last else { return }
        try db.cachedStatement(sql: "UPDATE calls SET latency_p50_ms = ?, latency_max_ms = ? WHERE id = ?")
            .execute(arguments: [times[(times.count - 1) / 2], longest, call])
    }
}
