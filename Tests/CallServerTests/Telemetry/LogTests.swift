import CallServer
import Foundation
import Logging
import RealtimeProtocol
import Testing

/// Both ends of a pipe; nobody reads unless the test does.
final class StalledPipe {
    private(set) var readEnd: Int32 = -1
    private(set) var writeEnd: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        closeReadEnd()
        closeWriteEnd()
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    func closeReadEnd() {
        if readEnd >= 0 { close(readEnd) }
        readEnd = -1
    }

    /// Reads until this many bytes came.
    func read(atLeast bytes: Int) -> [UInt8] {
        var result: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 * 1024)
        while result.count < bytes {
            let count = Foundation.read(readEnd, &block, block.count)
            if count <= 0 { break }
            result += block.prefix(count)
        }
        return result
    }
}

/// Log lines, and a writer that nobody has to wait for.
@Suite struct LogTests {
    private func line(_ message: String, _ metadata: Logger.Metadata = [:]) -> LogLine {
        LogLine(
            milliseconds: 1_795_000_000_123,
            level: .warning,
            label: "bridge",
            message: message,
            metadata: metadata
        )
    }

    /// Lines taken, lines dropped, bytes lost.
    private func counters(_ writer: LogWriter) -> [Int] {
        [writer.counters.lines, writer.counters.dropped, writer.counters.bytesLost]
    }

    private func text(_ line: LogLine, _ format: LogSettings.Format, _ secrets: [String] = []) -> String {
        String(decoding: line.bytes(format, hiding: secrets), as: UTF8.self)
    }

    @Test func linesForPeople() {
        let line = line("lost", ["leg": "2", "call": "CA1"])
        #expect(text(line, .text) == "2026-11-18T11:06:40.123Z warning bridge call=CA1 leg=2: lost\n")
    }

    @Test func linesForPrograms() throws {
        let metadata: Logger.Metadata = [
            "call": "CA1", "level": "mine", "list": ["a", "b\"\n"], "map": ["k": "v"],
        ]
        let parsed = try JSONValue(parsing: text(line("lost \"it\"", metadata), .json))
        #expect(
            parsed == [
                "time": "2026-11-18T11:06:40.123Z", "level": "warning", "label": "bridge", "message": "lost \"it\"",
                "call": "CA1", "level_": "mine", "list": ["a", "b\"?"], "map": ["k": "v"],
            ]
        )
    }

    @Test(arguments: LogSettings.Format.allCases)
    func nothingInALineIsALineOrASecret(format: LogSettings.Format) {
        let hostile = line(
            "a\nb\u{1B}[31m\u{202E} sk-abc canary-1 xcanary-1y",
            [
                "ca\nll": "canary-1\r\nc", "deep": ["k": ["canary-2"]],
                "long": "\(String(repeating: "é", count: 100_000))",
            ]
        )
        let text = text(hostile, format, ["canary-1", "canary-2", ""])
        #expect(text.filter(\.isNewline).count == 1)
        #expect(!text.contains("canary"))
        #expect(!text.contains("sk-abc"))
        #expect(!text.unicodeScalars.contains("\u{1B}"))
        #expect(!text.unicodeScalars.contains("\u{202E}"))
        #expect(text.utf8.count < LogLine.bytesMaximum)
        #expect(text.contains("[cut]"))
    }

    @Test func levelsBySubsystem() throws {
        let pipe = try StalledPipe()
        let writer = LogWriter(descriptor: pipe.writeEnd)
        defer { writer.close() }
        let settings = try Settings(environment: ["LOG_LEVELS": "http=error", "LOG_FORMAT": "json"], prompt: nil)
        for label in ["http", "bridge"] {
            var logger = Logger(label: label) {
                BackgroundLogHandler(
                    label: $0,
                    settings: settings.logging,
                    writer: writer,
                    secrets: SecretWords(["canary"])
                )
            }
            logger[metadataKey: "call"] = "CA1"
            logger.debug("\(label) 1")
            logger.info("\(label) canary")
            logger.error("\(label) 3", metadata: ["leg": "1"])
        }
        #expect(writer.flush(milliseconds: 10_000))
        let lines = String(decoding: pipe.read(atLeast: 1), as: UTF8.self).split(separator: "\n")
        let values = try lines.map { try JSONValue(parsing: String($0)) }
        #expect(values.map { $0["message"]?.stringValue } == ["http 3", "bridge [secret]", "bridge 3"])
        #expect(values.allSatisfy { $0["call"] == "CA1" })
        #expect(values.last?["leg"] == "1")
    }

    @Test func aStalledReaderHoldsNobodyUp() async throws {
        let pipe = UncheckedPipe(try StalledPipe())
        let bound = 256 * 1024
        let writer = LogWriter(descriptor: pipe.value.writeEnd, bytesMaximum: bound) { Array("\($0) missing\n".utf8) }
        let line = Array(String(repeating: "x", count: 999).utf8) + [UInt8(ascii: "\n")]
        // Far more than pipe and queue take: with a write that waits, this would never end.
        for _ in 0..<5_000 { writer.write(line) }
        let stalled = writer.counters
        #expect(stalled.lines + stalled.dropped == 5_000)
        #expect(stalled.dropped > 4_000)
        // The pipe itself holds 64 KiB.
        #expect(stalled.lines * line.count <= bound + 64 * 1024)
        #expect(!writer.flush(milliseconds: 10))
        // The reader goes on: every line that was taken comes, and how many are missing, in one note or several.
        let received = Task.detached { pipe.value.read(atLeast: stalled.lines * line.count + 1) }
        var bytes = await received.value
        #expect(writer.flush(milliseconds: 30_000))
        writer.close()
        pipe.value.closeWriteEnd()
        bytes += pipe.value.read(atLeast: .max)
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let missing = lines.filter { $0.count != 999 }.compactMap { note in
            Int(String(decoding: note, as: UTF8.self).prefix { $0.isNumber })
        }
        let isWhole = lines.count { $0.count == 999 } == stalled.lines
        #expect(isWhole)
        #expect(missing.reduce(0, +) == stalled.dropped)
    }

    @Test func whatIsMissingIsTold() async throws {
        let pipe = try StalledPipe()
        let writer = LogWriter(descriptor: pipe.writeEnd, bytesMaximum: 10) { Array("\($0) missing\n".utf8) }
        for _ in 0..<3 { writer.write(Array("01234567890\n".utf8)) }
        #expect(counters(writer) == [0, 3, 0])
        writer.write(Array("here\n".utf8))
        #expect(writer.flush(milliseconds: 10_000))
        writer.close()
        #expect(String(decoding: pipe.read(atLeast: 15), as: UTF8.self) == "here\n3 missing\n")
        writer.write(Array("late\n".utf8))
        #expect(counters(writer) == [1, 4, 0])
    }

    @Test func aPipeWithoutAReaderEndsNothing() throws {
        let pipe = try StalledPipe()
        pipe.closeReadEnd()
        let writer = LogWriter(descriptor: pipe.writeEnd)
        writer.write(Array("nobody\n".utf8))
        #expect(writer.flush(milliseconds: 10_000))
        #expect(counters(writer) == [1, 0, 7])
        writer.close()
    }
}

/// A pipe that one task at a time uses.
struct UncheckedPipe: @unchecked Sendable {
    let value: StalledPipe
    init(_ value: StalledPipe) { self.value = value }
}

extension LogWriter {
    fileprivate func write(_ line: [UInt8]) { write(bytes: line.count) { line } }
}
