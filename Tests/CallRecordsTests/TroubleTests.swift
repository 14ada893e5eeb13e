import CallBridge
import CallPolicy
import Foundation
import GRDB
import RealtimeProtocol
import SelfTest
import TestSupport
import Testing

@testable import CallRecords

/// The disk and the file, when they do not do what they should.
@Suite(.timeLimit(.minutes(5))) struct TroubleTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func limits(queue: Int = 16_384) -> StoreLimits {
        var limits = StoreLimits()
        limits.busyMilliseconds = 20
        limits.retryMilliseconds = 50
        limits.queueEntries = queue
        limits.queueReserve = 10
        return limits
    }

    @Test func aLockedFileIsTriedAgain() async throws {
        let store = try CallStore.open(path: folder.file("calls.db"), limits: Self.limits())
        let writer = RecordWriter(store)
        writer.note(CallScript("CA1").short)
        #expect(writer.flush())
        let other = try Locker(store.path)
        writer.note(CallScript("CA2").short)
        await Patience.wait { writer.stats.failures >= 3 }
        #expect(!writer.stats.isHealthy && writer.stats.queued == 4 && writer.stats.dropped == 0)
        #expect(writer.stats.lastError?.contains("database is locked") == true)
        // Readers go on meanwhile.
        #expect(try store.history().calls.count == 1)
        try other.unlock()
        #expect(writer.flush())
        #expect(writer.stats.isHealthy && writer.stats.dropped == 0)
        #expect(try store.history().calls.map(\.callSID) == ["CA2", "CA1"])
    }

    @Test func aFullQueueDropsAndCountsAndEndsStillPass() async throws {
        let store = try CallStore.open(path: folder.file("calls.db"), limits: Self.limits(queue: 100))
        let writer = RecordWriter(store)
        let script = CallScript("CA1")
        writer.note(script.started)
        #expect(writer.flush())
        let other = try Locker(store.path)
        for index in 0..<150 { writer.note(script.said("turn \(index)", item: "u\(index)")) }
        #expect(writer.stats.queued == 100 && writer.stats.dropped == 50)
        writer.note(script.ended())
        #expect(writer.stats.queued == 101 && writer.stats.dropped == 50)
        await Patience.wait { writer.stats.failures > 0 }
        try other.unlock()
        #expect(writer.flush())
        let detail = try #require(try store.call(sid: "CA1"))
        #expect(detail.turns.count == 100 && detail.call.endReason == "caller_hung_up")
    }

    @Test func aQueueOfLongTextsIsBoundedByTheirBytes() async throws {
        var limits = Self.limits()
        limits.queueBytes = 100_000
        let store = try CallStore.open(path: folder.file("calls.db"), limits: limits)
        let writer = RecordWriter(store)
        let other = try Locker(store.path)
        let text = String(repeating: "x", count: 10_000)
        for index in 0..<20 { writer.note(CallScript("CA1").said(text, item: "u\(index)")) }
        #expect(writer.stats.queued == 9 && writer.stats.dropped == 11)
        try other.unlock()
        #expect(writer.flush())
    }

    @Test func aDeletedFileIsBegunAnewWithTheCallsInProgress() async throws {
        let store = try CallStore.open(path: folder.file("calls.db"), limits: Self.limits())
        let writer = RecordWriter(store)
        let script = CallScript("CA1")
        writer.note([script.started, script.said("before")])
        #expect(writer.flush())
        for name in folder.names { try FileManager.default.removeItem(atPath: folder.file(name)) }
        writer.note([script.said("after", item: "u2"), script.ended()])
        writer.note(CallScript("CA2").short)
        #expect(writer.flush())
        #expect(writer.stats.dropped == 0 && writer.stats.isHealthy)
        #expect(store.notes.count == 1)
        let detail = try #require(try store.call(sid: "CA1"))
        #expect(detail.turns.compactMap { $0["text"]?.stringValue } == ["after"])
        #expect(detail.call.fields["caller"]?.stringValue == script.from)
        #expect(detail.call.endReason == "caller_hung_up")
        #expect(try store.history().calls.count == 2)
        #expect(folder.names.contains("calls.db"))
    }

    /// Deleted and, for a while, nowhere to go.
    @Test func aFolderThatIsGoneIsWaitedFor() async throws {
        let inner = folder.file("inner")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        let store = try CallStore.open(path: inner + "/calls.db", limits: Self.limits())
        let writer = RecordWriter(store)
        try FileManager.default.removeItem(atPath: inner)
        writer.note(CallScript("CA1").short)
        await Patience.wait { writer.stats.failures >= 3 }
        #expect(!writer.stats.isHealthy && writer.stats.queued == 4)
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        #expect(writer.flush())
        #expect(writer.stats.isHealthy && writer.stats.dropped == 0)
        #expect(try store.history().calls.count == 1)
    }

    @Test(arguments: [true, false]) func aFullDiskIsWaitedFor(isMounted: Bool) async throws {
        // A real file system of 3 MiB where that is allowed, else a bound on the file's pages.
        let mount = TinyDisk(folder.file("disk"), bytes: 3 << 20)
        guard let path = isMounted ? mount?.path : folder.path else { return }
        let store = try CallStore.open(path: path + "/calls.db", limits: Self.limits())
        let writer = RecordWriter(store)
        writer.note(CallScript("CA1").short)
        #expect(writer.flush())
        if isMounted {
            _ = FileManager.default.createFile(atPath: path + "/ballast", contents: nil)
            let ballast = try #require(FileHandle(forWritingAtPath: path + "/ballast"))
            while (try? ballast.write(contentsOf: Data(count: 4_096))) != nil {}
            try ballast.close()
        } else {
            try store.write { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                try db.execute(sql: "PRAGMA max_page_count = \(pages + 1)")
            }
        }
        let text = String(repeating: "all work and no play ", count: 500)
        for index in 0..<20 {
            let script = CallScript("full\(index)")
            writer.note([script.started, script.said(text), script.ended()])
        }
        await Patience.wait { writer.stats.failures >= 3 }
        #expect(!writer.stats.isHealthy && writer.stats.dropped == 0)
        #expect(writer.stats.lastError?.contains("disk is full") == true)
        #expect(try store.history().calls.contains { $0.callSID == "CA1" })
        if isMounted {
            try FileManager.default.removeItem(atPath: path + "/ballast")
        } else {
            try store.write { db in try db.execute(sql: "PRAGMA max_page_count = 1000000") }
        }
        #expect(writer.flush(milliseconds: 20_000))
        #expect(writer.stats.isHealthy && writer.stats.dropped == 0)
        #expect(try store.count("calls") == 21)
        #expect(try store.integrity() == "ok")
    }

    @Test func closingDoesNotWaitForeverForADiskThatIsFull() async throws {
        let store = try CallStore.open(path: folder.file("calls.db"), limits: Self.limits())
        let writer = RecordWriter(store)
        let other = try Locker(store.path)
        writer.note(CallScript("CA1").short)
        #expect(writer.close(milliseconds: 20_000))
        #expect(writer.stats.dropped == 4 && writer.stats.written == 0)
        try other.unlock()
    }
}

/// A file system in memory, where the process may mount one.
final class TinyDisk: Sendable {
    let path: String

    init?(_ path: String, bytes: Int) {
        self.path = path
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else { return nil }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }
}
