import CallBridge
import CallPolicy
import GRDB
import RealtimeProtocol
import Trunk

/// Writes the entries of one transaction.
final class BatchWriting {
    let db: Database
    let live: LiveCalls
    let queuesEnds: Bool
    let limits: StoreLimits
    /// The calls as this batch leaves them; nil is a call that has ended.
    private(set) var changes: [String: LiveCall?] = [:]
    /// Entries of calls that are not known.
    private(set) var orphans = 0
    /// Turns for which there was no place in their call.
    private(set) var turnsDropped = 0
    /// Whether something was put into the outbox.
    private(set) var dropsOutbox = false
    /// Microseconds from the engines' clock to 1970.
    private let offset = UnixTime.milliseconds * 1_000 - MonotonicClock.microseconds

    init(db: Database, live: LiveCalls, queuesEnds: Bool, limits: StoreLimits) {
        self.db = db
        self.live = live
        self.queuesEnds = queuesEnds
        self.limits = limits
    }

    func write(_ entry: RecordEntry) throws {
        switch entry {
        case .record(let record): try write(record)
        case .labels(let callSID, let labels):
            try change(callSID) { call, _ in
                call.labels.fill(from: labels)
                try writeLabels(call)
            }
        case .action(let at, let action): try write(action, at: at)
        case .recording(let note): try write(note)
        }
    }

    /// Notes until when the calls of this batch were known to be alive.
    func finish() throws {
        for case let (_, call?) in changes where call.row != nil {
            try run("UPDATE calls SET last_at = max(last_at, ?) WHERE id = ?", call.lastAt, call.row)
        }
    }

    private func write(_ record: CallRecord) throws {
        let at = (record.at + offset) / 1_000
        if case .event(.started(let start)) = record.kind {
            var call = LiveCall(callSID: record.callSID, start: start, startedAt: at, lastAt: at)
            call.labels = CallLabels(start)
            try enter(&call)
            return changes[record.callSID] = .some(call)
        }
        if case .ended(let reason, let initiator, let stats) = record.kind {
            try change(record.callSID, at: at) { call, row in
                try end(call, row, at: at, reason.rawValue, initiator.rawValue, stats)
            }
            guard known(record.callSID) != nil else { return }
            return changes[record.callSID] = .some(nil)
        }
        try change(record.callSID, at: at) { call, row in
            switch record.kind {
            case .playback(let event): try write(event, of: &call, row, at: at)
            case .event(let event): try write(event, of: &call, row, at: at)
            case .ended, .planned: break
            }
        }
    }

    // MARK: Calls

    private func known(_ callSID: String) -> LiveCall? { changes[callSID] ?? live[callSID] }

    /// Changes a call in progress, which gets a row if it has none (any more).
    private func change(
        _ callSID: String,
        at moment: Int64? = nil,
        _ body: (inout LiveCall, Int64) throws -> Void
    ) throws {
        guard var call = known(callSID) else { return orphans += 1 }
        if call.row == nil { try enter(&call) }
        if let moment { call.lastAt = max(call.lastAt, moment) }
        guard let row = call.row else { return }
        try body(&call, row)
        changes[callSID] = .some(call)
    }

    private func enter(_ call: inout LiveCall) throws {
        let parameters = JSONObject(
            call.start.parameters.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }
        )
        call.row = try insert(
            "calls",
            [
                "call_sid": call.callSID, "stream_sid": call.start.streamID, "account_sid": call.start.accountID,
                "direction": call.labels.direction ?? "inbound", "caller": call.labels.caller,
                "called": call.labels.called, "parameters": JSONValue.object(parameters).text,
                "started_at": call.startedAt, "last_at": call.lastAt, "model": call.labels.model,
                "voice": call.labels.voice, "rule": call.labels.rule,
            ]
        )
    }

    private func writeLabels(_ call: LiveCall) throws {
        let labels = call.labels
        try run(
            """
            UPDATE calls SET direction = coalesce(?, direction), caller = coalesce(?, caller),
                called = coalesce(?, called), model = coalesce(?, model), voice = coalesce(?, voice),
                rule = coalesce(?, rule)
            WHERE id = ?
            """,
            labels.direction?.stored,
            labels.caller?.stored,
            labels.called?.stored,
            labels.model?.stored,
            labels.voice?.stored,
            labels.rule?.stored,
            call.row
        )
    }

    private func end(
        _ call: LiveCall,
        _ row: Int64,
        at moment: Int64,
        _ reason: String,
        _ initiator: String,
        _ stats: CallStats
    ) throws {
        try run(
            """
            UPDATE calls SET ended_at = ?, last_at = ?, duration_ms = ?, end_reason = ?, end_initiator = ?,
                counters = json_patch(counters, ?)
            WHERE id = ?
            """,
            moment,
            moment,
            max(0, moment - call.startedAt),
            reason,
            initiator,
            JSONValue.object(["audio": .object(JSONObject(countersOf: stats))]).text,
            row
        )
        try Latency.sumUp(db, call: row)
        guard queuesEnds else { return }
        try Outbox.put(db, call: row, at: moment)
        dropsOutbox = true
    }

    // MARK: What is not of the call itself

    private func write(_ action: OperatorAction, at moment: Int64) throws {
        let row = try known(action.callSID)?.row ?? rowOfLast(action.callSID)
        try insert(
            "actions",
            [
                "call_id": row, "call_sid": action.callSID, "at": moment, "who": action.who, "what": action.what,
                "detail": action.detail,
            ]
        )
        guard let said = action.said, known(action.callSID) != nil else { return }
        try change(action.callSID) { call, row in
            try addTurn("operator", to: &call, row, ["text": said, "began_at": moment, "ended_at": moment])
        }
    }

    private func write(_ note: RecordingNote) throws {
        guard let row = try known(note.callSID)?.row ?? rowOfLast(note.callSID) else { return orphans += 1 }
        try run(
            """
            UPDATE calls SET recording_file = ?, recording_bytes = ?, recording_ms = ?, recording_dropped = ?,
                recording_disk_errors = ?
            WHERE id = ?
            """,
            note.file.stored,
            note.bytes,
            note.milliseconds,
            note.dropped,
            note.diskErrors,
            row
        )
    }

    private func rowOfLast(_ callSID: String) throws -> Int64? {
        if callSID.isEmpty { return nil }
        return try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT max(id) FROM calls WHERE call_sid = ?"),
            arguments: [callSID.stored]
        )
    }

    // MARK: Statements

    func run(_ sql: String, _ values: (any DatabaseValueConvertible)?...) throws {
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(values))
    }

    @discardableResult
    func insert(_ table: String, _ row: KeyValuePairs<String, (any DatabaseValueConvertible)?>) throws -> Int64 {
        let names = row.map(\.key).joined(separator: ", ")
        let marks = row.map { _ in "?" }.joined(separator: ", ")
        let values = row.map { ($0.value as? String)?.stored ?? $0.value }
        try db.cachedStatement(sql: "INSERT INTO \(table) (\(names)) VALUES (\(marks))")
            .execute(arguments: StatementArguments(values))
        return db.lastInsertedRowID
    }

    /// Adds a turn; nil when the call has too many, which is counted.
    @discardableResult
    func addTurn(
        _ who: String,
        to call: inout LiveCall,
        _ row: Int64,
        item itemID: String? = nil,
        _ fields: KeyValuePairs<String, (any DatabaseValueConvertible)?>
    ) throws -> Int64? {
        guard call.turns < min(Int64(limits.turns), Schema.turnsPerCall - 1) else {
            turnsDropped += 1
            return nil
        }
        call.turns += 1
        let id = row * Schema.turnsPerCall + call.turns
        let names = fields.map { ", " + $0.key }.joined()
        let marks = fields.map { _ in ", ?" }.joined()
        let values: [(any DatabaseValueConvertible)?] =
            [id, row, who, itemID?.stored] + fields.map { ($0.value as? String)?.stored ?? $0.value }
        try db.cachedStatement(
            sql: "INSERT INTO turns (id, call_id, who, item_id\(names)) VALUES (?, ?, ?, ?\(marks))"
        ).execute(arguments: StatementArguments(values))
        if let itemID { call.remember(itemID, id) }
        return id
    }
}

extension String {
    /// The text as it may be stored: without NUL, at which readers of C strings would stop.
    var stored: String { utf8.contains(0) ? String(unicodeScalars.filter { $0 != "\0" }) : self }
}

extension CallLabels {
    /// What the stream's parameters say.
    init(_ start: CarrierStart) {
        self.init(
            direction: start.parameters["direction"],
            caller: start.parameters["from"],
            called: start.parameters["to"]
        )
    }

    mutating func fill(from other: CallLabels) {
        direction = other.direction ?? direction
        caller = other.caller ?? caller
        called = other.called ?? called
        model = other.model ?? model
        voice = other.voice ?? voice
        rule = other.rule ?? rule
    }
}
