import Foundation
import RealtimeProtocol

/// Recorded conversations with the real server, where they are beside the checkout.
enum Captured {
    private static func events(_ file: String) -> [JSONValue]? {
        var folder = URL(fileURLWithPath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let url = folder.appendingPathComponent("shared/captures/\(file).jsonl")
            guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
            return text.split(separator: "\n").compactMap { line in
                guard let message = try? JSONValue(parsing: String(line)), message["direction"] == "received" else {
                    return nil
                }
                return message["event"]
            }
        }
        return nil
    }

    static func types(_ file: String) -> [String]? { events(file)?.compactMap { $0["type"]?.stringValue } }

    /// The key orders seen of each type.
    static func fields(_ files: [String]) -> [String: Set<[String]>]? {
        var fields: [String: Set<[String]>] = [:]
        for file in files {
            guard let events = events(file) else { return nil }
            for event in events {
                guard let type = event["type"]?.stringValue, let keys = event.objectValue?.keys else { continue }
                fields[type, default: []].insert(keys)
            }
        }
        return fields
    }

    /// The order of a turn: deltas of audio and words interleave freely, and the caller's words come anywhere.
    static func outline(_ types: [String]) -> [String] {
        var outline: [String] = []
        for type in types {
            if type.hasPrefix("conversation.item.input_audio_transcription") { continue }
            // It comes after the response in some recordings, and not at all in others.
            if type == "rate_limits.updated" { continue }
            let isDelta = type == "response.output_audio.delta" || type == "response.output_audio_transcript.delta"
            let name = isDelta ? "deltas" : type
            if name == "deltas", outline.last == "deltas" { continue }
            outline.append(name)
        }
        return outline
    }
}
