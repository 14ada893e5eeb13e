import CallBridge
import CallPolicy
import Foundation
import GRDB
import RealtimeProtocol
import TestSupport
import Testing

@testable import CallRecords

/// Calls as text.
@Suite(.timeLimit(.minutes(5))) struct ExportTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("=cmd()", "'=cmd()"), ("+49170", "'+49170"), ("-1", "'-1"), ("@x", "'@x"),
        ("\tx", "'\tx"), ("\rx", "\"'\rx\""), ("a=b", "a=b"), ("\0=1", "'=1"), ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""), ("two\nlines", "\"two\nlines\""), ("=\"a\",b", "\"'=\"\"a\"\",b\""),
        ("\r\nx", "\"'\r\nx\""),
    ]) func cellsAreNoFormulas(text: String, cell: String) { #expect(CSV.cell(text) == cell) }

    @Test func writesEachCallOnce() throws {
        var limits = StoreLimits()
        limits.pageCalls = 7
        let store = try CallStore.open(path: folder.file("calls.db"), limits: limits)
        let writer = RecordWriter(store)
        for index in 0..<30 {
            var script = CallScript("CA\(index)")
            script.from = "=HYPERLINK(\"x\")"
            writer.note(script.short)
        }
        #expect(writer.flush())
        let csv = CallExport(store, as: .csv)
        var rows: [String] = []
        while let bytes = try csv.next() { rows.append(String(decoding: bytes, as: UTF8.self)) }
        #expect(rows.count == 31)
        #expect(rows[0].hasPrefix("id,call_sid,stream_sid,direction,caller,called,started_at,"))
        #expect(rows[1].contains(",CA29,MZCA29,inbound,\"'=HYPERLINK(\"\"x\"\")\",'+4930555,20"))
        #expect(rows.allSatisfy { $0.hasSuffix("\r\n") })
        let lines = CallExport(store, as: .jsonLines)
        var sids: [String?] = []
        while let bytes = try lines.next() {
            #expect(bytes.last == UInt8(ascii: "\n") && !bytes.dropLast().contains(UInt8(ascii: "\n")))
            let call = try JSONValue(parsing: Array(bytes.dropLast()))
            sids.append(call["call_sid"]?.stringValue)
            #expect(call["turns"]?.arrayValue?.count == 2)
        }
        #expect(sids == (0..<30).reversed().map { "CA\($0)" })
    }

    @Test func manyCallsTakeNoMoreMemory() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        try HistoryTests.fill(store, calls: 20_000)
        func resident() -> Int {
            let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
            return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4_096
        }
        let export = CallExport(store, as: .csv)
        for _ in 0..<2_000 { _ = try export.next() }
        let before = resident()
        var count = 2_000
        while try export.next() != nil { count += 1 }
        #expect(count == 20_001)
        // Other tests run beside this one; all calls at once would be much more than that.
        print("export of 20,000 calls: \((resident() - before) / 1_024) KiB more after the first 2,000")
    }

    @Test func timesAreISO8601() {
        #expect(UnixTime.text(0) == "1970-01-01T00:00:00.000Z")
        #expect(UnixTime.text(1_795_722_427_531) == "2026-11-26T19:47:07.531Z")
        #expect(UnixTime.text(-1) == "1969-12-31T23:59:59.999Z")
    }
}
