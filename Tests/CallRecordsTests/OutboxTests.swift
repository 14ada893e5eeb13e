import CallBridge
import CallPolicy
import GRDB
import RealtimeProtocol
import TestSupport
import Testing

@testable import CallRecords

/// The ends of calls on their way to the operator's server.
@Suite(.timeLimit(.minutes(5))) struct OutboxTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func anEndIsQueuedWithItsCall() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store, queuesEnds: true)
        writer.note(CallScript("CA1").short)
        writer.note(CallScript("CA2").started)
        #expect(writer.flush())
        let now = UnixTime.milliseconds + 120_000
        let item = try #require(try store.due(now: now, limit: 10).first)
        #expect(try store.outboxCounts() == OutboxCounts(pending: 1, delivered: 0, failed: 0))
        #expect(item.callSID == "CA1" && item.attempts == 0)
        let payload = try JSONValue(parsing: item.payload)
        #expect(payload["type"]?.stringValue == "call.ended")
        #expect(payload["call"]?["end_reason"]?.stringValue == "caller_hung_up")
        #expect(payload["call"]?["turns"]?.arrayValue?.count == 2)
        // Later, later, and never.
        try store.failed(item.id, nextAt: now + 10)
        #expect(try store.due(now: now, limit: 10).isEmpty)
        #expect(try store.due(now: now + 10, limit: 10).first?.attempts == 1)
        try store.failed(item.id, nextAt: nil)
        #expect(try store.due(now: now + 1_000_000, limit: 10).isEmpty)
        #expect(try store.outboxCounts().failed == 1)
        // A delivered one is not due and keeps no words.
        writer.note(CallScript("CA3").short)
        #expect(writer.flush())
        let again = try #require(try store.due(now: now, limit: 10).first)
        try store.delivered(again.id)
        #expect(try store.due(now: now, limit: 10).isEmpty)
        #expect(try store.outboxCounts() == OutboxCounts(pending: 0, delivered: 1, failed: 1))
    }

    @Test func theOldestGoWhenThereAreTooMany() throws {
        var limits = StoreLimits()
        limits.outboxRows = 10
        let store = try CallStore.open(path: folder.file("calls.db"), limits: limits)
        let writer = RecordWriter(store, queuesEnds: true)
        for index in 0..<10 { writer.note(CallScript("CA\(index)").short) }
        #expect(writer.flush())
        let now = UnixTime.milliseconds + 120_000
        #expect(store.outboxDropped == 0)
        for item in try store.due(now: now, limit: 3) { try store.delivered(item.id) }
        for index in 10..<15 { writer.note(CallScript("CA\(index)").short) }
        #expect(writer.flush())
        // Three that were delivered and two that were not.
        #expect(store.outboxDropped == 2)
        #expect(try store.due(now: now, limit: 100).map(\.callSID) == (5..<15).map { "CA\($0)" })
    }
}
