import CallBridge
import Foundation
import GRDB
import RealtimeProtocol
import TestSupport
import Testing

@testable import CallPolicy
@testable import CallRecords

/// Finding calls.
@Suite(.timeLimit(.minutes(5))) struct HistoryTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func sids(_ store: CallStore, _ change: (inout HistoryQuery) -> Void) throws -> [String] {
        var query = HistoryQuery()
        change(&query)
        return try store.history(query).calls.map(\.callSID)
    }

    @Test func filters() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store)
        var one = CallScript("one")
        one.from = "+15550001"
        one.begin -= 3_600_000_000
        let two = CallScript("two")
        let three = CallScript("three")
        writer.note([
            one.started, one.said("Grüße aus Köln"), one.ended(.idle, at: 5_000), two.started,
            two.event(.toolFinished(callID: "t", name: "weather", .succeeded, output: "", milliseconds: 1)),
            two.said("the WEATHER in \"Bonn\" OR elsewhere"), two.ended(at: 90_000), three.started,
        ])
        #expect(writer.flush())
        let begun = try #require(try store.call(sid: "two")).call.startedAt
        #expect(try sids(store) { _ in } == ["three", "two", "one"])
        #expect(try sids(store) { $0.text = "gruße koln" } == ["one"])
        #expect(try sids(store) { $0.text = "weath" } == ["two"])
        #expect(try sids(store) { $0.text = "weather gruße" } == [])
        #expect(try sids(store) { $0.text = "\"bonn\" OR" } == ["two"])
        #expect(try sids(store) { $0.text = "NEAR(a b) * ^ - : {" } == [])
        #expect(try sids(store) { $0.text = "  " } == ["three", "two", "one"])
        #expect(try sids(store) { $0.number = "5550" } == ["one"])
        #expect(try sids(store) { $0.number = "%" } == [])
        #expect(try sids(store) { $0.endReason = "idle" } == ["one"])
        #expect(try sids(store) { $0.from = begun } == ["three", "two"])
        #expect(try sids(store) { $0.to = begun } == ["one"])
        #expect(try sids(store) { $0.tool = "weather" } == ["two"])
        #expect(try sids(store) { $0.tool = "weath" } == [])
        #expect(try sids(store) { $0.minimumDurationMilliseconds = 60_000 } == ["two"])
        #expect(throws: HistoryQueryError.self) { try sids(store) { $0.cursor = "1;DROP" } }
    }

    @Test func pagesMissAndRepeatNothing() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store)
        // All in the same millisecond: the id decides.
        let begin = CallScript("").begin
        func note(_ range: Range<Int>) {
            for index in range {
                var script = CallScript("CA\(index)")
                script.begin = begin
                writer.note(script.started)
            }
        }
        note(0..<95)
        #expect(writer.flush())
        var query = HistoryQuery()
        query.limit = 10
        var seen: [String] = []
        while true {
            let page = try store.history(query)
            seen += page.calls.map(\.callSID)
            // New calls come in while somebody reads.
            if seen.count == 30 {
                var later = CallScript("later")
                later.begin = begin + 5_000_000
                writer.note(later.started)
                #expect(writer.flush())
            }
            guard let next = page.next else { break }
            query.cursor = next
        }
        #expect(seen == (0..<95).reversed().map { "CA\($0)" })
    }

    /// What is counted is what all pages together have, however it is looked for.
    @Test func countsWhatAllPagesHave() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        try Self.fill(store, calls: 1_500)
        for (name, change) in Self.queries {
            var query = HistoryQuery()
            change(&query)
            let count = try store.count(query)
            query.cursor = nil
            query.limit = 200
            var found = 0
            repeat {
                let page = try store.history(query)
                found += page.calls.count
                query.cursor = page.next
            } while query.cursor != nil
            #expect(count == found, "\(name)")
        }
    }

    @Test(arguments: [nil, "weather"]) func countingEnds(text: String?) throws {
        var limits = StoreLimits()
        limits.countedCalls = 101
        let store = try CallStore.open(path: folder.file("calls.db"), limits: limits)
        try Self.fill(store, calls: 300)
        var query = HistoryQuery()
        query.text = text
        #expect(try store.count(query) == 101)
        query.endReason = "idle"
        #expect(try store.count(query) == 15)
    }

    @Test(arguments: [1, 7, 50, 64, 200]) func pagesOfWordsMissAndRepeatNothing(limit: Int) throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        try Self.fill(store, calls: 300)
        for (reason, expected) in [(nil, Array((1...300).reversed())), ("idle", (1...15).reversed().map { $0 * 20 })] {
            var query = HistoryQuery()
            query.text = "number weath"
            query.endReason = reason
            query.limit = limit
            var seen: [Int64] = []
            repeat {
                let page = try store.history(query)
                seen += page.calls.map(\.id)
                query.cursor = page.next
            } while query.cursor != nil
            #expect(seen == expected.map { Int64($0) })
        }
    }

    /// Fills a store with calls of six turns each.
    static func fill(_ store: CallStore, calls: Int) throws {
        try store.write { db in
            try db.execute(
                sql: """
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(calls))
                    INSERT INTO calls (id, call_sid, stream_sid, direction, caller, called, started_at, last_at,
                        ended_at, duration_ms, end_reason, end_initiator)
                    SELECT i, 'CA' || i, 'MZ' || i, 'inbound', '+49170' || (1000000 + i * 37), '+4930555',
                        1000 * i, 1000 * i + 60000, 1000 * i + 60000, 60000,
                        CASE i % 20 WHEN 0 THEN 'idle' ELSE 'caller_hung_up' END, 'caller' FROM n
                    """
            )
            try db.execute(
                sql: """
                    WITH RECURSIVE k(t) AS (SELECT 1 UNION ALL SELECT t + 1 FROM k WHERE t < 6)
                    INSERT INTO turns (id, call_id, who, text, began_at)
                    SELECT calls.id * \(Schema.turnsPerCall) + t, calls.id, CASE t % 2 WHEN 1 THEN 'caller' ELSE 'agent' END,
                        'the weather in town number ' || (calls.id * 7 + t) || ' is what we talk about', started_at
                    FROM calls, k
                    """
            )
            try db.execute(
                sql: """
                    INSERT INTO tool_runs (call_id, tool_call_id, name, began_at)
                    SELECT id, 't', 'weather', started_at FROM calls WHERE id % 1000 = 0
                    """
            )
        }
    }

    private static let queries: [(String, @Sendable (inout HistoryQuery) -> Void)] = [
        ("all", { _ in }), ("word in every turn", { $0.text = "weather" }), ("rare word", { $0.text = "7004" }),
        ("two words", { $0.text = "number talk" }), ("no such word", { $0.text = "zebra" }),
        ("number", { $0.number = "99990" }), ("reason", { $0.endReason = "idle" }),
        (
            "time",
            {
                $0.from = 3_000_000
                $0.to = 3_100_000
            }
        ), ("tool", { $0.tool = "weather" }), ("long calls only", { $0.minimumDurationMilliseconds = 100_000 }),
        (
            "word, reason and cursor",
            {
                $0.text = "weather"
                $0.endReason = "idle"
                $0.cursor = "5000000.5000"
            }
        ),
    ]

    @Test func neverScansAllCalls() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        try Self.fill(store, calls: 500)
        for (name, change) in Self.queries {
            var query = HistoryQuery()
            change(&query)
            let statements = try HistoryStatements(query)
            let statement =
                statements.candidates == nil ? statements.page(limit: 51) : statements.chosen([1, 2], limit: 51)
            let plan = try store.read { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + statement.sql, arguments: statement.arguments)
                    .map { $0["detail"] as String }
            }
            #expect(!plan.contains { $0.hasPrefix("SCAN calls") }, "\(name): \(plan)")
            #expect(plan.contains { $0.hasPrefix("SEARCH calls USING") }, "\(name): \(plan)")
        }
    }

    @Test func answersQuicklyWithTenThousandCalls() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        try Self.fill(store, calls: 10_000)
        let clock = ContinuousClock()
        for (name, change) in Self.queries {
            var query = HistoryQuery()
            change(&query)
            let times = try (0..<5).map { _ in try clock.measure { _ = try store.history(query) } }
            print("history of 10,000 calls, \(name): median \(times.sorted()[2] / .milliseconds(1)) ms")
            let counting = try clock.measure { _ = try store.count(query) }
            print("history of 10,000 calls, \(name), counted: \(counting / .milliseconds(1)) ms")
        }
        let time = try clock.measure { _ = try store.call(5_000) }
        print("history of 10,000 calls, one call: \(time / .milliseconds(1)) ms")
        #expect(try store.history().calls.count == 50)
    }
}
