import Foundation
import Glibc

/// Another program that runs beside a test, and is ended with it.
public final class RunningProgram: @unchecked Sendable {
    // Only started and ended, by one test.
    private let process = Process()

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - name: Its name or path.
    ///   - arguments: Its arguments.
    ///   - output: A file for all that it says; without one it goes nowhere.
    public init(_ name: String, _ arguments: [String], output: String? = nil) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardInput = FileHandle.nullDevice
        var sink = FileHandle.nullDevice
        if let output {
            _ = FileManager.default.createFile(atPath: output, contents: nil)
            sink = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        }
        process.standardOutput = sink
        process.standardError = sink
        try process.run()
    }

    deinit { stop() }

    /// Its process.
    public var id: Int32 { process.processIdentifier }

    /// Whether it runs.
    public var isRunning: Bool { process.isRunning }

    /// Ends it.
    public func stop() { if process.isRunning { process.terminate() } }

    /// Sends it a signal.
    public func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// The command of this package.
    public static let trunkline = built("trunkline")

    /// The path of a program of this package, which is built beside the tests.
    public static func built(_ name: String) -> String {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// A port of this machine that nobody listens on, for programs that cannot choose one themselves.
    public static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard bound else { throw CocoaError(.fileNoSuchFile) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
