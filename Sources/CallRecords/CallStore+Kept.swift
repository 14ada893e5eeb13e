import GRDB

/// Something that an operator asked the server to keep, such as a configuration.
public struct KeptValue: Sendable, Hashable {
    /// The value.
    public let value: String
    /// Milliseconds since 1970.
    public let at: Int64
    /// Who it is from.
    public let who: String
}

extension CallStore {
    /// What is kept under a name; nil when there is nothing. Blocks; not on a loop.
    public func kept(_ name: String) throws -> KeptValue? {
        try read { db in
            try Row.fetchOne(db, sql: "SELECT value, at, who FROM kept WHERE name = ?", arguments: [name]).map { row in
                KeptValue(value: row["value"], at: row["at"], who: row["who"])
            }
        }
    }

    /// Keeps a value under a name; nil forgets it. Blocks; not on a loop.
    public func keep(_ value: String?, as name: String, who: String, now: Int64) throws {
        try write { db in
            guard let value else { return try db.execute(sql: "DELETE FROM kept WHERE name = ?", arguments: [name]) }
            try db.execute(
                sql: "INSERT OR REPLACE INTO kept (name, value, at, who) VALUES (?, ?, ?, ?)",
                arguments: [name, value.stored, now, who.stored]
            )
        }
    }
}
