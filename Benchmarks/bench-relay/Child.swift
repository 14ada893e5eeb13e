import Foundation
import RealtimeProtocol

/// A process of this same program in another role.
final class Child {
    private let process = Process()
    private let output = Pipe()
    private let input = Pipe()
    private var pending = Data()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardOutput = output
        process.standardInput = input
        try process.run()
    }

    var pid: Int32 { process.processIdentifier }

    /// The next line, nil at the end.
    func line() -> String? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[pending.startIndex..<end], as: UTF8.self)
                pending = Data(pending[pending.index(after: end)...])
                return line
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            pending.append(more)
        }
    }

    /// The port that the process listens on.
    func port() throws -> Int {
        guard let line = line(), line.hasPrefix("listening "), let port = Int(line.dropFirst(10)) else {
            throw Session.Failure("a process of the load did not start")
        }
        return port
    }

    /// The relay's own counters: writes, reads, frames in, frames out, for each loop.
    func counters() -> [Int] {
        try? input.fileHandleForWriting.close()
        guard let line = line(), line.hasPrefix("counters ") else { return [] }
        return line.dropFirst(9).split(separator: " ").compactMap { Int($0) }
    }

    func terminate() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }

    /// Ends the process and reads its report.
    func finish() throws -> JSONValue {
        process.terminate()
        guard let line = line() else { throw Session.Failure("the model's process gave no report") }
        process.waitUntilExit()
        return try JSONValue(parsing: line)
    }
}
