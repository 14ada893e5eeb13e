import GRDB
import RealtimeProtocol

/// Something that waits to be sent to the operator's server.
public struct OutboxItem: Sendable, Hashable {
    /// The id, for `delivered` and `failed`; send it along, since a delivery may happen twice.
    public let id: Int64
    /// The call.
    public let callSID: String
    /// What to send, JSON: `{"type":"call.ended","call":{...}}` with the call as in `CallDetail.json`.
    public let payload: String
    /// Milliseconds since 1970.
    public let createdAt: Int64
    /// Attempts that failed.
    public let attempts: Int
}

/// How many rows the outbox has.
public struct OutboxCounts: Sendable, Hashable {
    /// To be sent.
    public var pending = 0
    /// Delivered.
    public var delivered = 0
    /// Given up.
    public var failed = 0
}

extension CallStore {
    /// What is to be sent by now (milliseconds since 1970), the longest due first.
    public func due(now: Int64, limit: Int) throws -> [OutboxItem] {
        try read { db in
            let sql = """
                SELECT * FROM outbox WHERE state = 'pending' AND next_at <= ? ORDER BY next_at, id LIMIT ?
                """
            return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: [now, limit]).map { row in
                OutboxItem(
                    id: row["id"],
                    callSID: row["call_sid"],
                    payload: row["payload"],
                    createdAt: row["created_at"],
                    attempts: row["attempts"]
                )
            }
        }
    }

    /// It was taken: its payload is forgotten.
    public func delivered(_ id: Int64) throws {
        try write { db in
            try db.execute(sql: "UPDATE outbox SET state = 'delivered', payload = '' WHERE id = ?", arguments: [id])
        }
    }

    /// An attempt failed; the next is due then (milliseconds since 1970), or never.
    public func failed(_ id: Int64, nextAt: Int64?) throws {
        try write { db in
            try db.execute(
                sql: """
                    UPDATE outbox SET attempts = attempts + 1, next_at = coalesce(?, next_at), state = ? WHERE id = ?
                    """,
                arguments: [nextAt, nextAt == nil ? "failed" : "pending", id]
            )
        }
    }

    /// How many there are.
    public func outboxCounts() throws -> OutboxCounts {
        try read { db in
            var counts = OutboxCounts()
            for row in try Row.fetchAll(db, sql: "SELECT state, count(*) AS count FROM outbox GROUP BY state") {
                switch row["state"] as String {
                case "pending": counts.pending = row["count"]
                case "delivered": counts.delivered = row["count"]
                default: counts.failed = row["count"]
                }
            }
            return counts
        }
    }
}

enum Outbox {
    static func put(_ db: Database, call id: Int64, at moment: Int64) throws {
        guard let detail = try CallDetail(db, id: id) else { return }
        let payload = JSONValue.object(["type": "call.ended", "call": .object(detail.json)])
        try db.cachedStatement(
            sql: """
                INSERT INTO outbox (call_id, call_sid, payload, created_at, next_at, state)
                VALUES (?, ?, ?, ?, ?, 'pending')
                """
        ).execute(arguments: [id, detail.call.callSID, payload.text, moment, moment])
    }

    /// Keeps the outbox within its bound; returns how many were dropped undelivered.
    static func trim(_ db: Database, to limit: Int) throws -> Int {
        let excess = (try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox") ?? 0) - limit
        guard excess > 0 else { return 0 }
        try db.execute(
            sql: "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 'delivered' ORDER BY id LIMIT ?)",
            arguments: [excess]
        )
        let left = excess - db.changesCount
        guard left > 0 else { return 0 }
        try db.execute(
            sql: "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT ?)",
            arguments: [left]
        )
        return db.changesCount
    }
}
