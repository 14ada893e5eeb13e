import Foundation
import RealtimeProtocol
import Testing

/// One message of a recorded conversation.
struct CapturedMessage: Sendable, CustomTestStringConvertible {
    let name: String
    let isReceived: Bool
    let event: JSONValue

    var testDescription: String { name }
}

/// Recorded conversations with real servers, in the folder `shared/captures` beside the checkout. Where they are
/// absent, the tests over them have nothing to do and say so.
enum Captures {
    static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let files = names.filter { $0.hasSuffix(".jsonl") }.map { String($0.dropLast(6)) }.sorted()
        if files.isEmpty { print("skipped: no recorded conversations in shared/captures") }
        return files
    }()

    private static let folder: URL = {
        var folder = URL(fileURLWithPath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let captures = folder.appendingPathComponent("shared/captures")
            if FileManager.default.fileExists(atPath: captures.path) { return captures }
        }
        return folder
    }()

    static func load(_ file: String) throws -> [CapturedMessage] {
        let text = try String(contentsOf: folder.appendingPathComponent("\(file).jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").enumerated().map { index, line in
            let message = try JSONValue(parsing: String(line))
            return CapturedMessage(
                name: "\(file):\(index + 1)",
                isReceived: message["direction"] == "received",
                event: message["event"] ?? .null
            )
        }
    }
}
