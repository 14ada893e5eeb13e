import Foundation
import SelfTest
import Simulators
import TestSupport
import Trunk

/// The real server as a process of its own, with a limit of descriptors, that dials the model of a rig.
final class ServerProcess: Sendable {
    let port: Int
    private let folder: URL
    private let process: Process

    /// Nil, with one line that says so, when the command was not built.
    init?(model rig: Rig, descriptors: Int) throws {
        // Beside the tests, where the package was built.
        let own = URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let built = [own.deletingLastPathComponent(), Self.bundleFolder].compactMap {
            $0?.appendingPathComponent("trunkline").path
        }
        guard let command = built.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            print("skipped: there is no trunkline command beside the tests")
            return nil
        }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("server-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("Be brief.".utf8).write(to: folder.appendingPathComponent("sample_prompt.txt"))
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "ulimit -n \(descriptors); exec \"$0\" serve", command]
        process.currentDirectoryURL = folder
        process.environment = [
            "HOST": "127.0.0.1", "PORT": "0", "OPENAI_API_KEY": "sk-hostile", "LOG_LEVEL": "error",
            "OPENAI_REALTIME_URL": "ws://127.0.0.1:\(rig.modelAddress)\(ModelSimulator.path)",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        // "trunkline listens on 127.0.0.1:PORT: ..."
        var text = ""
        while !text.contains("\n") {
            let bytes = output.fileHandleForReading.availableData
            if bytes.isEmpty { break }
            text += String(decoding: bytes, as: UTF8.self)
        }
        guard let found = text.firstMatch(of: /127\.0\.0\.1:(\d+)/), let port = Int(found.1) else {
            process.terminate()
            throw CocoaError(.executableLoad, userInfo: ["output": text])
        }
        self.port = port
    }

    /// The folder of the test bundle, as the command line of the tests names it.
    private static var bundleFolder: URL? {
        CommandLine.arguments.first { $0.hasSuffix(".xctest") }.map {
            URL(fileURLWithPath: $0).deletingLastPathComponent()
        }
    }

    var address: DialTarget { DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/media-stream") }

    /// Ends it; whether it ended by itself with status 0.
    func stop() -> Bool {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
        return process.terminationReason == .exit && process.terminationStatus == 0
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}

/// A connection on which the server's counters are read, opened while there is still a descriptor for it.
struct MetricsConnection: Sendable {
    private let client: RawClient

    init(port: Int) throws { client = try RawClient(port: port) }

    /// The counters of the first loop, by the names of the metrics without their beginning and their end.
    func read() async -> [String: Int] {
        client.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        let text = await client.answers().first?.text ?? ""
        var values: [String: Int] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("trunkline_loop_") {
            guard let found = line.firstMatch(of: /^trunkline_loop_(\w+?)(_total)?\{loop="0"\} (\d+)$/) else {
                continue
            }
            values[String(found.1)] = Int(found.3)
        }
        return values
    }
}
