import GRDB
public import RealtimeProtocol

/// One call as it is stored.
public struct StoredCall: Sendable, Hashable {
    /// The end reason of a call that was cut off with the server that led it.
    public static let interrupted = "interrupted"

    /// The id in the store; grows with each call.
    public let id: Int64
    /// The carrier's id. A call whose stream is opened again has several entries.
    public let callSID: String
    /// Milliseconds since 1970.
    public let startedAt: Int64
    /// Milliseconds since 1970; nil while it is in progress.
    public let endedAt: Int64?
    /// An `EndReason`'s raw value, or `interrupted`.
    public let endReason: String?
    /// The name of its recording's file.
    public let recordingFile: String?
    /// All columns by their names; `parameters` and `counters` are objects.
    public let fields: JSONObject

    init(_ row: Row) {
        id = row["id"]
        callSID = row["call_sid"]
        startedAt = row["started_at"]
        endedAt = row["ended_at"]
        endReason = row["end_reason"]
        recordingFile = row["recording_file"]
        fields = JSONObject(row)
    }
}

/// One call with everything that is stored of it. Rows are objects by column; times are milliseconds since 1970.
public struct CallDetail: Sendable, Hashable {
    /// The call itself.
    public let call: StoredCall
    /// Who said what, in order: `who` is `caller`, `agent`, `keys` or `operator`. An answer's `speech_ended_at`,
    /// `response_created_at`, `first_delta_at` and `first_sent_at` are its latency waterfall.
    public let turns: [JSONObject]
    /// Functions that the model called.
    public let toolRuns: [JSONObject]
    /// Interruptions of the agent, and those that were suppressed.
    public let bargeIns: [JSONObject]
    /// Lost model connections, and moves to a new session.
    public let reconnects: [JSONObject]
    /// What was not as it should be.
    public let warnings: [JSONObject]
    /// Tokens and money of each response and transcription.
    public let usage: [JSONObject]
    /// What people did to the call.
    public let actions: [JSONObject]

    /// The call's fields, and the lists as `turns`, `tool_runs` and so on.
    public var json: JSONObject {
        var object = call.fields
        let lists = [
            ("turns", turns), ("tool_runs", toolRuns), ("barge_ins", bargeIns), ("reconnects", reconnects),
            ("warnings", warnings), ("usage", usage), ("actions", actions),
        ]
        for (name, rows) in lists { object.append(name, .array(rows.map { .object($0) })) }
        return object
    }
}

extension CallDetail {
    /// Reads one call; nil when there is none.
    init?(_ db: Database, id: Int64) throws {
        guard
            let row = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT * FROM calls WHERE id = ?"),
                arguments: [id]
            )
        else { return nil }
        func rows(_ table: String) throws -> [JSONObject] {
            let statement = try db.cachedStatement(sql: "SELECT * FROM \(table) WHERE call_id = ? ORDER BY id")
            return try Row.fetchAll(statement, arguments: [id]).map { JSONObject($0, without: "call_id") }
        }
        call = StoredCall(row)
        let first = id * Schema.turnsPerCall
        turns = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT * FROM turns WHERE id > ? AND id < ? ORDER BY id"),
            arguments: [first, first + Schema.turnsPerCall]
        ).map { JSONObject($0, without: "call_id") }
        toolRuns = try rows("tool_runs")
        bargeIns = try rows("barge_ins")
        reconnects = try rows("reconnects")
        warnings = try rows("warnings")
        usage = try rows("usage")
        actions = try rows("actions")
    }
}

extension JSONObject {
    /// The columns of a row by their names.
    init(_ row: Row, without left: String = "") {
        self.init()
        for (name, value) in row where name != left {
            switch value.storage {
            case .null: append(name, .null)
            case .int64(let number): append(name, name == "interrupted" ? .bool(number != 0) : .integer(number))
            case .double(let number): append(name, .number(number))
            case .string(let text) where name == "parameters" || name == "counters":
                append(name, (try? JSONValue(parsing: text)) ?? .null)
            case .string(let text): append(name, .string(text))
            case .blob: continue
            }
        }
    }
}
