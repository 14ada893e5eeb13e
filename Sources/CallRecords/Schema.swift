import GRDB

/// The tables of the call records. Times are milliseconds since 1970, durations milliseconds, texts UTF-8 without NUL.
enum Schema {
    /// `PRAGMA application_id` of our files: "TrkR".
    static let applicationID = 0x5472_6B52
    /// A turn's id is its call's id times this, plus its number in the call: a match of the full-text index names its
    /// call without another look-up, and the turns of a call stand together.
    static let turnsPerCall: Int64 = 1 << 16

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: calls)
            try db.execute(sql: partsOfCalls)
            try db.execute(sql: fullText)
            try db.execute(sql: outbox)
        }
        migrator.registerMigration("2") { db in
            try db.execute(
                sql: """
                    CREATE TABLE kept (
                        name TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL
                    )
                    """
            )
        }
        migrator.registerMigration("3") { db in
            for column in ["recording_dropped", "recording_disk_errors"] {
                try db.execute(sql: "ALTER TABLE calls ADD COLUMN \(column) INTEGER")
            }
        }
        return migrator
    }

    /// Tables whose rows belong to one call by `call_id`, turns apart.
    static let parts = ["tool_runs", "barge_ins", "reconnects", "warnings", "usage", "actions", "outbox"]

    private static let calls = """
        CREATE TABLE calls (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            call_sid TEXT NOT NULL, stream_sid TEXT NOT NULL, account_sid TEXT NOT NULL DEFAULT '',
            direction TEXT NOT NULL, caller TEXT, called TEXT, parameters TEXT NOT NULL DEFAULT '{}',
            started_at INTEGER NOT NULL, ended_at INTEGER, last_at INTEGER NOT NULL, duration_ms INTEGER,
            end_reason TEXT, end_initiator TEXT, end_detail TEXT,
            model TEXT, voice TEXT, rule TEXT,
            caller_turns INTEGER NOT NULL DEFAULT 0, agent_turns INTEGER NOT NULL DEFAULT 0,
            responses INTEGER NOT NULL DEFAULT 0,
            text_input INTEGER NOT NULL DEFAULT 0, text_cached INTEGER NOT NULL DEFAULT 0,
            text_output INTEGER NOT NULL DEFAULT 0,
            audio_input INTEGER NOT NULL DEFAULT 0, audio_cached INTEGER NOT NULL DEFAULT 0,
            audio_output INTEGER NOT NULL DEFAULT 0,
            transcription_ms INTEGER NOT NULL DEFAULT 0, transcription_tokens INTEGER NOT NULL DEFAULT 0,
            unpriced INTEGER NOT NULL DEFAULT 0, cost_microdollars INTEGER NOT NULL DEFAULT 0,
            counters TEXT NOT NULL DEFAULT '{}', latency_p50_ms INTEGER, latency_max_ms INTEGER,
            recording_file TEXT, recording_bytes INTEGER, recording_ms INTEGER
        );
        CREATE INDEX calls_started ON calls(started_at, id);
        CREATE INDEX calls_sid ON calls(call_sid);
        CREATE INDEX calls_caller ON calls(caller);
        CREATE INDEX calls_called ON calls(called);
        CREATE INDEX calls_reason ON calls(end_reason, started_at, id);
        CREATE INDEX calls_open ON calls(id) WHERE ended_at IS NULL;
        """

    private static let partsOfCalls = """
        CREATE TABLE turns (
            id INTEGER PRIMARY KEY, call_id INTEGER NOT NULL, who TEXT NOT NULL, item_id TEXT,
            text TEXT NOT NULL DEFAULT '', heard TEXT, unheard TEXT, heard_ms INTEGER,
            interrupted INTEGER NOT NULL DEFAULT 0, began_at INTEGER, ended_at INTEGER,
            speech_ended_at INTEGER, committed_at INTEGER, response_created_at INTEGER, first_delta_at INTEGER,
            first_sent_at INTEGER, first_heard_at INTEGER
        );
        CREATE TABLE tool_runs (
            id INTEGER PRIMARY KEY, call_id INTEGER NOT NULL, tool_call_id TEXT NOT NULL, name TEXT NOT NULL,
            arguments TEXT, outcome TEXT, output TEXT, began_at INTEGER NOT NULL, duration_ms INTEGER
        );
        CREATE INDEX tool_runs_call ON tool_runs(call_id, name);
        CREATE TABLE barge_ins (
            id INTEGER PRIMARY KEY, call_id INTEGER NOT NULL, at INTEGER NOT NULL, cause TEXT NOT NULL, item_id TEXT,
            response_id TEXT, heard_ms INTEGER, dropped_ms INTEGER, talk_over_ms INTEGER
        );
        CREATE INDEX barge_ins_call ON barge_ins(call_id);
        CREATE TABLE reconnects (
            id INTEGER PRIMARY KEY, call_id INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
            reason TEXT NOT NULL, outage_ms INTEGER, restored_items INTEGER
        );
        CREATE INDEX reconnects_call ON reconnects(call_id);
        CREATE TABLE warnings (
            id INTEGER PRIMARY KEY, call_id INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
            detail TEXT NOT NULL
        );
        CREATE INDEX warnings_call ON warnings(call_id);
        CREATE TABLE usage (
            id INTEGER PRIMARY KEY, call_id INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
            response_id TEXT, text_input INTEGER NOT NULL, text_cached INTEGER NOT NULL,
            text_output INTEGER NOT NULL, audio_input INTEGER NOT NULL, audio_cached INTEGER NOT NULL,
            audio_output INTEGER NOT NULL, transcription_ms INTEGER, cost_microdollars INTEGER NOT NULL
        );
        CREATE INDEX usage_call ON usage(call_id);
        CREATE TABLE actions (
            id INTEGER PRIMARY KEY, call_id INTEGER, call_sid TEXT NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL,
            what TEXT NOT NULL, detail TEXT NOT NULL
        );
        CREATE INDEX actions_call ON actions(call_id);
        """

    private static let fullText = """
        CREATE VIRTUAL TABLE turns_fts USING fts5(
            text, content='turns', content_rowid='id', tokenize="unicode61 remove_diacritics 2"
        );
        CREATE TRIGGER turns_fts_insert AFTER INSERT ON turns BEGIN
            INSERT INTO turns_fts(rowid, text) VALUES (new.id, new.text);
        END;
        CREATE TRIGGER turns_fts_delete AFTER DELETE ON turns BEGIN
            INSERT INTO turns_fts(turns_fts, rowid, text) VALUES ('delete', old.id, old.text);
        END;
        CREATE TRIGGER turns_fts_update AFTER UPDATE OF text ON turns BEGIN
            INSERT INTO turns_fts(turns_fts, rowid, text) VALUES ('delete', old.id, old.text);
            INSERT INTO turns_fts(rowid, text) VALUES (new.id, new.text);
        END;
        """

    private static let outbox = """
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT, call_id INTEGER NOT NULL, call_sid TEXT NOT NULL,
            payload TEXT NOT NULL, created_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
            next_at INTEGER NOT NULL, state TEXT NOT NULL
        );
        CREATE INDEX outbox_due ON outbox(state, next_at, id);
        CREATE INDEX outbox_call ON outbox(call_id);
        """
}
