import CallBridge
import CallPolicy
import Foundation
import GRDB
import RealtimeProtocol
import TestSupport
import Testing

@testable import CallRecords

/// What must go, goes wholly.
@Suite(.timeLimit(.minutes(5))) struct DeletionTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func retentionGoesByTheEndInBoundedSteps() throws {
        var limits = StoreLimits()
        limits.deletedAtOnce = 10
        let store = try CallStore.open(path: folder.file("calls.db"), limits: limits)
        try HistoryTests.fill(store, calls: 100)
        try store.write { db in
            try db.execute(sql: "UPDATE calls SET recording_file = call_sid || '.wav' WHERE id % 2 = 0")
            try db.execute(sql: "UPDATE calls SET ended_at = NULL WHERE id = 3")
        }
        var steps: [[String]] = []
        // Call i ends at 1000 i + 60000.
        let count = try store.deleteOlder(than: 85_000) { steps.append($0) }
        #expect(count == 23 && steps.count == 3)
        #expect(Set(steps.joined()) == Set(stride(from: 2, to: 25, by: 2).map { "CA\($0).wav" }))
        #expect(try store.count("calls") == 77)
        #expect(try store.count("turns") == 77 * 6)
        #expect(try store.call(sid: "CA25") != nil)
        #expect(try store.call(sid: "CA3") != nil)
    }

    /// What somebody did to a call that no record has goes with its age, in bounded steps.
    @Test func actionsWithoutACallGrowOld() throws {
        var limits = StoreLimits()
        limits.deletedAtOnce = 3
        let store = try CallStore.open(path: folder.file("calls.db"), limits: limits)
        try HistoryTests.fill(store, calls: 1)
        try store.write { db in
            let sql = "INSERT INTO actions (call_id, call_sid, at, who, what, detail) VALUES (?, 'x', ?, 'w', 'w', '')"
            for at in 0..<10 { try db.execute(sql: sql, arguments: [nil, at * 1_000]) }
            try db.execute(sql: sql, arguments: [1, 0])
        }
        #expect(try store.deleteOlder(than: 8_000) { _ in } == 0)
        #expect(try store.count("actions") == 3, "two are young, one is a call's")
    }

    @Test func aCallersWordsAreNowhereInTheFile() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store, queuesEnds: true)
        var theirs = CallScript("theirs")
        theirs.from = "+15550001"
        let other = CallScript("other")
        var called = CallScript("called")
        (called.from, called.to) = ("+4930555", "+15550001")
        var live = CallScript("live")
        live.from = theirs.from
        for script in [theirs, called] {
            writer.note(script.started)
            if script.sid == "called" { writer.note(CallLabels(direction: "outbound-api"), of: script.sid) }
            writer.note([
                script.said("xylophonesecret"), script.event(.warning(.limit, detail: "xylophonesecret")),
                script.event(
                    .toolFinished(callID: "t", name: "n", .succeeded, output: "xylophonesecret", milliseconds: 1)
                ),
                script.ended(),
            ])
        }
        writer.note(OperatorAction(callSID: "theirs", who: "ann", what: "say", detail: "xylophonesecret"))
        writer.note(RecordingNote(callSID: "theirs", file: "theirs.wav", bytes: 1, milliseconds: 1))
        writer.note(other.short)
        writer.note(live.started)
        #expect(writer.flush())
        func traces() throws -> Bool {
            for name in folder.names {
                let data = try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
                // The index keeps words without their common beginnings.
                if data.range(of: Data("xylophonesecret".utf8)) != nil { return true }
                if data.range(of: Data("15550001".utf8)) != nil { return name != "" }
            }
            return false
        }
        #expect(try traces())
        let deletion = try store.deleteCaller("+15550001")
        #expect(deletion == Deletion(calls: 2, recordings: ["theirs.wav"], inProgress: 1))
        #expect(try store.history().calls.map(\.callSID).sorted() == ["live", "other"])
        writer.note(live.ended())
        #expect(writer.flush())
        #expect(try store.deleteCaller("+15550001").calls == 1)
        #expect(try !traces())
        for table in ["turns", "outbox"] { #expect(try store.count(table) == (table == "turns" ? 2 : 1)) }
        for table in ["tool_runs", "warnings", "actions"] { #expect(try store.count(table) == 0) }
        var query = HistoryQuery()
        query.text = "xylophonesecret"
        #expect(try store.history(query).calls.isEmpty)
        #expect(try store.integrity() == "ok")
        try store.write { db in
            try db.execute(sql: "INSERT INTO turns_fts(turns_fts) VALUES ('integrity-check')")
        }
    }
}
