import Foundation

/// Other programs, as judges and peers of tests.
public enum Program {
    /// Whether a program is on this machine.
    public static func isThere(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }

    /// Runs a program to its end, without holding a thread of the tests.
    ///
    /// - Returns: Its status, and what it printed.
    ///
    /// - Parameters:
    ///   - name: Its name or path.
    ///   - arguments: Its arguments.
    ///   - input: What it reads.
    ///   - withErrors: Whether what it says of errors counts as printed.
    public static func run(
        _ name: String,
        _ arguments: [String],
        input: String = "",
        withErrors: Bool = false
    ) async throws -> (status: Int32, output: String) {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = [name] + arguments
                let (pipe, inputPipe) = (Pipe(), Pipe())
                process.standardOutput = pipe
                process.standardInput = inputPipe
                process.standardError = withErrors ? pipe : FileHandle.nullDevice
                do {
                    try process.run()
                } catch {
                    return continuation.resume(throwing: error)
                }
                try? inputPipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
                try? inputPipe.fileHandleForWriting.close()
                let output = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: (process.terminationStatus, String(decoding: output, as: UTF8.self)))
            }
        }
    }
}
