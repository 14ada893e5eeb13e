import CallPolicy
import Foundation
import GRDB
import RealtimeProtocol
import TestSupport
import Testing

@testable import CallRecords

/// What stands at the path.
@Suite(.timeLimit(.minutes(5))) struct OpeningTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func reason(_ path: String) -> String {
        do throws(StoreError) {
            _ = try CallStore.open(path: path)
            return "opened"
        } catch {
            return error.reason
        }
    }

    @Test func opensWhatIsThereWithItsCalls() throws {
        let path = folder.file("calls.db")
        do {
            let writer = RecordWriter(try CallStore.open(path: path))
            writer.note(CallScript("CA1").short)
            #expect(writer.close())
        }
        let store = try CallStore.open(path: path)
        #expect(try store.history().calls.map(\.callSID) == ["CA1"])
        #expect(store.notes.isEmpty && store.interruptedCalls.isEmpty)
        let modes = try store.write { db in
            [
                try String.fetchOne(db, sql: "PRAGMA journal_mode"),
                try String.fetchOne(db, sql: "PRAGMA synchronous"),
            ]
        }
        #expect(modes == ["wal", "1"])
        // Nobody else reads what callers said.
        for name in folder.names {
            let mode = try FileManager.default.attributesOfItem(atPath: folder.file(name))[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
    }

    @Test func saysWhatIsWrong() throws {
        #expect(reason(folder.file("no/calls.db")) == "its folder does not exist")
        #expect(reason(folder.path) == "it is no file")
        let foreign = folder.file("foreign.db")
        try DatabaseQueue(path: foreign).write { db in try db.execute(sql: "CREATE TABLE calls (a)") }
        #expect(reason(foreign) == "the file is a database of something else")
        let newer = folder.file("newer.db")
        _ = try CallStore.open(path: newer)
        try DatabaseQueue(path: newer).write { db in
            try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')")
        }
        #expect(reason(newer) == "the file was written by a newer version")
        let error = #expect(throws: StoreError.self) { try CallStore.open(path: folder.file("no/calls.db")) }
        #expect(
            error?.description
                == "call records in \(folder.file("no/calls.db")): its folder does not exist; make the folder"
        )
    }

    @Test func aPlaceThatCannotBeWrittenIsAnError() throws {
        guard let disk = TinyDisk(folder.file("disk"), bytes: 1 << 20) else { return }
        #expect(mount("tmpfs", disk.path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
        #expect(reason(disk.path + "/calls.db").hasPrefix("it cannot be written"))
    }

    @Test(arguments: [0, 1]) func aCorruptFileIsMovedAside(kind: Int) throws {
        let path = folder.file("calls.db")
        if kind == 0 {
            try Data(repeating: 0x5A, count: 20_000).write(to: URL(fileURLWithPath: path))
        } else {
            // Whole at first sight: its later pages are noise.
            do {
                let store = try CallStore.open(path: path)
                let writer = RecordWriter(store)
                for index in 0..<50 { writer.note(CallScript("CA\(index)").short) }
                #expect(writer.close())
                try store.truncateLog()
            }
            var data = try Data(contentsOf: URL(fileURLWithPath: path))
            for index in data.indices where index >= 8_192 { data[index] = UInt8(truncatingIfNeeded: index &* 7) }
            for name in folder.names { try FileManager.default.removeItem(atPath: folder.file(name)) }
            try data.write(to: URL(fileURLWithPath: path))
        }
        let store = try CallStore.open(path: path)
        #expect(store.notes.count == 1 && store.notes[0].contains("moved to \(path).corrupt-"))
        #expect(folder.names.contains { $0.hasPrefix("calls.db.corrupt-") })
        #expect(try store.history().calls.isEmpty)
        let writer = RecordWriter(store)
        writer.note(CallScript("CA1").short)
        #expect(writer.flush())
        #expect(try store.count("calls") == 1)
    }
}
