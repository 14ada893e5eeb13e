import CallBridge
import CallPolicy
import Foundation
import GRDB
import RealtimeProtocol
import TestSupport
import Testing

@testable import CallRecords

/// A server that is killed in the middle of its calls.
@Suite(.timeLimit(.minutes(5))) struct CrashTests {
    @Test func killedCallsEndAsInterrupted() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("calls.db")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let store = try CallStore.open(path: path)
            let writer = RecordWriter(store)
            let scripts = (0..<100).map { CallScript("CA\($0)") }
            for script in scripts { writer.note(script.started) }
            _ = writer.flush()
            for script in scripts.prefix(10) { writer.note(script.ended()) }
            _ = writer.flush()
            // Killed while the writer is writing.
            for turn in 0..<1_000 {
                for script in scripts.dropFirst(10) {
                    writer.note(script.said("words of turn \(turn)", item: "u\(turn)", at: turn))
                }
                if try store.count("turns") > 2_000 { kill(getpid(), SIGKILL) }
            }
        }
        let store = try CallStore.open(path: path, queuesInterrupted: true)
        #expect(try store.integrity() == "ok")
        #expect(store.notes.isEmpty)
        #expect(try store.count("calls") == 100)
        #expect(try store.count("turns") > 2_000)
        let ends = try store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT end_reason, end_initiator, end_detail, count(*) AS count, min(ended_at - last_at) AS gap
                    FROM calls GROUP BY end_reason ORDER BY end_reason
                    """
            ).map { "\($0["end_reason"] as String) \($0["end_initiator"] as String) \($0["count"] as Int)" }
        }
        #expect(ends == ["caller_hung_up caller 10", "interrupted system 90"])
        let cut = try #require(try store.call(sid: "CA50"))
        #expect(cut.call.fields["end_detail"]?.stringValue == "the server ended")
        #expect(cut.call.endedAt == cut.call.fields["last_at"]?.integerValue)
        #expect(Set(store.interruptedCalls) == Set((10..<100).map { "CA\($0)" }))
        #expect(try store.outboxCounts().pending == 90)
        // The index knows what the turns say.
        try store.write { db in
            try db.execute(sql: "INSERT INTO turns_fts(turns_fts) VALUES ('integrity-check')")
        }
        // Opened again nothing is cut off any more.
        #expect(try CallStore.open(path: path).interruptedCalls.isEmpty)
    }
}
